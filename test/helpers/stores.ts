import { join } from 'node:path';
import { afterAll, describe } from 'vitest';
import { FileObjectStore } from '../../src/object-store/file/file.ts';
import type { ObjectStore } from '../../src/object-store/object-store.ts';
import { openS3 } from '../../src/object-store/s3/s3.ts';
import { startR2, type TestBucket } from './r2.ts';
import { type TempDir, tempDir } from './temp-dir.ts';

/** Opens a fresh, empty store; whoever gets it closes it. */
export type OpenStore = () => Promise<ObjectStore>;

interface Stores {
  readonly openStore: OpenStore;
  readonly close: () => Promise<void>;
}

/** What Cairn runs on: the embedded store on local disk, and a real S3 endpoint. */
const KINDS: readonly { readonly kind: string; readonly open: () => Stores }[] = [
  { kind: 'the embedded store', open: fileStores },
  { kind: 'S3', open: s3Stores },
];

/**
 * Describes the same behaviour once for every kind of store.
 * @param define gets a function that opens fresh stores; it may be called from hooks and tests only
 */
export function eachStore(name: string, define: (openStore: OpenStore) => void): void {
  for (const { kind, open } of KINDS) {
    describe(`${name}, on ${kind}`, () => {
      const { openStore, close } = open();
      afterAll(close);
      define(openStore);
    });
  }
}

/** One folder serves all the tests of a description. */
function fileStores(): Stores {
  let folder: Promise<TempDir> | undefined;
  let opened = 0;
  return {
    openStore: async () => {
      folder ??= tempDir('cairn-store');
      return FileObjectStore.open(join((await folder).path, String(opened++)));
    },
    close: async () => (await folder)?.[Symbol.asyncDispose](),
  };
}

/** One endpoint does. */
function s3Stores(): Stores {
  let bucket: Promise<TestBucket> | undefined;
  let opened = 0;
  return {
    openStore: async () => {
      bucket ??= startR2();
      const { close: _, prefix, ...options } = await bucket;
      // The connections with the longer time limits: the machine may be busy with other tests.
      return openS3({ ...options, prefix: `${prefix}/${opened++}` }).bulk;
    },
    close: async () => (await bucket)?.close(),
  };
}

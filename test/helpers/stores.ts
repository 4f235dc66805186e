import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { FileObjectStore } from '../../src/object-store/file.ts';
import type { ObjectStore } from '../../src/object-store/object-store.ts';
import { openS3 } from '../../src/object-store/s3.ts';
import { startR2 } from './r2.ts';
import { tempDir } from './temp-dir.ts';

/** Opens a fresh, empty store; whoever gets it closes it. */
export type OpenStore = () => Promise<ObjectStore>;

interface StoreKind extends AsyncDisposable {
  open(): Promise<ObjectStore>;
}

/** What Cairn runs on: the embedded store on local disk, and a real S3 endpoint. */
const KINDS: readonly { readonly kind: string; start(): Promise<StoreKind> }[] = [
  { kind: 'the embedded store', start: startFileStores },
  { kind: 'S3', start: startS3Stores },
];

/**
 * Describes the same behaviour once for every kind of store. The stores of one description share a folder or an
 * endpoint, and nothing in it.
 *
 * @param define gets a function that opens fresh stores; it may be called from hooks and tests only
 */
export function eachStore(name: string, define: (openStore: OpenStore) => void): void {
  for (const { kind, start } of KINDS) {
    describe(`${name}, on ${kind}`, () => {
      let stores: StoreKind;
      beforeAll(async () => {
        stores = await start();
      });
      afterAll(() => stores[Symbol.asyncDispose]());
      define(() => stores.open());
    });
  }
}

async function startFileStores(): Promise<StoreKind> {
  const folder = await tempDir('cairn-store');
  let opened = 0;
  return {
    open: () => FileObjectStore.open(join(folder.path, String(opened++))),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

async function startS3Stores(): Promise<StoreKind> {
  const { close, prefix, ...bucket } = await startR2();
  let opened = 0;
  return {
    // The connections with the longer time limits: the machine may be busy with other tests.
    open: async () => openS3({ ...bucket, prefix: `${prefix}/${opened++}` }).bulk,
    [Symbol.asyncDispose]: close,
  };
}

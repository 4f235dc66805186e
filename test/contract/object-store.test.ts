import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { conformanceCases } from '../../src/object-store/conformance/conformance.ts';
import { FileObjectStore } from '../../src/object-store/file/file.ts';
import { openFileStore } from '../../src/object-store/file/open-file-store.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import type { ObjectStore } from '../../src/object-store/object-store.ts';
import { openS3 } from '../../src/object-store/s3/s3.ts';
import { withLimit } from '../../src/object-store/with-limit.ts';
import { withMetrics } from '../../src/object-store/with-metrics.ts';
import { withPrefix } from '../../src/object-store/with-prefix.ts';
import { withRetry } from '../../src/object-store/with-retry.ts';
import { FaultyStore } from '../helpers/faulty-store.ts';
import { startR2, type TestBucket, useEndpoint } from '../helpers/r2.ts';
import { CEPH, startStubS3 } from '../helpers/stub-s3.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

interface OpenStores extends AsyncDisposable {
  readonly first: ObjectStore;
  readonly second: ObjectStore;
}

/** Every implementation and every wrapper; each opens two connections to one store. */
const subjects: readonly { readonly name: string; open(folder: string): Promise<OpenStores> }[] = [
  { name: 'memory', open: async () => alone(new MemoryObjectStore()) },
  { name: 'file', open: async (folder) => alone(await FileObjectStore.open(folder)) },
  { name: 'remote', open: openRemote },
  { name: 'faulty store without faults', open: async () => alone(new FaultyStore(new MemoryObjectStore())) },
  { name: 's3', open: async () => connectTo(await startR2()) },
  { name: 's3 like Ceph', open: openCeph },
  { name: 'with prefix', open: async () => alone(withPrefix(new MemoryObjectStore(), 'some/where')) },
  {
    name: 'with limit',
    open: async () => alone(withLimit(new MemoryObjectStore(), { concurrent: 4, queue: 1000 })),
  },
  { name: 'with retry', open: async () => alone(withRetry(new MemoryObjectStore(), { patience: 1000 })) },
  {
    name: 'with metrics',
    open: async () => alone(withMetrics(new MemoryObjectStore(), 'bulk', silentObserver)),
  },
];

const noWait = async () => undefined;

const silentObserver = { answered: () => undefined, moved: () => undefined };

async function openRemote(folder: string): Promise<OpenStores> {
  const owner = await openFileStore(folder, { onOwned: 'refuse' });
  const remote = await openFileStore(folder, { onOwned: 'use-owner' });
  const close = async () => {
    await remote.close();
    await owner.close();
  };
  return { first: remote.store, second: owner.store, [Symbol.asyncDispose]: close };
}

/** As `CAIRN_TEST_S3_URL` with a Ceph in it does: the profile is found, and losers of races hear 500 and 409. */
async function openCeph(): Promise<OpenStores> {
  const ceph = await startStubS3(CEPH);
  const host = new URL(ceph.options.endpoint ?? '').host;
  const bucket = await useEndpoint(`http://stub:stub@${host}/${ceph.options.bucket}`, 'like-ceph');
  expect(bucket.profile).toEqual({ ifMatch: 'unquoted', multipart: 'unconditional' });
  // What is stored there is gone with it.
  const stores = connectTo({ ...bucket, close: async () => undefined });
  const close = async () => {
    await stores[Symbol.asyncDispose]();
    await ceph[Symbol.asyncDispose]();
  };
  return { ...stores, [Symbol.asyncDispose]: close };
}

/** Two pools of connections to an S3 endpoint. */
function connectTo(bucket: TestBucket): OpenStores {
  const { control, bulk } = openS3(bucket);
  const close = async () => {
    await Promise.all([control.close(), bulk.close()]);
    await bucket.close();
  };
  return { first: bulk, second: control, [Symbol.asyncDispose]: close };
}

function alone(store: ObjectStore): OpenStores {
  return { first: store, second: store, [Symbol.asyncDispose]: () => store.close() };
}

describe.each(subjects)('$name', ({ name, open }) => {
  let folder: TempDir;
  let stores: OpenStores;
  let used = 0;

  beforeAll(async () => {
    folder = await tempDir('cairn-contract');
    stores = await open(folder.path);
  });

  afterAll(async () => {
    await stores[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  it.each(conformanceCases)('$name', async (conformanceCase) => {
    const prefix = `conformance/${name.replaceAll(' ', '-')}-${process.pid}-${used++}/`;
    await expect(
      conformanceCase.run({ ...stores, prefix, scratch: folder.path, pause: noWait, backOff: noWait }),
    ).resolves.toBeUndefined();
  });
});

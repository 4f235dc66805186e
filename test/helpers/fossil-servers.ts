/** Servers of one Fossil repository in this process, which share nothing but the object store. */
import type { ExchangeHost } from '../../src/fossil-sync/server/exchange.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import type { ObjectStorePair } from '../../src/object-store/object-store.ts';
import { openS3 } from '../../src/object-store/s3/s3.ts';
import { CreateFossil, type NewProject, newFossilState } from '../../src/repository/fossil/create-fossil.ts';
import type { FossilRepository } from '../../src/repository/fossil/fossil-repository.ts';
import { buildRepositories } from '../../src/server/open-repositories.ts';
import { type FossilHostOptions, type FossilListening, fossilHost, listenFossil } from './fossil-host.ts';
import { FOSSIL_ID } from './fossil-rig.ts';
import type { TestBucket } from './r2.ts';

export interface FossilServers extends FossilListening {
  /** As each server sees it. */
  readonly repositories: readonly FossilRepository[];
  /** As the first server sees it. */
  readonly repository: FossilRepository;
  readonly hosts: readonly ExchangeHost[];
  /** What the servers could not do. */
  readonly faults: readonly unknown[];
}

export interface FossilServersOptions extends FossilHostOptions {
  /** How many servers take turns, a request each. One by default. */
  readonly servers?: number;
  /** Absent: the store is in memory. */
  readonly bucket?: TestBucket;
}

/** Makes a project and serves it on loopback. */
export async function startFossilServers(
  project: NewProject,
  { servers = 1, bucket, ...options }: FossilServersOptions = {},
): Promise<FossilServers> {
  const memory = new MemoryObjectStore();
  const pairs: ObjectStorePair[] = Array.from({ length: servers }, () =>
    bucket === undefined ? { control: memory, bulk: memory } : openS3(bucket),
  );
  const faults: unknown[] = [];
  const repositories = pairs.map((stores) => {
    const parts = { stores, clock: systemClock, random: systemRandom, swapPatience: 10_000 };
    return buildRepositories(parts).fossil.get(FOSSIL_ID);
  });
  const [repository] = repositories;
  if (repository === undefined) throw new RangeError('there must be a server');
  const state = newFossilState(FOSSIL_ID, systemRandom.hex(16), project);
  await repository.publisher.join(new CreateFossil(state, repository.mark()));
  const observer = { ...options.observer, error: (error: unknown) => faults.push(error) };
  const hosts = repositories.map((each) => fossilHost(each, { ...options, observer }));
  const listening = await listenFossil(...hosts);
  return {
    ...listening,
    hosts,
    repositories,
    repository,
    faults,
    [Symbol.asyncDispose]: async () => {
      await listening[Symbol.asyncDispose]();
      for (const { control, bulk } of bucket === undefined ? [] : pairs) {
        await Promise.all([control.close(), bulk.close()]);
      }
    },
  };
}

import { rm } from 'node:fs/promises';
import { CairnError } from '../../src/lib/errors.ts';
import type { StoreKind } from '../cairn.ts';
import type { DatasetName } from '../generate.ts';
import { git } from '../git-client.ts';
import type { Upkeep } from '../host.ts';
import { childrenEnded, cpuSeconds } from '../process-figures.ts';
import { type RawClone, rawClone } from '../raw-client.ts';
import type { Stage, Urls } from '../stage.ts';
import { fileGoal, type RowGroup } from './row.ts';

/** A kind of clone: of which repository, kept how on the reference, and of what depth. */
interface CloneKind {
  readonly name: string;
  readonly dataset: DatasetName;
  readonly upkeep?: Upkeep;
  readonly depth?: number;
  /** The most the ratio of wall times may be on the file store. */
  readonly goal?: number;
}

/** Every kind of clone that is measured with the client that discards. */
export const cloneKinds = {
  full: { name: 'full-clone', dataset: 'medium' },
  fullAgainstBitmap: { name: 'full-clone-vs-bitmap', dataset: 'medium', upkeep: 'bitmapped' },
  fullSmall: { name: 'full-clone-small', dataset: 'small' },
  shallow: { name: 'shallow-clone', dataset: 'medium', depth: 1, goal: 1.1 },
} satisfies Record<string, CloneKind>;

/** Wall time and time to the first byte of the pack, with the client that discards. */
export function rawClones(store: StoreKind, kind: CloneKind): RowGroup {
  const goal = kind.goal === undefined ? {} : fileGoal(store, kind.goal);
  return {
    rows: [
      { name: `${kind.name}/${store}`, unit: 'ms', value: 'wall', ...goal },
      { name: `${kind.name}-first-byte/${store}`, unit: 'ms', value: 'firstByte' },
    ],
    runs: 7,
    warmUps: 2,
    async prepare(stage) {
      const urls = await stage.shared(await stage.hosts(store, 'cgid'), kind.dataset, kind.upkeep);
      const clone = await checkedClone(urls, kind.depth);
      const measure = async (url: string) => {
        const { seconds, firstPackByte } = await clone(url);
        return { wall: seconds, firstByte: firstPackByte };
      };
      return { cairn: () => measure(urls.cairn), reference: () => measure(urls.reference) };
    },
  };
}

/** CPU time of the server for the same clones. */
export function cloneCpu(store: StoreKind, kind: CloneKind): RowGroup {
  return {
    rows: [{ name: `${kind.name}-cpu/${store}`, unit: 'ms', value: 'cpu' }],
    runs: 5,
    warmUps: 1,
    async prepare(stage) {
      const hosts = await stage.hosts(store, 'cgi');
      const urls = await stage.shared(hosts, kind.dataset, kind.upkeep);
      const clone = await checkedClone(urls, kind.depth);
      const measure = async (url: string, pid: number) => {
        const before = cpuSeconds(pid);
        await clone(url);
        await childrenEnded(pid);
        return { cpu: cpuSeconds(pid) - before };
      };
      return {
        cairn: () => measure(urls.cairn, hosts.cairn.pid),
        reference: () => measure(urls.reference, hosts.reference.pid),
      };
    },
  };
}

/** Clones by real git; most of their time is the client's own index-pack. */
export function gitClone(store: StoreKind, kind: CloneKind): RowGroup {
  return {
    rows: [{ name: `${kind.name}-git/${store}`, unit: 'ms', value: 'wall' }],
    runs: 3,
    warmUps: 1,
    async prepare(stage) {
      const urls = await stage.shared(await stage.hosts(store, 'cgid'), kind.dataset);
      const measure = async (url: string) => ({ wall: await timedGitClone(stage, url, kind.depth) });
      return { cairn: () => measure(urls.cairn), reference: () => measure(urls.reference) };
    },
  };
}

async function timedGitClone(stage: Stage, url: string, depth: number | undefined): Promise<number> {
  const target = stage.scratch('clone');
  const options = depth === undefined ? [] : [`--depth=${depth}`];
  const { seconds } = await git(['clone', '--quiet', '--bare', ...options, url, target]);
  await rm(target, { recursive: true });
  return seconds;
}

/**
 * A clone that throws when it is sent fewer objects than the reference sends, so that a fast answer that
 * lacks some does not count. More are allowed: a pack sent as it is stored may hold what no ref needs any more.
 */
async function checkedClone(
  urls: Urls,
  depth: number | undefined,
): Promise<(url: string) => Promise<RawClone>> {
  const expected = (await rawClone(urls.reference, depth)).objects;
  return async (url) => {
    const clone = await rawClone(url, depth);
    if (clone.objects < expected) {
      throw new CairnError('corrupt', `${url} sent ${clone.objects} objects, ${expected} were expected`);
    }
    return clone;
  };
}

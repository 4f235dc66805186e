import { rm } from 'node:fs/promises';
import { CairnError } from '../../src/lib/errors.ts';
import type { StoreKind } from '../cairn.ts';
import { CommitChain } from '../commit-chain.ts';
import type { DatasetName } from '../generate.ts';
import { git } from '../git-client.ts';
import type { Host, Upkeep } from '../host.ts';
import { childrenEnded, cpuSeconds } from '../process-figures.ts';
import { type RawClone, rawClone } from '../raw-client.ts';
import type { Stage, Urls } from '../stage.ts';
import { fileGoal, type RowGroup, type RowSpec, type Values } from './row.ts';

/** A kind of clone: of which repository, kept how on the reference, and of what depth. */
interface CloneKind {
  readonly name: string;
  readonly dataset: DatasetName;
  readonly upkeep?: Upkeep;
  readonly depth?: number;
  /** The most the ratios may be on the file store. */
  readonly goals?: { readonly wall?: number; readonly firstByte?: number; readonly cpu?: number };
}

/** Every kind of clone that is measured with the client that discards. */
export const cloneKinds = {
  full: { name: 'full-clone', dataset: 'medium', goals: { firstByte: 0.05, cpu: 0.2 } },
  fullAgainstBitmap: {
    name: 'full-clone-vs-bitmap',
    dataset: 'medium',
    upkeep: 'bitmapped',
    goals: { firstByte: 2 },
  },
  fullSmall: { name: 'full-clone-small', dataset: 'small' },
  fullUnfolded: { name: 'full-clone-unfolded', dataset: 'medium', upkeep: 'as-pushed' },
  fullAfterPush: { name: 'full-clone-after-push', dataset: 'medium' },
  shallow: { name: 'shallow-clone', dataset: 'medium', depth: 1, goals: { wall: 1.1 } },
  shallowRepeated: { name: 'shallow-clone-repeated', dataset: 'medium', depth: 1, goals: { wall: 0.3 } },
} satisfies Record<string, CloneKind>;

/** Wall time and time to the first byte of the pack, with the client that discards. */
export function rawClones(store: StoreKind, kind: CloneKind): RowGroup {
  return {
    rows: wallRows(store, kind),
    runs: 7,
    // A request has to have come three times before it counts as repeated.
    warmUps: 3,
    async prepare(stage) {
      const urls = await stage.shared(await stage.hosts(store, 'cgid'), kind.dataset, kind.upkeep);
      const clone = await checkedClone(urls, kind.depth);
      const measure = async (url: string) => timesOf(await clone(url));
      return { cairn: () => measure(urls.cairn), reference: () => measure(urls.reference) };
    },
  };
}

/** The same, each of a state that nobody has cloned yet: one more commit has been pushed before it, and is not timed. */
export function rawClonesOfNewStates(store: StoreKind, kind: CloneKind): RowGroup {
  return {
    rows: wallRows(store, kind),
    runs: 7,
    warmUps: 2,
    async prepare(stage) {
      const hosts = await stage.hosts(store, 'cgid');
      const urls = await stage.filled(hosts, kind.dataset);
      const commits = await CommitChain.begin(stage, kind.dataset);
      const measure = async (run: number, host: Host, url: string) => {
        await commits.push(run, url);
        await childrenEnded(host.pid);
        return timesOf(await rawClone(url, kind.depth));
      };
      return {
        cairn: (run) => measure(run, hosts.cairn, urls.cairn),
        reference: (run) => measure(run, hosts.reference, urls.reference),
      };
    },
  };
}

function wallRows(store: StoreKind, { name, goals = {} }: CloneKind): RowSpec[] {
  return [
    { name: `${name}/${store}`, unit: 'ms', value: 'wall', ...fileGoal(store, goals.wall) },
    {
      name: `${name}-first-byte/${store}`,
      unit: 'ms',
      value: 'firstByte',
      ...fileGoal(store, goals.firstByte),
    },
  ];
}

function timesOf({ seconds, firstPackByte }: RawClone): Values {
  return { wall: seconds, firstByte: firstPackByte };
}

/** Clones of a run: one alone may take less than the 10 ms in which the kernel counts CPU time. */
const CLONES_A_RUN = 5;

/** CPU time of the server for the same clones, each. */
export function cloneCpu(store: StoreKind, kind: CloneKind): RowGroup {
  return {
    rows: [
      { name: `${kind.name}-cpu/${store}`, unit: 'ms', value: 'cpu', ...fileGoal(store, kind.goals?.cpu) },
    ],
    runs: 3,
    warmUps: 1,
    async prepare(stage) {
      const hosts = await stage.hosts(store, 'cgi');
      const urls = await stage.shared(hosts, kind.dataset, kind.upkeep);
      const clone = await checkedClone(urls, kind.depth);
      const measure = async (url: string, pid: number) => {
        const before = cpuSeconds(pid);
        for (let count = 0; count < CLONES_A_RUN; count++) await clone(url);
        await childrenEnded(pid);
        return { cpu: (cpuSeconds(pid) - before) / CLONES_A_RUN };
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

import { rm } from 'node:fs/promises';
import { CairnError } from '../../src/lib/errors.ts';
import type { StoreKind } from '../cairn.ts';
import type { DatasetName } from '../generate.ts';
import { git } from '../git-client.ts';
import type { Upkeep } from '../host.ts';
import { childrenEnded, cpuSeconds } from '../process-figures.ts';
import { rawClone } from '../raw-client.ts';
import type { Stage } from '../stage.ts';
import { type Contest, fileGoal, type RowGroup, type Values } from './row.ts';

/** A clone by the client that discards: wall, time to the first byte of the pack, server CPU. */
export function fullClone(store: StoreKind, dataset: DatasetName, upkeep: Upkeep = 'repacked'): RowGroup {
  const size = dataset === 'medium' ? '' : `-${dataset}`;
  const name = `full-clone${size}${upkeep === 'bitmapped' ? '-vs-bitmap' : ''}`;
  return {
    rows: [
      { name: `${name}/${store}`, unit: 'ms', value: 'wall' },
      { name: `${name}-first-byte/${store}`, unit: 'ms', value: 'firstByte' },
      { name: `${name}-cpu/${store}`, unit: 'ms', value: 'cpu' },
    ],
    runs: 7,
    warmUps: 2,
    prepare: (stage) => rawContest(stage, store, dataset, upkeep),
  };
}

/** `--depth 1` by the client that discards. */
export function shallowClone(store: StoreKind): RowGroup {
  return {
    rows: [
      { name: `shallow-clone/${store}`, unit: 'ms', value: 'wall', ...fileGoal(store, 1.1) },
      { name: `shallow-clone-cpu/${store}`, unit: 'ms', value: 'cpu' },
    ],
    runs: 9,
    warmUps: 2,
    prepare: (stage) => rawContest(stage, store, 'medium', 'repacked', 1),
  };
}

/** The same clones by real git; most of their time is the client's own index-pack. */
export function gitClone(store: StoreKind, kind: 'full' | 'shallow'): RowGroup {
  return {
    rows: [{ name: `${kind}-clone-git/${store}`, unit: 'ms', value: 'wall' }],
    runs: 3,
    warmUps: 1,
    async prepare(stage) {
      const urls = await stage.shared(store, 'medium');
      const depth = kind === 'shallow' ? ['--depth=1'] : [];
      const measure = async (url: string) => {
        const target = stage.scratch('clone');
        const { seconds } = await git(['clone', '--quiet', '--bare', ...depth, url, target]);
        await rm(target, { recursive: true });
        return { wall: seconds };
      };
      return { cairn: () => measure(urls.cairn), reference: () => measure(urls.reference) };
    },
  };
}

async function rawContest(
  stage: Stage,
  store: StoreKind,
  dataset: DatasetName,
  upkeep: Upkeep,
  depth?: number,
): Promise<Contest> {
  const urls = await stage.shared(store, dataset, upkeep);
  const hosts = await stage.hosts(store);
  const expected = (await rawClone(urls.reference, depth)).objects;
  const measure = async (url: string, pid: number): Promise<Values> => {
    const before = cpuSeconds(pid);
    const clone = await rawClone(url, depth);
    await childrenEnded(pid);
    // A fast answer that lacks objects must not count as one. More are allowed: a pack that is sent
    // as it is stored may hold what the newest refs no longer need.
    if (clone.objects < expected) {
      throw new CairnError('corrupt', `${url} sent ${clone.objects} objects, ${expected} were expected`);
    }
    return { wall: clone.seconds, firstByte: clone.firstPackByte, cpu: cpuSeconds(pid) - before };
  };
  return {
    cairn: () => measure(urls.cairn, hosts.cairn.pid),
    reference: () => measure(urls.reference, hosts.reference.pid),
  };
}

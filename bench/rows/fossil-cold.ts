import { copyFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type CairnServer,
  cloneFossilInto,
  foldRepository,
  fossilAddress,
  openStore,
  type Store,
  type StoreKind,
  serveCairn,
} from '../cairn.ts';
import { aftermath } from '../fossil/fossil-checkout.ts';
import { type FossilDataset, type FossilDatasetName, generateFossil } from '../fossil/fossil-dataset.ts';
import { type FossilHost, startFossil } from '../fossil/fossil-host.ts';
import { fossil } from '../fossil/fossil-program.ts';
import { workFolder } from '../paths.ts';
import { cpuSeconds, settled } from '../process-figures.ts';
import type { Stage } from '../stage.ts';
import { timed, wholeClone } from './fossil.ts';
import { fileGoal, type RowGroup, type Values } from './row.ts';

const NAME = 'project';
const FLAGS = ['--access', 'open'];

/** A store that servers of Cairn are started on, one after another, and the stock server, which has a process for each request anyhow. */
interface ColdContest {
  readonly folder: string;
  readonly store: Store;
  readonly stock: FossilHost;
  readonly dataset: FossilDataset;
  readonly home: string;
  close(): Promise<void>;
}

/** The first clone of 100,311 artifacts from a server that has just been started with an empty cache. */
export function fossilColdClone(store: StoreKind): RowGroup {
  return {
    rows: [
      { name: `fossil-cold-clone-wire/${store}`, unit: 'ms', value: 'wall', ...fileGoal(store, 1.0) },
      { name: `fossil-cold-clone-wire-cpu/${store}`, unit: 'ms', value: 'cpu', ...fileGoal(store, 1.0) },
    ],
    runs: 5,
    warmUps: 1,
    async prepare(stage) {
      const contest = await coldContest(stage, store, 'large-project');
      const { folder, stock, dataset, close } = contest;
      const there = await stock.add(NAME, dataset);
      await cloneFossilInto(folder, contest.store, there, NAME);
      await foldRepository(folder, contest.store, NAME);
      const measure = (pid: number, url: string) =>
        measured(pid, async () => ({ wall: await timed(() => wholeClone(url, dataset.artifacts)) }));
      return {
        cairn: () => onFreshServer(contest, (server) => measure(server.pid, fossilAddress(server.url, NAME))),
        reference: () => measure(stock.pid, there),
        close,
      };
    },
  };
}

/** `fossil push` of a project of 4,423 artifacts to a server that has just been started, into a repository that has none of them. */
export function fossilColdFirstPush(store: StoreKind): RowGroup {
  return {
    rows: [
      { name: `fossil-cold-first-push/${store}`, unit: 's', value: 'wall' },
      { name: `fossil-cold-first-push-cpu/${store}`, unit: 'ms', value: 'cpu', ...fileGoal(store, 0.5) },
    ],
    runs: 5,
    warmUps: 1,
    async prepare(stage) {
      const contest = await coldContest(stage, store, 'project');
      const { folder, stock, dataset, home, close } = contest;
      const push = async (pid: number, url: string): Promise<Values> => {
        const copy = stage.scratch('pushed');
        await copyFile(dataset.path, copy);
        const values = await measured(pid, async () => {
          const { seconds } = await fossil(home, ['push', url, '-R', copy, '--once']);
          await aftermath();
          return { wall: seconds };
        });
        await wholeClone(url, dataset.artifacts);
        await rm(copy);
        return values;
      };
      return {
        async cairn(run) {
          const name = `first-${run}`;
          await cloneFossilInto(
            folder,
            contest.store,
            await stock.create(`empty-${run}`, dataset.projectCode),
            name,
          );
          return onFreshServer(contest, (server) => push(server.pid, fossilAddress(server.url, name)));
        },
        reference: async (run) => push(stock.pid, await stock.create(`first-${run}`, dataset.projectCode)),
        close,
      };
    },
  };
}

async function coldContest(stage: Stage, kind: StoreKind, name: FossilDatasetName): Promise<ColdContest> {
  const folder = stage.scratch('cold');
  await mkdir(folder, { recursive: true });
  const dataset = await generateFossil(workFolder(), name, stage.scratch('unfinished'));
  const store = await openStore(folder, kind);
  const stock = await startFossil(stage.scratch('stock'));
  const close = async () => {
    await Promise.all([stock.stop(), store.stop?.()]);
    await rm(folder, { recursive: true, force: true });
  };
  return { folder, store, stock, dataset, home: stage.scratch('fossil-home'), close };
}

/** Starts a server with an empty cache, waits until it is quiet, and ends it after some work. */
async function onFreshServer(
  { folder, store }: ColdContest,
  work: (server: CairnServer) => Promise<Values>,
): Promise<Values> {
  await rm(join(folder, 'cache'), { recursive: true, force: true });
  const server = await serveCairn(folder, store, FLAGS);
  try {
    await settled(server.pid);
    return await work(server);
  } finally {
    await server.stop();
  }
}

/** Adds the CPU time of a server to what some work measured. */
async function measured(pid: number, work: () => Promise<Values>): Promise<Values> {
  const before = cpuSeconds(pid);
  const values = await work();
  return { ...values, cpu: cpuSeconds(pid) - before };
}

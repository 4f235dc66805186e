import { copyFile, rm } from 'node:fs/promises';
import { CairnError } from '../../src/lib/errors.ts';
import type { CairnHost, StoreKind } from '../cairn.ts';
import { startCairn } from '../cairn.ts';
import { aftermath, FossilCheckout } from '../fossil/fossil-checkout.ts';
import { type FossilDataset, type FossilDatasetName, generateFossil } from '../fossil/fossil-dataset.ts';
import { type FossilHost, startFossil } from '../fossil/fossil-host.ts';
import { fossil, fossilUser } from '../fossil/fossil-program.ts';
import { wireClone } from '../fossil/wire-client.ts';
import { workFolder } from '../paths.ts';
import { cpuSeconds, settled, watchMemory } from '../process-figures.ts';
import type { Stage } from '../stage.ts';
import { storeRequests, storeRequestsAtRest } from '../store-requests.ts';
import { type Contest, fileGoal, type RowGroup, type Values } from './row.ts';

/** Clients that clone at once in the row that has many. */
const CLIENTS = 16;

/** Cairn and the stock server with the same project, both in processes of their own. */
interface FossilContest {
  readonly cairn: CairnHost;
  readonly stock: FossilHost;
  readonly dataset: FossilDataset;
  /** The project's addresses. */
  readonly urls: { readonly cairn: string; readonly stock: string };
  close(): Promise<void>;
}

/** Clones of 100,311 artifacts by a client that only reads them: time, CPU time of the server, and its memory. */
export function fossilWireClone(store: StoreKind): RowGroup {
  return {
    rows: [
      { name: `fossil-clone-wire/${store}`, unit: 'ms', value: 'wall', ...fileGoal(store, 1.0) },
      { name: `fossil-clone-wire-cpu/${store}`, unit: 'ms', value: 'cpu', ...fileGoal(store, 1.0) },
      {
        name: `fossil-clone-wire-rss/${store}`,
        unit: 'MiB',
        value: 'memory',
        alone: true,
        worst: true,
        goal: 150,
      },
    ],
    runs: 5,
    warmUps: 1,
    async prepare(stage) {
      const contest = await fossilContest(stage, store, 'large-project');
      const { artifacts } = contest.dataset;
      return sides(contest, async (pid, url) => {
        const [before, memory] = [cpuSeconds(pid), watchMemory(pid)];
        const wall = await timed(() => wholeClone(url, artifacts));
        return { wall, cpu: cpuSeconds(pid) - before, memory: memory.stop().server };
      });
    },
  };
}

/** The same by 16 clients at once: from the first request to the last byte. */
export function fossilManyWireClones(store: StoreKind): RowGroup {
  return {
    rows: [
      { name: `fossil-clone-wire-16/${store}`, unit: 's', value: 'wall', ...fileGoal(store, 1.0) },
      {
        name: `fossil-clone-wire-16-rss/${store}`,
        unit: 'MiB',
        value: 'memory',
        alone: true,
        worst: true,
        goal: 150,
      },
    ],
    runs: 3,
    warmUps: 1,
    async prepare(stage) {
      const contest = await fossilContest(stage, store, 'large-project');
      const { artifacts } = contest.dataset;
      return sides(contest, async (pid, url) => {
        const memory = watchMemory(pid);
        const clones = () => Promise.all(Array.from({ length: CLIENTS }, () => wholeClone(url, artifacts)));
        return { wall: await timed(clones), memory: memory.stop().server };
      });
    },
  };
}

/**
 * `fossil clone` of 100,311 artifacts by the stock client, most of which is its own rebuild. Cairn has folded them, as a server does:
 * the client turns deltas that lie as another client left them while it rebuilds, which takes it minutes.
 */
export function fossilStockClone(store: StoreKind): RowGroup {
  return {
    rows: [{ name: `fossil-clone/${store}`, unit: 's', value: 'wall', ...fileGoal(store, 1.05) }],
    // A pair takes half a minute on a quiet machine, and its preparation a minute.
    runs: 2,
    warmUps: 0,
    async prepare(stage) {
      const contest = await fossilContest(stage, store, 'large-project', (cairn) => cairn.fold('project'));
      const home = stage.scratch('fossil-home');
      return sides(contest, async (_pid, url) => {
        const copy = stage.scratch('cloned');
        const { seconds } = await fossil(home, ['clone', '--admin-user', fossilUser, url, copy]);
        await rm(copy);
        return { wall: seconds };
      });
    },
  };
}

/** `fossil push` of a project of 4,423 artifacts into a repository that has none of them, a new one each time. */
export function fossilFirstPush(store: StoreKind): RowGroup {
  return {
    rows: [
      { name: `fossil-first-push/${store}`, unit: 's', value: 'wall' },
      { name: `fossil-first-push-cpu/${store}`, unit: 'ms', value: 'cpu', ...fileGoal(store, 0.5) },
    ],
    runs: 3,
    warmUps: 1,
    async prepare(stage) {
      const { dataset, cairn, stock, close } = await fossilContest(stage, store, 'project');
      const home = stage.scratch('fossil-home');
      const measure = async (pid: number, url: string): Promise<Values> => {
        // Whoever pushes notes what it has sent, so each push needs a copy of its own.
        const copy = stage.scratch('pushed');
        await copyFile(dataset.path, copy);
        const before = cpuSeconds(pid);
        const { seconds } = await fossil(home, ['push', url, '-R', copy, '--once']);
        await aftermath();
        const cpu = cpuSeconds(pid) - before;
        await wholeClone(url, dataset.artifacts);
        await rm(copy);
        return { wall: seconds, cpu };
      };
      return {
        cairn: async (run) => measure(cairn.pid, await createAtCairn(cairn, stock, dataset, `first-${run}`)),
        reference: async (run) => measure(stock.pid, await stock.create(`first-${run}`, dataset.projectCode)),
        close,
      };
    },
  };
}

/**
 * `fossil push` of one new check-in, and `fossil sync` that finds nothing to do, by the stock client; and what a check-in with
 * autosync, such a push and such a sync cost at the object store until the client has its answer.
 */
export function fossilCheckIn(store: StoreKind): RowGroup {
  const requests = { unit: 'requests', alone: true } as const;
  return {
    rows: [
      { name: `fossil-push-one/${store}`, unit: 'ms', value: 'push', ...fileGoal(store, 2) },
      { name: `fossil-sync-noop/${store}`, unit: 'ms', value: 'sync', ...fileGoal(store, 1.5) },
      { name: `fossil-check-in-requests/${store}`, value: 'checkInRequests', goal: 5, ...requests },
      { name: `fossil-push-one-requests/${store}`, value: 'pushRequests', goal: 3, ...requests },
      { name: `fossil-sync-noop-requests/${store}`, value: 'syncRequests', goal: 1, ...requests },
    ],
    runs: 15,
    warmUps: 2,
    async prepare(stage) {
      const contest = await fossilContest(stage, store, 'project');
      const home = stage.scratch('fossil-home');
      const [here, there] = [
        await FossilCheckout.clone(home, stage.scratch('checkout'), contest.urls.cairn),
        await FossilCheckout.clone(home, stage.scratch('checkout'), contest.urls.stock),
      ];
      const measure = async (checkout: FossilCheckout): Promise<Values> => {
        await checkout.checkIn();
        const push = await checkout.push();
        await aftermath();
        const sync = await checkout.sync();
        await aftermath();
        return { push, sync };
      };
      const { url } = contest.cairn;
      const requestsOf = async (work: () => Promise<unknown>) => {
        const before = await storeRequestsAtRest(url);
        await work();
        return (await storeRequests(url)) - before;
      };
      const counted = async (): Promise<Values> => {
        const checkInRequests = await here.withAutosync(() => requestsOf(() => here.checkIn()));
        await here.checkIn();
        const pushRequests = await requestsOf(() => here.push());
        const syncRequests = await requestsOf(() => here.sync());
        return { checkInRequests, pushRequests, syncRequests };
      };
      return {
        cairn: async () => ({ ...(await measure(here)), ...(await counted()) }),
        reference: () => measure(there),
        close: contest.close,
      };
    },
  };
}

/** @param ready what is done with the repository at Cairn before it is measured */
async function fossilContest(
  stage: Stage,
  store: StoreKind,
  name: FossilDatasetName,
  ready: (cairn: CairnHost) => Promise<void> = async () => undefined,
): Promise<FossilContest> {
  const dataset = await generateFossil(workFolder(), name, stage.scratch('unfinished'));
  const cairn = await startCairn(stage.scratch('cairn'), store);
  const stock = await startFossil(stage.scratch('stock'));
  const close = async () => {
    await Promise.all([cairn.stop(), stock.stop()]);
  };
  try {
    const there = await stock.add('project', dataset);
    const here = await cairn.cloneFossil(there, 'project');
    await ready(cairn);
    await wholeClone(here, dataset.artifacts);
    await settled(cairn.pid);
    return { cairn, stock, dataset, urls: { cairn: here, stock: there }, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** An empty repository at Cairn for a project, whose code it takes over from an empty one at the stock server. */
async function createAtCairn(
  cairn: CairnHost,
  stock: FossilHost,
  { projectCode }: FossilDataset,
  name: string,
): Promise<string> {
  return cairn.cloneFossil(await stock.create(`empty-${name}`, projectCode), name);
}

function sides(contest: FossilContest, measure: (pid: number, url: string) => Promise<Values>): Contest {
  const { cairn, stock, urls, close } = contest;
  return {
    cairn: () => measure(cairn.pid, urls.cairn),
    reference: () => measure(stock.pid, urls.stock),
    close,
  };
}

/** Makes a clone by the wire client. @throws CairnError `corrupt` unless it brings at least so many artifacts */
export async function wholeClone(url: string, artifacts: number): Promise<void> {
  const clone = await wireClone(url);
  if (clone.artifacts < artifacts)
    throw new CairnError('corrupt', `${url} sent ${clone.artifacts} of ${artifacts} artifacts`);
}

/** Seconds that some work takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

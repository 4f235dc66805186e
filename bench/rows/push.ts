import { setTimeout } from 'node:timers/promises';
import { type StoreKind, startCairn } from '../cairn.ts';
import { CommitChain } from '../commit-chain.ts';
import type { DatasetName } from '../generate.ts';
import type { Host } from '../host.ts';
import { childrenEnded, cpuSeconds } from '../process-figures.ts';
import type { Hosts, Stage } from '../stage.ts';
import { type Contest, fileGoal, type RowGroup, type Values } from './row.ts';

/** `git push` of one new commit that adds one file, onto main; a different commit each time. */
export function pushOneCommit(store: StoreKind, dataset: DatasetName): RowGroup {
  return {
    rows: [{ name: `${nameFor(dataset)}/${store}`, unit: 'ms', value: 'wall', ...fileGoal(store, 1.0) }],
    runs: 15,
    warmUps: 2,
    prepare: async (stage) =>
      pushContest(stage, await stage.hosts(store, 'cgid'), dataset, async (_host, push) => ({
        wall: await push(),
      })),
  };
}

/** CPU time of the server for the same pushes. */
export function pushOneCommitCpu(store: StoreKind, dataset: DatasetName): RowGroup {
  return {
    rows: [{ name: `${nameFor(dataset)}-cpu/${store}`, unit: 'ms', value: 'cpu' }],
    runs: 9,
    warmUps: 1,
    prepare: async (stage) =>
      pushContest(stage, await stage.hosts(store, 'cgi'), dataset, async (host, push) => {
        const before = cpuSeconds(host.pid);
        await push();
        await childrenEnded(host.pid);
        return { cpu: cpuSeconds(host.pid) - before };
      }),
  };
}

/** Milliseconds in which a server finishes what it does behind the answer, so that it does not fall on the other one. */
const AFTERMATH_MS = 100;

/** What it costs that pushes are authorized: Cairn that asks for a token against Cairn that lets anybody push. */
export function pushSigned(store: StoreKind): RowGroup {
  return {
    rows: [{ name: `push-signed/${store}`, unit: 'ms', value: 'wall' }],
    runs: 15,
    warmUps: 3,
    async prepare(stage) {
      const signed = await startCairn(stage.scratch('signed'), store, { access: 'signed' });
      const open = await startCairn(stage.scratch('open'), store);
      const hosts = { cairn: signed, reference: open };
      const contest = await pushContest(stage, hosts, 'small', async (_host, push) => {
        const wall = await push();
        await setTimeout(AFTERMATH_MS);
        return { wall };
      });
      const close = async () => {
        await Promise.all([signed.stop(), open.stop()]);
      };
      return { ...contest, close };
    },
  };
}

function nameFor(dataset: DatasetName): string {
  return `push-one-commit${dataset === 'medium' ? '' : `-${dataset}`}`;
}

/** Both sides are pushed the same commits; `push` returns its wall time in seconds. */
async function pushContest(
  stage: Stage,
  hosts: Hosts,
  dataset: DatasetName,
  values: (host: Host, push: () => Promise<number>) => Promise<Values>,
): Promise<Contest> {
  const urls = await stage.filled(hosts, dataset);
  const commits = await CommitChain.begin(stage, dataset);
  const measure = async (run: number, host: Host, url: string): Promise<Values> => {
    await commits.make(run);
    return values(host, () => commits.push(run, url, host.signIn?.(url)));
  };
  return {
    cairn: (run) => measure(run, hosts.cairn, urls.cairn),
    reference: (run) => measure(run, hosts.reference, urls.reference),
  };
}

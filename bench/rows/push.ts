import { setTimeout } from 'node:timers/promises';
import { type StoreKind, startCairn } from '../cairn.ts';
import type { DatasetName } from '../generate.ts';
import { git, resolve } from '../git-client.ts';
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
  const { path } = await stage.dataset(dataset);
  const client = stage.scratch('pusher');
  await git(['clone', '--quiet', '--bare', path, client]);
  /** The commit of each run, made when the first side gets there. */
  const commits: string[] = [];
  const measure = async (run: number, host: Host, url: string): Promise<Values> => {
    const commit = commits[run] ?? (await commitOnto(client, commits[run - 1] ?? 'main', run));
    commits[run] = commit;
    const shown = host.signIn?.(url) ?? [];
    const push = [...shown, '-C', client, 'push', '--quiet', url, `${commit}:refs/heads/main`];
    return values(host, async () => (await git(push)).seconds);
  };
  return {
    cairn: (run) => measure(run, hosts.cairn, urls.cairn),
    reference: (run) => measure(run, hosts.reference, urls.reference),
  };
}

/** Makes a commit on top of `parent` in a bare repository, with one more file, and returns its id. */
async function commitOnto(repository: string, parent: string, run: number): Promise<string> {
  const at = `Bench <bench@example.com> ${1_700_000_000 + run} +0000`;
  const text = `written in run ${run}\n`;
  const from = await resolve(repository, parent);
  const stream = [
    `commit refs/bench/next\ncommitter ${at}\ndata ${text.length}\n${text}from ${from}\n`,
    `M 100644 inline part-0/group-0/run-${run}.txt\ndata ${text.length}\n${text}\ndone\n`,
  ];
  await git(['-C', repository, 'fast-import', '--quiet', '--done', '--force'], { input: stream });
  return resolve(repository, 'refs/bench/next');
}

import type { StoreKind } from '../cairn.ts';
import type { DatasetName } from '../generate.ts';
import { git, resolve } from '../git-client.ts';
import { childrenEnded, cpuSeconds } from '../process-figures.ts';
import { fileGoal, type RowGroup, type Values } from './row.ts';

/** `git push` of one new commit that changes one file, onto main; a different commit each time. */
export function pushOneCommit(store: StoreKind, dataset: DatasetName): RowGroup {
  const name = `push-one-commit${dataset === 'medium' ? '' : `-${dataset}`}`;
  return {
    rows: [
      { name: `${name}/${store}`, unit: 'ms', value: 'wall', ...fileGoal(store, 1.0) },
      { name: `${name}-cpu/${store}`, unit: 'ms', value: 'cpu' },
    ],
    runs: 15,
    warmUps: 2,
    async prepare(stage) {
      const urls = await stage.filled(store, dataset);
      const hosts = await stage.hosts(store);
      const { path } = await stage.dataset(dataset);
      const client = stage.scratch('pusher');
      await git(['clone', '--quiet', '--bare', path, client]);
      /** The commit of a run, made by whichever side is first; both sides push the same ones. */
      const commits: Promise<string>[] = [];
      const measure = async (run: number, url: string, pid: number): Promise<Values> => {
        commits[run] ??= commitOnto(client, (await commits[run - 1]) ?? (await resolve(client, 'main')), run);
        const commit = await commits[run];
        const before = cpuSeconds(pid);
        const { seconds } = await git(['-C', client, 'push', '--quiet', url, `${commit}:refs/heads/main`]);
        await childrenEnded(pid);
        return { wall: seconds, cpu: cpuSeconds(pid) - before };
      };
      return {
        cairn: (run) => measure(run, urls.cairn, hosts.cairn.pid),
        reference: (run) => measure(run, urls.reference, hosts.reference.pid),
      };
    },
  };
}

/** Makes a commit on top of `parent` in a bare repository, with one more file, and returns its id. */
async function commitOnto(repository: string, parent: string, run: number): Promise<string> {
  const at = `Bench <bench@example.com> ${1_700_000_000 + run} +0000`;
  const text = `written in run ${run}\n`;
  const stream = [
    `commit refs/bench/next\ncommitter ${at}\ndata ${text.length}\n${text}from ${parent}\n`,
    `M 100644 inline part-0/group-0/run-${run}.txt\ndata ${text.length}\n${text}\ndone\n`,
  ];
  await git(['-C', repository, 'fast-import', '--quiet', '--done', '--force'], { input: stream });
  return resolve(repository, 'refs/bench/next');
}

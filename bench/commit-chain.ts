import type { DatasetName } from './generate.ts';
import { git, resolve } from './git-client.ts';
import type { Stage } from './stage.ts';

/** New commits onto main of a data set, one for each run, that are pushed to several servers by real git. */
export class CommitChain {
  readonly #client: string;
  /** The commit of each run. */
  readonly #commits: string[] = [];

  private constructor(client: string) {
    this.#client = client;
  }

  static async begin(stage: Stage, dataset: DatasetName): Promise<CommitChain> {
    const { path } = await stage.dataset(dataset);
    const client = stage.scratch('pusher');
    await git(['clone', '--quiet', '--bare', path, client]);
    return new CommitChain(client);
  }

  /** Makes the commit of a run, on top of that of the run before; the same one however often it is asked for. */
  async make(run: number): Promise<string> {
    const made =
      this.#commits[run] ?? (await commitOnto(this.#client, this.#commits[run - 1] ?? 'main', run));
    this.#commits[run] = made;
    return made;
  }

  /** Pushes the commit of a run onto main, with further arguments of git before the command. Returns git's seconds. */
  async push(run: number, url: string, shown: readonly string[] = []): Promise<number> {
    const made = await this.make(run);
    const args = [...shown, '-C', this.#client, 'push', '--quiet', url, `${made}:refs/heads/main`];
    return (await git(args)).seconds;
  }
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

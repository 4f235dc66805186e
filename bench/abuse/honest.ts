import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CommitChain } from '../commit-chain.ts';
import { git } from '../git-client.ts';
import { median } from '../measure.ts';
import { signedIn } from '../owner.ts';
import type { Stage } from '../stage.ts';

/** Medians in seconds. */
export interface HonestTimes {
  readonly push: number;
  readonly clone: number;
  readonly failures: readonly string[];
}

/** An owner who pushes a commit, clones, pushes the next one, and so on, with plain git. */
export class HonestUser {
  readonly #commits: CommitChain;
  readonly #url: string;
  readonly #folder: string;
  #run = 0;

  private constructor(commits: CommitChain, url: string, folder: string) {
    this.#commits = commits;
    this.#url = url;
    this.#folder = folder;
  }

  /** Fills a repository that has been announced. */
  static async begin(stage: Stage, url: string): Promise<HonestUser> {
    const { path } = await stage.dataset('small');
    await git([...signedIn(url), '-C', path, 'push', '--quiet', '--mirror', url]);
    return new HonestUser(await CommitChain.begin(stage, 'small'), url, stage.scratch('honest'));
  }

  /** Works for some rounds; a command that fails is told, and takes as long as it took. */
  async work(rounds: number): Promise<HonestTimes> {
    const times: Record<'push' | 'clone', number[]> = { push: [], clone: [] };
    const failures: string[] = [];
    const timed = async (kind: keyof typeof times, act: () => Promise<unknown>) => {
      const began = performance.now();
      await act().catch((error: unknown) => failures.push(`${kind}: ${String(error).slice(0, 300)}`));
      times[kind].push((performance.now() - began) / 1000);
    };
    for (let round = 0; round < rounds; round++) {
      const run = this.#run++;
      await this.#commits.make(run);
      await timed('push', () => this.#commits.push(run, this.#url, signedIn(this.#url)));
      const copy = join(this.#folder, `copy-${run}`);
      await timed('clone', () => git(['clone', '--quiet', '--bare', this.#url, copy]));
      await rm(copy, { recursive: true, force: true });
    }
    return { push: median(times.push), clone: median(times.clone), failures };
  }

  /** Clones everything, strangers' refs included, and has git check it. @throws CairnError when either fails */
  async check(): Promise<void> {
    const copy = join(this.#folder, 'checked');
    await git(['clone', '--quiet', '--mirror', this.#url, copy]);
    await git(['-C', copy, 'fsck', '--full', '--no-dangling', '--no-progress']);
    await rm(copy, { recursive: true, force: true });
  }
}

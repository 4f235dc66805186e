import { once } from 'node:events';
import { CairnError } from '../../src/lib/errors.ts';
import type { StoreKind } from '../cairn.ts';
import { git, gitEnvironment } from '../git-client.ts';
import { PageClient } from '../pages/page-client.ts';
import { pagesOf } from '../pages/page-urls.ts';
import { start } from '../processes.ts';
import { fileGoal, type RowGroup } from './row.ts';

/** 100 MiB of files as `.tar.gz`, against `git archive` in a folder: the first time, and again. */
export function archive(store: StoreKind): RowGroup {
  return {
    rows: [
      { name: `archive/${store}`, unit: 's', value: 'first', ...fileGoal(store, 1.1) },
      { name: `archive-repeated/${store}`, unit: 's', value: 'again', ...fileGoal(store, 0.2) },
    ],
    runs: 5,
    warmUps: 1,
    async prepare(stage) {
      const urls = await stage.filled(await stage.hosts(store, 'cgid'), 'hundred');
      const { path } = await stage.dataset('hundred');
      const pages = pagesOf(urls).cairn;
      const client = new PageClient();
      return {
        cairn: async (run) => {
          // The name of the branch is in the archive, so nobody has asked for this one.
          await git(['-C', path, 'push', '--quiet', urls.cairn, `main:refs/heads/run-${run}`]);
          const url = `${pages}/archive/run-${run}.tar.gz`;
          return { first: await client.timed([url]), again: await client.timed([url]) };
        },
        reference: async (run) => {
          const seconds = await timedArchive(path, `run-${run}`);
          return { first: seconds, again: seconds };
        },
        close: () => client[Symbol.asyncDispose](),
      };
    },
  };
}

/** Packs an archive and throws it away. @returns seconds */
async function timedArchive(path: string, prefix: string): Promise<number> {
  const began = performance.now();
  const args = ['-C', path, 'archive', '--format=tar.gz', `--prefix=${prefix}/`, 'main'];
  const child = start('git', args, { env: gitEnvironment(), stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout?.resume();
  const [exitCode] = await once(child, 'close');
  if (exitCode !== 0) throw new CairnError('unavailable', `git archive ended with ${exitCode}`);
  return (performance.now() - began) / 1000;
}

import { rm } from 'node:fs/promises';
import type { StoreKind } from '../cairn.ts';
import { git, resolve } from '../git-client.ts';
import { run } from '../processes.ts';
import type { RowGroup } from './row.ts';

/** `git fetch` of the last 50 commits of main into a clone that has everything before them. */
export function incrementalFetch(store: StoreKind): RowGroup {
  return {
    rows: [{ name: `incremental-fetch/${store}`, unit: 'ms', value: 'wall' }],
    runs: 9,
    warmUps: 1,
    async prepare(stage) {
      const urls = await stage.shared(await stage.hosts(store, 'cgid'), 'medium');
      const { path } = await stage.dataset('medium');
      const behind = stage.scratch('behind');
      await git(['init', '--quiet', '--bare', behind]);
      const old = await resolve(path, 'main~50');
      await git(['-C', behind, 'fetch', '--quiet', '--no-tags', path, `${old}:refs/heads/main`]);
      const measure = async (url: string) => {
        const client = stage.scratch('client');
        // Hard links: a fetch adds files and replaces others, it never writes into one that exists.
        await run('cp', ['-al', behind, client]);
        const { seconds } = await git(['-C', client, 'fetch', '--quiet', '--no-tags', url, 'main:main']);
        await rm(client, { recursive: true });
        return { wall: seconds };
      };
      return { cairn: () => measure(urls.cairn), reference: () => measure(urls.reference) };
    },
  };
}

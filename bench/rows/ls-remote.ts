import type { StoreKind } from '../cairn.ts';
import { git } from '../git-client.ts';
import { rawLsRemote } from '../raw-client.ts';
import { fileGoal, type RowGroup } from './row.ts';

/** `git ls-remote` of 142 refs, warm. Most of what it takes is git's own start: even a server that computes nothing is not much quicker. */
export function lsRemote(store: StoreKind): RowGroup {
  return {
    rows: [{ name: `ls-remote/${store}`, unit: 'ms', value: 'wall' }],
    runs: 20,
    warmUps: 3,
    async prepare(stage) {
      const urls = await stage.shared(await stage.hosts(store, 'cgid'), 'medium');
      const measure = async (url: string) => ({ wall: (await git(['ls-remote', '--quiet', url])).seconds });
      return { cairn: () => measure(urls.cairn), reference: () => measure(urls.reference) };
    },
  };
}

/** The same requests without git: what is left is the server. */
export function lsRemoteRaw(store: StoreKind): RowGroup {
  return {
    rows: [{ name: `ls-remote-raw/${store}`, unit: 'ms', value: 'wall', ...fileGoal(store, 0.5) }],
    runs: 20,
    warmUps: 3,
    async prepare(stage) {
      const urls = await stage.shared(await stage.hosts(store, 'cgid'), 'medium');
      const measure = async (url: string) => ({ wall: (await rawLsRemote(url)).seconds });
      return { cairn: () => measure(urls.cairn), reference: () => measure(urls.reference) };
    },
  };
}

import { rm } from 'node:fs/promises';
import type { StoreKind } from '../cairn.ts';
import type { DatasetName } from '../generate.ts';
import { git } from '../git-client.ts';
import { fileGoal, type RowGroup } from './row.ts';

/**
 * The history moves from the reference server to Cairn: by `cairn import`, and by `git clone --mirror` and `git push --mirror`. The
 * repository is a new one each time, and nothing is folded meanwhile.
 */
export function importRepository(name: DatasetName, store: StoreKind): RowGroup {
  return {
    rows: [
      { name: `import-${name}/${store}`, unit: 'ms', value: 'wall', ...fileGoal(store, 0.45) },
      {
        name: `import-${name}-rss/${store}`,
        unit: 'MiB',
        value: 'memory',
        alone: true,
        worst: true,
        goal: 128,
      },
    ],
    runs: name === 'medium' ? 5 : 3,
    warmUps: 1,
    async prepare(stage) {
      const hosts = await stage.freshHosts(store, 'cgi', { flags: ['--fold', 'off'] });
      const source = await hosts.reference.add('source', await stage.dataset(name));
      return {
        cairn: async (run) => {
          const { seconds, peakMemory } = await hosts.cairn.importFrom(source, `imported-${run}`);
          return { wall: seconds, memory: peakMemory };
        },
        reference: async (run) => {
          const url = await hosts.cairn.create(`pushed-${run}`);
          const clone = stage.scratch('clone');
          try {
            const cloned = await git(['clone', '--quiet', '--mirror', source, clone]);
            const pushed = await git(['-C', clone, 'push', '--quiet', '--mirror', url]);
            return { wall: cloned.seconds + pushed.seconds, memory: 0 };
          } finally {
            await rm(clone, { recursive: true, force: true });
          }
        },
        close: async () => {
          await Promise.all([hosts.cairn.stop(), hosts.reference.stop()]);
        },
      };
    },
  };
}

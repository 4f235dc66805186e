import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { gitUrl } from '../../src/nostr/repository-url.ts';
import { foldRepository, openStore, type StoreKind, serveCairn } from '../cairn.ts';
import { git } from '../git-client.ts';
import { ownerKey } from '../owner.ts';
import { rawClone } from '../raw-client.ts';
import type { RowGroup, Values } from './row.ts';

const NAME = 'cold';
const FLAGS = ['--access', 'open'];

/** The first full clone of a server that has just been started with an empty cache; the reference is the same one, warm. */
export function coldClone(store: StoreKind): RowGroup {
  return {
    rows: [
      { name: `cold-clone/${store}`, unit: 'ms', value: 'wall' },
      { name: `cold-clone-first-byte/${store}`, unit: 'ms', value: 'firstByte' },
    ],
    runs: 5,
    warmUps: 1,
    async prepare(stage) {
      const folder = stage.scratch('cold');
      await mkdir(folder, { recursive: true });
      const { path } = await stage.dataset('medium');
      const kept = await openStore(folder, store);
      const begin = () => serveCairn(folder, kept, FLAGS);
      const filled = await begin();
      await git(['-C', path, 'push', '--quiet', '--mirror', gitUrl(filled.url, ownerKey, NAME)]);
      await foldRepository(folder, kept, NAME);
      await filled.stop();
      let warm: Values = {};
      return {
        async cairn() {
          await rm(join(folder, 'cache'), { recursive: true, force: true });
          const server = await begin();
          try {
            const url = gitUrl(server.url, ownerKey, NAME);
            const cold = await rawClone(url);
            // The second one may still be checking what the first one brought.
            await rawClone(url);
            warm = valuesOf(await rawClone(url));
            return valuesOf(cold);
          } finally {
            await server.stop();
          }
        },
        reference: async () => warm,
        close: async () => {
          await kept.stop?.();
        },
      };
    },
  };
}

function valuesOf(clone: { readonly seconds: number; readonly firstPackByte: number }): Values {
  return { wall: clone.seconds, firstByte: clone.firstPackByte };
}

import { CairnError } from '../../src/lib/errors.ts';
import type { Host } from '../host.ts';
import { childrenEnded, settled, watchMemory } from '../process-figures.ts';
import { rawClone } from '../raw-client.ts';
import type { RowGroup, Values } from './row.ts';

const CLIENTS = 32;

/** Full clones of *medium* by 32 clients at once: from the first request of the first to the last byte of the last. */
export function manyClones(): RowGroup {
  return {
    rows: [{ name: 'many-clients-clone/file', unit: 'ms', value: 'wall', goal: 0.3 }],
    runs: 3,
    warmUps: 1,
    async prepare(stage) {
      const urls = await stage.shared(await stage.hosts('file', 'cgid'), 'medium');
      const { objects } = await rawClone(urls.reference);
      const measure = async (url: string) => ({ wall: await clonesAtOnce(url, objects) });
      return { cairn: () => measure(urls.cairn), reference: () => measure(urls.reference) };
    },
  };
}

/** The same of 100 MiB nobody can compress, and the memory it takes. The servers are fresh and warmed, as for 1 GiB. */
export function manyLargeClones(): RowGroup {
  return {
    rows: [
      { name: 'many-clients-clone-100mib/file', unit: 's', value: 'wall' },
      { name: 'many-clients-clone-100mib-rss/file', unit: 'MiB', value: 'server', goal: 256 },
      { name: 'many-clients-clone-100mib-children-rss/file', unit: 'MiB', value: 'children' },
    ],
    runs: 2,
    warmUps: 0,
    async prepare(stage) {
      const hosts = await stage.freshHosts('file', 'cgid');
      const close = async () => {
        await Promise.all([hosts.cairn.stop(), hosts.reference.stop()]);
      };
      try {
        const [small, hundred] = [await stage.dataset('small'), await stage.dataset('hundred')];
        const prepared = async (host: Host) => {
          await rawClone(await host.add('warm-up', small));
          return host.add('hundred', hundred);
        };
        const urls = {
          cairn: await prepared(hosts.cairn),
          reference: await prepared(hosts.reference),
        };
        await settled(hosts.cairn.pid);
        const measure = async ({ pid }: Host, url: string): Promise<Values> => {
          const memory = watchMemory(pid);
          try {
            const wall = await clonesAtOnce(url, hundred.objects);
            await childrenEnded(pid);
            return { wall, ...memory.stop() };
          } finally {
            memory.stop();
          }
        };
        return {
          cairn: () => measure(hosts.cairn, urls.cairn),
          reference: () => measure(hosts.reference, urls.reference),
          close,
        };
      } catch (error) {
        await close();
        throw error;
      }
    },
  };
}

/** Seconds until the last of the clients has all of it. */
async function clonesAtOnce(url: string, objects: number): Promise<number> {
  const began = performance.now();
  const clones = await Promise.all(Array.from({ length: CLIENTS }, () => rawClone(url)));
  const seconds = (performance.now() - began) / 1000;
  const short = clones.find((clone) => clone.objects < objects);
  if (short !== undefined) {
    throw new CairnError('corrupt', `${url} sent ${short.objects} objects, ${objects} were expected`);
  }
  return seconds;
}

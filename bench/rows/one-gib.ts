import { CairnError } from '../../src/lib/errors.ts';
import type { StoreKind } from '../cairn.ts';
import { git } from '../git-client.ts';
import type { Host } from '../host.ts';
import { childrenEnded, cpuSeconds, type MemoryGrowth, watchMemory } from '../process-figures.ts';
import { run } from '../processes.ts';
import { rawClone } from '../raw-client.ts';
import { fileGoal, type RowGroup, type Values } from './row.ts';

/**
 * A push of 1 GiB of incompressible files into a new repository by real git, then a clone of it by the
 * client that discards, with the memory the server took. The servers are fresh ones, each warmed by a
 * small push and clone, so that growth is not the first use of code.
 */
export function oneGibibyte(store: StoreKind): RowGroup {
  return {
    rows: [
      { name: `push-1gib/${store}`, unit: 's', value: 'push', ...fileGoal(store, 1.0) },
      { name: `push-1gib-cpu/${store}`, unit: 's', value: 'pushCpu' },
      { name: `push-1gib-rss/${store}`, unit: 'MiB', value: 'pushServer', goal: 64 },
      { name: `push-1gib-children-rss/${store}`, unit: 'MiB', value: 'pushChildren' },
      { name: `clone-1gib/${store}`, unit: 's', value: 'clone' },
      { name: `clone-1gib-cpu/${store}`, unit: 's', value: 'cloneCpu' },
      { name: `clone-1gib-rss/${store}`, unit: 'MiB', value: 'cloneServer', goal: 64 },
      { name: `clone-1gib-children-rss/${store}`, unit: 'MiB', value: 'cloneChildren' },
    ],
    runs: 2,
    warmUps: 0,
    async prepare(stage) {
      // Seconds are measured here: what mod_cgi loses does not show, and it lets git's CPU time be read.
      const hosts = await stage.freshHosts(store, 'cgi');
      const close = async () => {
        await Promise.all([hosts.cairn.stop(), hosts.reference.stop()]);
      };
      const big = await stage.dataset('big');
      const small = await stage.dataset('small');
      try {
        for (const host of [hosts.cairn, hosts.reference]) await rawClone(await host.add('warm-up', small));
      } catch (error) {
        await close();
        throw error;
      }

      const measure = async (host: Host, run: number): Promise<Values> => {
        const url = await host.create(`big-${run}`);
        const push = await watched(host.pid, () => git(['-C', big.path, 'push', '--quiet', url, 'main']));
        // The first clone may still fill caches: its memory counts, its time does not.
        const first = await watched(host.pid, () => rawClone(url));
        const clone = await watched(host.pid, () => rawClone(url));
        if (clone.result.objects !== big.objects) {
          throw new CairnError('corrupt', `${url} sent ${clone.result.objects} of ${big.objects} objects`);
        }
        return {
          push: push.result.seconds,
          pushCpu: push.cpu,
          pushServer: push.memory.server,
          pushChildren: push.memory.children,
          clone: clone.result.seconds,
          cloneCpu: clone.cpu,
          cloneServer: Math.max(first.memory.server, clone.memory.server),
          cloneChildren: Math.max(first.memory.children, clone.memory.children),
        };
      };
      return {
        cairn: (run) => measure(hosts.cairn, run),
        reference: (run) => measure(hosts.reference, run),
        close,
      };
    },
  };
}

/** Does one thing while the server is watched; data written before has reached the disk first. */
async function watched<T>(
  pid: number,
  work: () => Promise<T>,
): Promise<{ result: T; cpu: number; memory: MemoryGrowth }> {
  await run('sync', []);
  const before = cpuSeconds(pid);
  const memory = watchMemory(pid);
  try {
    const result = await work();
    await childrenEnded(pid);
    return { result, cpu: cpuSeconds(pid) - before, memory: memory.stop() };
  } finally {
    memory.stop();
  }
}

import { setTimeout } from 'node:timers/promises';
import { CHECKS_OBJECTS } from '../apache.ts';
import type { StoreKind } from '../cairn.ts';
import { git } from '../git-client.ts';
import type { Host } from '../host.ts';
import { cpuSeconds } from '../process-figures.ts';
import { fileGoal, type RowGroup, type Values } from './row.ts';

/** Milliseconds in which a server ends its processes and does what it does behind the answer: that counts as well. */
const AFTERMATH_MS = 300;

/** `git push --mirror` of *medium*, 103,506 objects, into a repository that has nothing. */
export function firstPushMany(store: StoreKind): RowGroup {
  return firstPush(store, 'first-push-many', 'medium', 7);
}

/** The same of *midsize*, 200,000 objects in 74 MB. */
export function firstPushMidsize(store: StoreKind): RowGroup {
  return firstPush(store, 'first-push-midsize', 'midsize', 5);
}

/** The same of *large*, 457,122 objects in 272 MB. */
export function firstPushLarge(store: StoreKind): RowGroup {
  return firstPush(store, 'first-push-large', 'large', 2);
}

/** The same two against a git that checks the objects, too: what is left is not the cost of these checks. */
export function firstPushesChecked(store: StoreKind): RowGroup[] {
  return [
    firstPush(store, 'first-push-many-checked', 'medium', 7, CHECKS_OBJECTS),
    firstPush(store, 'first-push-large-checked', 'large', 2, CHECKS_OBJECTS),
  ];
}

/**
 * A new repository for each push. Cairn does not fold meanwhile: that begins behind the answer, and would fall on the other side's
 * run.
 */
function firstPush(
  store: StoreKind,
  name: string,
  history: 'medium' | 'midsize' | 'large',
  runs: number,
  referenceSettings?: Readonly<Record<string, string>>,
): RowGroup {
  const goal = referenceSettings === undefined ? fileGoal(store, 1.0) : {};
  return {
    rows: [
      { name: `${name}/${store}`, unit: 'ms', value: 'wall', ...goal },
      { name: `${name}-cpu/${store}`, unit: 'ms', value: 'cpu' },
    ],
    runs,
    warmUps: 1,
    async prepare(stage) {
      const hosts = await stage.freshHosts(store, 'cgi', { flags: ['--fold', 'off'] }, referenceSettings);
      const dataset = await stage.dataset(history);
      const measure = async (host: Host, run: number): Promise<Values> => {
        const url = await host.create(`first-${run}`);
        const before = cpuSeconds(host.pid);
        const { seconds } = await git(['-C', dataset.path, 'push', '--quiet', '--mirror', url]);
        await setTimeout(AFTERMATH_MS);
        return { wall: seconds, cpu: cpuSeconds(host.pid) - before };
      };
      return {
        cairn: (run) => measure(hosts.cairn, run),
        reference: (run) => measure(hosts.reference, run),
        close: async () => {
          await Promise.all([hosts.cairn.stop(), hosts.reference.stop()]);
        },
      };
    },
  };
}

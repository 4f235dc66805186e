import { startLimitedCairn } from '../cairn.ts';
import { packOf } from '../git-objects.ts';
import { GrowingHistory } from '../growing-history.ts';
import { rawPush } from '../raw-push.ts';
import type { RowGroup } from './row.ts';

/** Clients, each with a branch of his own. */
const PUSHERS = 64;
const WARM_UP_SECONDS = 2;

/** 64 clients that push one small commit after another, each to his own branch of one repository. */
export function manyPushers(): RowGroup {
  return {
    rows: [{ name: 'many-pushers/file', unit: 'pushes/s', value: 'rate' }],
    runs: 2,
    warmUps: 0,
    async prepare(stage) {
      const { cairn, reference } = await stage.hosts('file', 'cgid');
      const measure = async (url: string) => ({ rate: await pushRate(url, 10) });
      return {
        cairn: async (run) => measure(await cairn.create(`pushers-${run}`)),
        reference: async (run) => measure(await reference.create(`pushers-${run}`)),
      };
    },
  };
}

/** The same on a store that lets each key be swapped once a second, as some do: pushes have to share swaps. */
export function manyPushersOnSlowSwaps(): RowGroup {
  return {
    rows: [{ name: 'many-pushers-slow-swaps/file', unit: 'pushes/s', value: 'rate', alone: true, goal: 50 }],
    runs: 1,
    warmUps: 0,
    async prepare(stage) {
      const cairn = await startLimitedCairn(stage.scratch('slow-swaps'));
      return {
        cairn: async (run) => ({ rate: await pushRate(await cairn.create(`pushers-${run}`), 20) }),
        close: () => cairn.stop(),
      };
    },
  };
}

/**
 * Pushes per second that were reported as taken within the measured time, which begins when all clients are under way.
 * Every push is a whole one: what the server advertises is read first.
 */
async function pushRate(url: string, seconds: number): Promise<number> {
  const first = new GrowingHistory(21).next();
  const main = { name: 'refs/heads/main', from: undefined, to: first.oid };
  await rawPush(url, [main], packOf(first.objects));

  const begin = performance.now() + WARM_UP_SECONDS * 1000;
  const end = begin + seconds * 1000;
  let taken = 0;
  const client = async (number: number) => {
    const history = new GrowingHistory(21, 1_000 + number);
    history.next();
    const name = `refs/heads/pusher-${number}`;
    for (let from: string | undefined; performance.now() < end; ) {
      const { oid, entries } = history.next();
      await rawPush(url, [{ name, from, to: oid }], packOf(entries));
      from = oid;
      if (performance.now() >= begin && performance.now() < end) taken++;
    }
  };
  await Promise.all(Array.from({ length: PUSHERS }, (_, number) => client(number)));
  return taken / seconds;
}

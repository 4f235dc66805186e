import { type ConformanceCase, type ConformanceStores, check, mustWrite, read } from './conformance-check.ts';
import type { ObjectStore, PutMode, PutOutcome } from './object-store.ts';

const RACERS = 16;
const WRITERS = 5;
const INCREMENTS = 10;

/** Many writers at once over both connections, on a store that answers every one of them. */
export const raceCases: readonly ConformanceCase[] = [
  {
    name: 'of many creates at once exactly one is written',
    cost: 'many-writes',
    async run(stores) {
      await race(stores, `${stores.prefix}created`, { mode: 'create' });
    },
  },
  {
    name: 'of many replaces of one version exactly one is written',
    cost: 'many-writes',
    async run(stores) {
      const key = `${stores.prefix}replaced`;
      let version = await mustWrite(stores, key, Buffer.from('start'));
      for (let round = 0; round < 3; round++) {
        version = await race(stores, key, { mode: 'replace', version });
      }
    },
  },
  {
    name: 'five writers that each add one ten times make fifty',
    cost: 'many-writes',
    async run(stores) {
      const key = `${stores.prefix}counter`;
      await mustWrite(stores, key, Buffer.from('0 start'));
      await Promise.all(
        Array.from({ length: WRITERS }, async (_, writer) => {
          const store = writer % 2 === 0 ? stores.first : stores.second;
          for (let n = 0; n < INCREMENTS; n++) await increment(store, key, `writer-${writer}-${n}`);
        }),
      );
      const total = Number.parseInt((await read(stores.first, key)).bytes.toString(), 10);
      check(total === WRITERS * INCREMENTS, key, `${WRITERS * INCREMENTS} increments made ${total}`);
    },
  },
];

async function race(stores: ConformanceStores, key: string, mode: PutMode): Promise<string> {
  const outcomes = await Promise.all(
    Array.from({ length: RACERS }, (_, racer): Promise<PutOutcome> => {
      const store = racer % 2 === 0 ? stores.first : stores.second;
      return store.put(key, Buffer.from(`racer ${racer} on ${JSON.stringify(mode)}`), mode);
    }),
  );
  const winners = outcomes.flatMap((outcome, racer) =>
    outcome.outcome === 'written' ? [{ racer, version: outcome.version }] : [],
  );
  const [winner] = winners;
  check(winners.length === 1 && winner !== undefined, key, `${winners.length} of ${RACERS} racers won`);
  const { bytes, version } = await read(stores.second, key);
  check(bytes.toString().startsWith(`racer ${winner.racer} `), key, 'it holds the body of a loser');
  check(version === winner.version, key, 'a read gives another version than the winner was told');
  return version;
}

/** One successful read, add and replace. The note makes each body unlike any before: versions may be content hashes. */
async function increment(store: ObjectStore, key: string, note: string): Promise<void> {
  for (;;) {
    const { bytes, version } = await read(store, key);
    const next = Buffer.from(`${Number.parseInt(bytes.toString(), 10) + 1} ${note}`);
    const { outcome } = await store.put(key, next, { mode: 'replace', version });
    if (outcome === 'written') return;
    check(outcome === 'changed' || outcome === 'conflict', key, `a replace was answered "${outcome}"`);
  }
}

import { CairnError } from '../../lib/errors.ts';
import type { ObjectStore, PutMode, PutOutcome } from '../object-store.ts';
import { type ConformanceCase, type ConformanceStores, check, mustWrite, read } from './conformance-check.ts';

const RACERS = 16;
const WRITERS = 5;
const INCREMENTS = 10;
const ATTEMPTS = 5;

/**
 * Many writers at once over both connections. The store may give a loser no useful answer (Ceph answers 500): the
 * stored body then shows who won.
 */
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
  for (let attempt = 1; attempt < ATTEMPTS; attempt++) {
    const version = await raceOnce(stores, key, mode, attempt);
    if (version !== undefined) return version;
    await stores.backOff();
  }
  throw new CairnError('unavailable', `${key}: no racer won, and no racer was told why`);
}

/** @returns the current version; undefined when no racer won and none was told that it lost */
async function raceOnce(
  stores: ConformanceStores,
  key: string,
  mode: PutMode,
  attempt: number,
): Promise<string | undefined> {
  const bodyOf = (racer: number) => `racer ${racer} of ${attempt} on ${JSON.stringify(mode)}`;
  const outcomes = await Promise.all(
    Array.from({ length: RACERS }, (_, racer): Promise<PutOutcome> => {
      const store = racer % 2 === 0 ? stores.first : stores.second;
      return store.put(key, Buffer.from(bodyOf(racer)), mode);
    }),
  );
  const winners = outcomes.flatMap((outcome, racer) =>
    outcome.outcome === 'written' ? [{ racer, version: outcome.version }] : [],
  );
  const [winner] = winners;
  check(winners.length <= 1, key, `${winners.length} of ${RACERS} racers won`);
  const unanswered = outcomes.flatMap(({ outcome }, racer) => (outcome === 'unknown' ? [racer] : []));
  if (winner === undefined) {
    check(unanswered.length > 0, key, `every one of ${RACERS} racers lost`);
    const head = await stores.second.head(key);
    const unchanged = mode.mode === 'replace' ? head.found && head.version === mode.version : !head.found;
    if (unchanged) return undefined;
  }
  const { bytes, version } = await read(stores.second, key);
  const holders = winner === undefined ? unanswered : [winner.racer];
  check(
    holders.some((racer) => bodyOf(racer) === bytes.toString()),
    key,
    'it holds the body of a loser',
  );
  check(
    winner === undefined || version === winner.version,
    key,
    'a read gives another version than the winner was told',
  );
  return version;
}

/**
 * One successful read, add and replace. The body keeps all earlier notes. Each note is unique, because versions may
 * be content hashes, and because a writer without an answer looks for its own note.
 */
async function increment(store: ObjectStore, key: string, note: string): Promise<void> {
  for (;;) {
    const { bytes, version } = await read(store, key);
    const [count = '0', ...notes] = bytes.toString().split(' ');
    // An unanswered write may have happened.
    if (notes.includes(note)) return;
    const next = [Number(count) + 1, ...notes, note].join(' ');
    const { outcome } = await store.put(key, Buffer.from(next), { mode: 'replace', version });
    if (outcome === 'written') return;
    check(outcome !== 'exists' && outcome !== 'missing', key, `a replace was answered "${outcome}"`);
  }
}

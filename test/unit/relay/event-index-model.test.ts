import { describe, expect, it } from 'vitest';
import { runToEnd } from '../../../src/lib/cooperative.ts';
import { addressOf, formatAddress } from '../../../src/nostr/address.ts';
import { parseDeletion } from '../../../src/nostr/deletion.ts';
import type { NostrEvent } from '../../../src/nostr/event.ts';
import { newestFirst } from '../../../src/nostr/event-order.ts';
import { isExpired } from '../../../src/nostr/expiration.ts';
import { type Filter, matches, parseFilter } from '../../../src/nostr/filter.ts';
import { kinds } from '../../../src/nostr/kinds.ts';
import { EventContents } from '../../../src/relay/log/event-contents.ts';
import { EventIndex } from '../../../src/relay/log/event-index.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';
import { ann, ben, cat, plainEvent } from './plain-events.ts';

const START = 1_700_000_000;
const SHOWN = { hidden: false, at: START };
const AUTHORS = [ann, ben, cat, 'd'.repeat(64)];

/** What stands of events, told from all of them at once, by the rules of NIP-01 and NIP-09 and nothing else. */
function standing(events: readonly NostrEvent[]): NostrEvent[] {
  const deletions = events.flatMap((event) => {
    const parsed = event.kind === kinds.deletion ? parseDeletion(event) : undefined;
    return parsed?.ok === true ? [parsed.value] : [];
  });
  const isNamed = (event: NostrEvent) =>
    event.kind !== kinds.deletion &&
    deletions.some(({ author, events: ids }) => author === event.pubkey && ids.has(event.id));
  const textOf = (event: NostrEvent) => {
    const address = addressOf(event);
    return address === undefined ? undefined : formatAddress(address);
  };
  return events.filter((event) => {
    if (isNamed(event)) return false;
    const address = textOf(event);
    if (address === undefined) return true;
    if (deletions.some(({ addresses, at }) => addresses.has(address) && event.created_at <= at)) return false;
    // Whatever is newer at its address has displaced it, whether it still stands or was taken back.
    return !events.some((other) => textOf(other) === address && newestFirst(other, event) < 0);
  });
}

class World {
  readonly random: SeededRandom;
  readonly events: NostrEvent[] = [];

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
  }

  next(): NostrEvent {
    const { random, events } = this;
    const by = random.pick(AUTHORS);
    const kind = random.pick([1621, 1621, 1621, 1621, 1111, 1111, 0, 30617, 30618, 5]);
    const known = events.length > 0 ? random.pick(events) : undefined;
    const tags: string[][] = [];
    if (kind === 5) {
      for (let count = 1 + random.below(3); count > 0; count--) {
        const target = events.length > 0 ? random.pick(events) : undefined;
        const address = target === undefined ? undefined : addressOf(target);
        if (address !== undefined && random.below(2) === 0) tags.push(['a', formatAddress(address)]);
        else tags.push(['e', target?.id ?? '0'.repeat(64)]);
      }
    } else {
      if (kind >= 30_000) tags.push(['d', `d${random.below(12)}`]);
      for (let count = random.below(4); count > 0; count--) tags.push(['t', `t${random.below(5)}`]);
      if (random.below(2) === 0) tags.push(['a', `30617:${random.pick(AUTHORS)}:d${random.below(4)}`]);
      if (known !== undefined && random.below(2) === 0) tags.push([random.pick(['e', 'E', 'q']), known.id]);
      if (random.below(20) === 0) tags.push(['expiration', String(START + random.below(200))]);
    }
    const event = plainEvent({
      by: kind === 5 && known !== undefined && random.below(4) > 0 ? known.pubkey : by,
      kind,
      created_at: START + random.below(100),
      content: `${events.length} ${'x'.repeat(random.below(300))} ü`,
      tags,
    });
    events.push(event);
    return event;
  }

  filter(): Filter {
    const { random, events } = this;
    const maybe = <T>(value: T) => (random.below(3) === 0 ? value : undefined);
    const some = <T>(values: readonly T[]) => values.filter(() => random.below(2) === 0);
    const json = {
      ids: random.below(8) === 0 ? some(events.slice(-20)).map(({ id }) => id) : undefined,
      authors: maybe(some(AUTHORS)),
      kinds: maybe(some([1621, 1111, 0, 5, 30617, 30618])),
      '#t': maybe(some(['t0', 't1', 't2', 'none'])),
      '#a': maybe(some(AUTHORS).map((author) => `30617:${author}:d1`)),
      '#e': random.below(8) === 0 ? some(events.slice(0, 40)).map(({ id }) => id) : undefined,
      since: maybe(START + random.below(100)),
      until: maybe(START + random.below(100)),
      limit: maybe(random.below(50)),
    };
    const parsed = parseFilter(JSON.parse(JSON.stringify(json)));
    if (!parsed.ok) throw new Error(parsed.reason);
    return parsed.value;
  }
}

describe('the packed index (issue 11, point 10)', () => {
  it.each([11, 12, 13, 14])('answers like a plain list of all events (seed %d)', (seed) => {
    const world = new World(seed);
    const { random, events } = world;
    const contents = new EventContents({ random });
    const index = new EventIndex({ contents, random });
    for (let round = 0; round < 12; round++) {
      for (let count = 0; count < 150; count++) index.add(world.next(), SHOWN);
      const reference = standing(events);
      expect(index.size).toBe(reference.length);
      for (let asked = 0; asked < 15; asked++) {
        const filter = world.filter();
        const now = START + random.below(200);
        const visible = random.below(2) === 0 ? () => true : ({ pubkey }: NostrEvent) => pubkey !== ben;
        const expected = reference
          .filter((event) => matches(filter, event) && !isExpired(event, now) && visible(event))
          .sort(newestFirst);
        const options = { limit: 40, now, visible };
        expect(index.query([filter], options)).toEqual(expected.slice(0, Math.min(filter.limit ?? 40, 40)));
        expect(runToEnd(index.counting([filter], options))).toBe(expected.length);
      }
      const asked = random.pick(events);
      expect(index.get(asked.id) !== undefined).toBe(reference.includes(asked));
      const named = reference.filter((event) => event.tags.some(([, value]) => value === asked.id));
      const references = named.filter((event) => event.tags.some(([name]) => 'eEq'.includes(name ?? '?')));
      expect(index.isReferredTo(asked.id)).toBe(references.length > 0);
      for (const author of AUTHORS) {
        const theirs = reference.filter(({ pubkey }) => pubkey === author);
        expect(index.byAuthor(author).events).toBe(theirs.length);
      }
    }
    contents.close();
  });
});

describe('queries in steps, while events are added and removed', () => {
  it.each([21, 22, 23])(
    'find the events that stand the whole time, in order, and no later ones (seed %d)',
    (seed) => {
      const world = new World(seed);
      const { random, events } = world;
      const contents = new EventContents({ random });
      const index = new EventIndex({ contents, random });
      for (let count = 0; count < 1_200; count++) index.add(world.next(), SHOWN);
      let changes = 0;
      /** Takes events in, of which some delete or replace others, and some take the rows of those. */
      const change = () => {
        const event = world.next();
        if (index.add(event, SHOWN) === 'stored') changes++;
      };
      for (let asked = 0; asked < 60; asked++) {
        const filters = Array.from({ length: 1 + random.below(3) }, () => world.filter());
        if (asked % 4 === 0) filters[0] = { tags: new Map() };
        const options = { limit: 100_000, now: START, visible: () => true };
        const matching = () => {
          const standingNow = index.query([{ tags: new Map() }], options);
          const found = standingNow.filter((event) =>
            filters.some((filter) => filter.limit !== 0 && matches(filter, event)),
          );
          return new Set(found.map(({ id }) => id));
        };
        const unlimited = filters.map(({ limit: _none, ...filter }) => filter);
        const before = matching();
        const isCount = random.below(2) === 0;
        const every = 1 + random.below(60);
        let left = 12;
        const run = <T>(work: Generator<undefined, T, undefined>): T => {
          for (let step = 1; ; step++) {
            const { done, value } = work.next();
            if (done === true) return value;
            if (step % every === 0 && left-- > 0) change();
          }
        };
        if (isCount) {
          const whole = unlimited.filter((_, at) => filters[at]?.limit !== 0);
          const count = run(index.counting(whole, options));
          const after = matching();
          const stayed = [...before].filter((id) => after.has(id));
          expect(count).toBeGreaterThanOrEqual(stayed.length);
          expect(count).toBeLessThanOrEqual(before.size);
        } else {
          const whole = unlimited.filter((_, at) => filters[at]?.limit !== 0);
          const found = run(index.querying(whole, options));
          const after = matching();
          const stayed = [...before].filter((id) => after.has(id));
          expect(new Set(found.map(({ id }) => id))).toEqual(new Set(stayed));
          expect(found).toEqual([...found].sort(newestFirst));
        }
      }
      expect(changes).toBeGreaterThan(100);
      expect(events.length).toBeGreaterThan(1_400);
      contents.close();
    },
  );

  it('pause while they skip events that do not match or are hidden', () => {
    const index = new EventIndex();
    for (let at = 0; at < 2_000; at++) {
      const tags = [
        ['t', at % 2 === 0 ? 'even' : 'odd'],
        ['l', at % 2 === 0 ? 'odd' : 'even'],
      ];
      index.add(plainEvent({ content: `${at}`, created_at: START + at, tags }), SHOWN);
    }
    const steps = (json: object, visible: boolean) => {
      const parsed = parseFilter(json);
      if (!parsed.ok) throw new Error(parsed.reason);
      const options = { limit: 500, now: START, visible: () => visible };
      let count = 0;
      for (const work = index.querying([parsed.value], options); work.next().done !== true; ) count++;
      return count;
    };
    expect(steps({ '#t': ['even'], '#l': ['even'] }, true)).toBeGreaterThanOrEqual(10);
    expect(steps({}, false)).toBeGreaterThanOrEqual(2_000);
  });

  it('scan at most the allowed number of events', () => {
    const index = new EventIndex();
    for (let at = 0; at < 50; at++)
      index.add(plainEvent({ content: `${at}`, created_at: START + at }), SHOWN);
    let looked = 0;
    const visible = ({ created_at }: NostrEvent) => {
      looked++;
      return created_at < START + 45;
    };
    const filters = [{ tags: new Map<string, ReadonlySet<string>>() }];
    expect(index.query(filters, { limit: 10, now: START, visible, looks: 8 }).length).toBe(3);
    expect(looked).toBe(8);
  });
});

import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { FairSlices } from '../../../src/lib/fair-slices.ts';
import type { NostrEvent, VerifiedEvent } from '../../../src/nostr/event.ts';
import { firstValue } from '../../../src/nostr/tags.ts';
import { loadVerifier } from '../../../src/nostr/verify.ts';
import type { RelaySocket } from '../../../src/relay/client/connection.ts';
import { defaultRelayLimits, type RelayLimits } from '../../../src/relay/client/relay-limits.ts';
import { EventContents } from '../../../src/relay/log/event-contents.ts';
import { EventIndex } from '../../../src/relay/log/event-index.ts';
import { type Authenticated, accept, reject, type Verdict } from '../../../src/relay/publication.ts';
import { Relay } from '../../../src/relay/relay.ts';
import { EventsInMemory } from '../../helpers/events-in-memory.ts';
import { InstantClock } from '../../helpers/instant-clock.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';
import { alice, bob, carol } from '../nostr/authors.ts';

const verifier = await loadVerifier();
const RELAY_URL = 'wss://git.example.org';
const SILENT = pino({ level: 'silent' });

/** The client's end: collects what it is sent, as fast as it is told to read. */
class FakeSocket implements RelaySocket {
  readonly sent: unknown[][] = [];
  paused = false;
  closed: { readonly code: number; readonly reason: string } | undefined;
  /** Messages the client takes before it stops to read. */
  room = Number.POSITIVE_INFINITY;

  send(text: string): boolean {
    this.sent.push(JSON.parse(text) as unknown[]);
    this.room--;
    return this.room > 0;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  close(code: number, reason: string): void {
    this.closed = { code, reason };
  }

  /** What came since this was last asked. */
  take(): unknown[][] {
    return this.sent.splice(0);
  }
}

interface RigOptions {
  readonly limits?: Partial<RelayLimits>;
  readonly slices?: FairSlices;
  readonly publish?: (event: VerifiedEvent, sender: Authenticated) => Promise<Verdict>;
}

/** A relay that keeps whatever it is sent, and shows events with a `private` tag only to the key the tag names. */
function rig(options: RigOptions = {}) {
  const events = new EventsInMemory();
  const clock = new InstantClock(1_700_000_000_000);
  const published: { readonly event: NostrEvent; readonly sender: readonly string[] }[] = [];
  const publish = async (event: VerifiedEvent, sender: Authenticated) => {
    published.push({ event, sender: [...sender] });
    if (options.publish !== undefined) return options.publish(event, sender);
    await events.append([event]);
    return accept();
  };
  const hidden = new Set<string>();
  const relay = new Relay({
    events,
    publication: { publish },
    verifier,
    visible: (event, authenticated) => {
      const reader = firstValue(event, 'private');
      return (reader === undefined || authenticated.has(reader)) && !hidden.has(event.id);
    },
    hidings: () => hidden.size,
    relayUrl: RELAY_URL,
    clock,
    random: new SeededRandom(1),
    limits: { ...defaultRelayLimits, ...options.limits },
    // Otherwise the time of questions stands still, and each is answered at once.
    ...(options.slices === undefined ? {} : { slices: options.slices }),
    log: SILENT,
  });
  const connect = (address = '192.0.2.1') => {
    const socket = new FakeSocket();
    const connection = relay.connect(socket, address);
    const [challenge] = socket.take().map(([, text]) => String(text));
    const say = (...message: unknown[]) => connection.receive(JSON.stringify(message));
    /** Waits until every event that was sent has been decided about. */
    const settle = () => new Promise((resolve) => setImmediate(resolve));
    return { socket, connection, challenge, say, settle };
  };
  /** From now on nobody sees an event. */
  const hide = (event: NostrEvent) => hidden.add(event.id);
  return { relay, events, clock, published, connect, hide };
}

const issue = (content: string, at = 1_700_000_000, tags: string[][] = []) =>
  alice.sign({ kind: 1621, at, content, tags });

/** Events nobody has signed, one a second: enough of them would take long to sign. */
function unsigned(count: number): VerifiedEvent[] {
  const event = issue('x');
  return Array.from({ length: count }, (_, at) => {
    const id = at.toString(16).padStart(64, '0');
    return { ...event, id, created_at: 1_000 + at } as VerifiedEvent;
  });
}

const ids = (messages: unknown[][], type = 'EVENT') =>
  messages.filter(([name]) => name === type).map(([, , event]) => (event as NostrEvent).id);

describe('EVENT', () => {
  it('is published and answered', async () => {
    const { connect, published } = rig();
    const { socket, say, settle } = connect();
    const event = issue('one');
    say('EVENT', event);
    await settle();
    expect(socket.take()).toEqual([['OK', event.id, true, '']]);
    expect(published.map((one) => one.event)).toEqual([event]);
  });

  it('is answered with the reason if it is refused, and with the note if it is accepted', async () => {
    const verdicts = [reject('blocked: not here'), accept('purgatory: waiting for its data')];
    const { connect } = rig({ publish: async () => verdicts.shift() ?? accept() });
    const { socket, say, settle } = connect();
    for (const content of ['one', 'two']) say('EVENT', issue(content));
    await settle();
    expect(socket.take().map(([, , ...answer]) => answer)).toEqual([
      [false, 'blocked: not here'],
      [true, 'purgatory: waiting for its data'],
    ]);
  });

  it.each([
    ['a tampered content', (event: NostrEvent) => ({ ...event, content: 'else' })],
    ['the signature of another event', (event: NostrEvent) => ({ ...event, sig: issue('other').sig })],
    ['another author', (event: NostrEvent) => ({ ...event, pubkey: bob.publicKey })],
  ])('with %s is refused and not published', async (_what, tamper) => {
    const { connect, published } = rig();
    const { socket, say, settle } = connect();
    const event = issue('one');
    say('EVENT', tamper(event));
    await settle();
    expect(socket.take()).toEqual([['OK', event.id, false, expect.stringMatching(/^invalid: .*signature/)]]);
    expect(published).toEqual([]);
  });

  it('is answered even if publishing throws, and so are later ones', async () => {
    let first = true;
    const { connect } = rig({
      publish: async () => {
        if (!first) return accept();
        first = false;
        throw new Error('no answer from 10.0.0.1');
      },
    });
    const { socket, say, settle } = connect();
    const [one, two] = [issue('one'), issue('two')];
    say('EVENT', one);
    say('EVENT', two);
    await settle();
    expect(socket.take()).toEqual([
      ['OK', one.id, false, 'error: internal error'],
      ['OK', two.id, true, ''],
    ]);
  });

  it('waits for the event before it, and delays nothing else', async () => {
    const begun: string[] = [];
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { connect } = rig({
      publish: async (event) => {
        begun.push(event.content);
        await gate;
        return accept();
      },
    });
    const { socket, say, settle } = connect();
    say('EVENT', issue('one'));
    say('EVENT', issue('two'));
    say('REQ', 'sub', { kinds: [1621] });
    await settle();
    expect(begun).toEqual(['one']);
    expect(socket.take()).toEqual([['EOSE', 'sub']]);
    release();
    await settle();
    expect(begun).toEqual(['one', 'two']);
  });

  it('is published even if its sender has left', async () => {
    const { relay, connect, published } = rig();
    const { connection, say, settle, socket } = connect();
    say('EVENT', issue('one'));
    say('EVENT', issue('two'));
    relay.disconnect(connection);
    await settle();
    expect(published.length).toBe(2);
    expect(socket.take()).toEqual([]);
  });
});

describe('invalid messages', () => {
  it.each([
    ['no JSON', 'nonsense', ['NOTICE', expect.stringMatching(/^invalid: /)]],
    ['an unknown type', '["HELLO"]', ['NOTICE', expect.stringMatching(/^unsupported: /)]],
    [
      'an event without a signature',
      JSON.stringify(['EVENT', { ...issue('x'), sig: undefined }]),
      ['OK', issue('x').id, false, expect.stringMatching(/^invalid: /)],
    ],
    ['a REQ without filters', '["REQ","sub"]', ['CLOSED', 'sub', expect.stringMatching(/^invalid: /)]],
    [
      'an event that is too long',
      JSON.stringify(['EVENT', { ...issue('x'), content: 'x'.repeat(600_000) }]),
      ['OK', issue('x').id, false, 'invalid: a message may have 524288 bytes'],
    ],
    ['something long', `["REQ","${'x'.repeat(600_000)}"]`, ['NOTICE', expect.stringMatching(/^invalid: /)]],
  ])('%s', async (_what, text, answer) => {
    const { connect } = rig();
    const { connection, socket, settle } = connect();
    connection.receive(text);
    await settle();
    expect(socket.take()).toEqual([answer]);
  });
});

describe('REQ', () => {
  it('returns stored events, newest first, then EOSE, then new ones', async () => {
    const { events, connect } = rig();
    const stored = [issue('old', 100), issue('new', 200), issue('newer', 300)] as VerifiedEvent[];
    await events.append(stored);
    const { socket, say } = connect();
    say('REQ', 'sub', { kinds: [1621], limit: 2 });
    expect(ids(socket.sent)).toEqual([stored[2]?.id, stored[1]?.id]);
    expect(socket.take().at(-1)).toEqual(['EOSE', 'sub']);
    const live = issue('live', 400) as VerifiedEvent;
    await events.append([live]);
    expect(socket.take()).toEqual([['EVENT', 'sub', live]]);
    await events.append([alice.sign({ kind: 1617 }) as VerifiedEvent]);
    expect(socket.take()).toEqual([]);
  });

  it('with a limit of 0 returns new events only', async () => {
    const { events, connect } = rig();
    await events.append([issue('old') as VerifiedEvent]);
    const { socket, say } = connect();
    say('REQ', 'sub', { limit: 0 });
    expect(socket.take()).toEqual([['EOSE', 'sub']]);
    await events.append([issue('new') as VerifiedEvent]);
    expect(ids(socket.take()).length).toBe(1);
  });

  it('never returns more stored events than the relay’s limit', async () => {
    const { events, connect } = rig({ limits: { eventsPerFilter: 3 } });
    await events.append(unsigned(5));
    const { socket, say } = connect();
    say('REQ', 'one', { limit: 1_000_000 });
    say('REQ', 'two', {});
    expect(ids(socket.take().filter(([, id]) => id === 'one')).length).toBe(3);
  });

  it('is answered for each subscription under its own name, and CLOSE ends one', async () => {
    const { events, connect } = rig();
    const { socket, say } = connect();
    say('REQ', 'a', { kinds: [1621] });
    say('REQ', 'b', { authors: [alice.publicKey] });
    say('REQ', 'c', { kinds: [1617] });
    socket.take();
    const one = issue('one') as VerifiedEvent;
    await events.append([one]);
    expect(socket.take()).toEqual([
      ['EVENT', 'a', one],
      ['EVENT', 'b', one],
    ]);
    say('CLOSE', 'a');
    const two = issue('two') as VerifiedEvent;
    await events.append([two]);
    expect(socket.take()).toEqual([['EVENT', 'b', two]]);
  });

  it('replaces the subscription with the same name, even if it is refused', async () => {
    const { events, connect } = rig();
    const { socket, say } = connect();
    say('REQ', 'sub', { kinds: [1621] });
    say('REQ', 'sub', { kinds: [1617] });
    socket.take();
    await events.append([issue('one') as VerifiedEvent]);
    expect(socket.take()).toEqual([]);
    say('REQ', 'sub', { kinds: [1621] });
    say('REQ', 'sub', { kinds: ['no kind'] });
    expect(socket.take().at(-1)).toEqual(['CLOSED', 'sub', expect.stringMatching(/^invalid: /)]);
    await events.append([issue('two') as VerifiedEvent]);
    expect(socket.take()).toEqual([]);
  });

  it('ends the subscription with the same name if it is refused for its rate, and so does a refused COUNT', async () => {
    const perConnection = { messages: { perSecond: 1, burst: 2 }, events: { perSecond: 1, burst: 2 } };
    for (const [type, ...rest] of [
      ['REQ', { kinds: [1617] }],
      ['REQ', ...Array.from({ length: 3 }, () => ({ kinds: [1617] }))],
      ['COUNT', { kinds: [1617] }],
      ['COUNT', ...Array.from({ length: 3 }, () => ({ kinds: [1617] }))],
    ] as const) {
      const { events, connect } = rig({ limits: { perConnection } });
      const { socket, say } = connect();
      say('REQ', 'sub', { kinds: [1621] });
      if (rest.length === 1) say('CLOSE', 'another');
      socket.take();
      say(type, 'sub', ...rest);
      expect(socket.take()).toEqual([['CLOSED', 'sub', expect.stringMatching(/^rate-limited: /)]]);
      await events.append([issue(`after ${type}`) as VerifiedEvent]);
      expect(socket.take(), 'what is closed gets nothing more').toEqual([]);
    }
  });

  it('is refused if too many are open, and closing one makes room', () => {
    const { connect } = rig({ limits: { subscriptionsPerConnection: 2 } });
    const { socket, say } = connect();
    for (const id of ['a', 'b', 'c']) say('REQ', id, { limit: 0 });
    expect(socket.take()).toEqual([
      ['EOSE', 'a'],
      ['EOSE', 'b'],
      ['CLOSED', 'c', expect.stringMatching(/^rate-limited: 2 subscriptions/)],
    ]);
    say('REQ', 'a', { limit: 0 });
    say('CLOSE', 'b');
    say('REQ', 'c', { limit: 0 });
    expect(socket.take()).toEqual([
      ['EOSE', 'a'],
      ['EOSE', 'c'],
    ]);
  });

  it('is refused if the filters of open subscriptions are too long, per connection and per address', async () => {
    const { relay, connect } = rig({
      limits: { filterBytesPerConnection: 3_000, filterBytesPerAddress: 5_000 },
    });
    const long = { '#t': ['x'.repeat(600)] };
    const open = (id: string, { socket, say }: ReturnType<typeof connect>, ...filters: object[]) => {
      socket.take();
      say('REQ', id, ...(filters.length > 0 ? filters : [long]));
      return socket.take().at(-1);
    };
    const [one, two] = [connect(), connect()];
    for (const id of ['a', 'b', 'c', 'a', 'b']) expect(open(id, one)).toEqual(['EOSE', id]);
    expect(open('d', one)).toEqual(['CLOSED', 'd', expect.stringMatching(/^rate-limited: .*your open/)]);
    expect(open('e', two)).toEqual(['EOSE', 'e']);
    // A filter costs something however short it is.
    expect(open('f', two, ...Array(8).fill({}))).toEqual([
      'CLOSED',
      'f',
      expect.stringMatching(/^rate-limited: .*from your address/),
    ]);
    expect(open('g', connect('192.0.2.9'), ...Array(8).fill({}))).toEqual(['EOSE', 'g']);
    one.say('CLOSE', 'c');
    expect(open('d', one)).toEqual(['EOSE', 'd']);
    relay.disconnect(one.connection);
    expect(open('f', two, ...Array(8).fill({}))).toEqual(['EOSE', 'f']);
  });

  it('returns no hidden event before it becomes visible, and no expired one', async () => {
    const { events, connect } = rig();
    const { socket, say } = connect();
    say('REQ', 'sub', {});
    socket.take();
    const hidden = issue('hidden') as VerifiedEvent;
    const expired = issue('expired', 1_699_999_000, [['expiration', '1699999999']]) as VerifiedEvent;
    await events.append([hidden], { hidden: true });
    await events.append([expired]);
    expect(socket.take()).toEqual([]);
    await events.append([hidden]);
    expect(ids(socket.take())).toEqual([hidden.id]);
  });
});

describe('COUNT', () => {
  it('counts visible events', async () => {
    const { events, connect } = rig();
    const secret = issue('secret', 100, [['private', bob.publicKey]]);
    await events.append([issue('one'), issue('two'), secret] as VerifiedEvent[]);
    const { socket, say } = connect();
    say('COUNT', 'query', { kinds: [1621] });
    expect(socket.take()).toEqual([['COUNT', 'query', { count: 2 }]]);
  });
});

describe('long queries', () => {
  /** Slices of a few steps: at each look at the clock a millisecond has passed. */
  function slow() {
    let time = 0;
    return new FairSlices({ now: () => time++, sliceMs: 8 });
  }

  /** An index of so many events, and a relay over it. */
  async function longRig(count: number) {
    const slices = slow();
    const contents = new EventContents({ random: new SeededRandom(2) });
    const index = new EventIndex({ contents, random: new SeededRandom(2) });
    for (const event of unsigned(count)) index.add(event, { hidden: false, at: 0 });
    const { events, ...rest } = rig({ slices });
    // What is asked of the relay is asked of a real index; new events are told of by the other one.
    const add = async (event: VerifiedEvent) => {
      index.add(event, { hidden: false, at: 0 });
      await events.append([event]);
    };
    events.finding = (filters, options) => index.finding(filters, options);
    events.counting = (filters, options) => index.counting(filters, options);
    return { ...rest, events, slices, add, contents };
  }

  it('are answered in slices, and others are answered meanwhile, even beside a COUNT of everything', async () => {
    const { connect, slices } = await longRig(1_000);
    const many = Array.from({ length: 20 }, () => connect('192.0.2.1'));
    for (const { say } of many) say('COUNT', 'all', {});
    const other = connect('192.0.2.2');
    const begun = slices.slices;
    other.say('REQ', 'few', { ids: [unsigned(1)[0]?.id] });
    while (other.socket.sent.at(-1)?.[0] !== 'EOSE') await other.settle();
    expect(slices.slices - begun).toBeLessThan(10);
    expect(many.flatMap(({ socket }) => socket.sent).filter(([type]) => type === 'COUNT')).toEqual([]);
    for (const { say } of many.slice(1)) say('CLOSE', 'all');
    await expect
      .poll(() => many[0]?.socket.sent.at(-1), { timeout: 60_000 })
      .toEqual(['COUNT', 'all', { count: 1_000 }]);
    expect(slices.slices).toBeGreaterThan(100);
    expect(slices.size).toBe(0);
    expect(
      many
        .slice(1)
        .flatMap(({ socket }) => socket.sent)
        .filter(([type]) => type === 'COUNT'),
    ).toEqual([]);
  }, 90_000);

  it('are answered in their order, and new events come once, after EOSE', async () => {
    const { connect, add, slices } = await longRig(400);
    const { socket, say } = connect();
    socket.take();
    say('REQ', 'a', { limit: 300 });
    say('COUNT', 'b', {});
    say('REQ', 'c', { limit: 1 });
    const live = issue('live', 1_700_000_000) as VerifiedEvent;
    await add(live);
    expect(slices.size).toBe(1);
    await expect.poll(() => slices.size).toBe(0);
    const said = socket
      .take()
      .map(([type, id, event]) =>
        type === 'EVENT'
          ? `${id} ${(event as NostrEvent).id === live.id ? 'live' : 'stored'}`
          : `${type} ${id}`,
      );
    expect(said).toEqual([
      ...Array(300).fill('a stored'),
      'EOSE a',
      'a live',
      'COUNT b',
      'c stored',
      'EOSE c',
      'c live',
    ]);
  });

  it('return nothing that was hidden during the search (issue 11, point 14)', async () => {
    const { connect, hide, slices } = await longRig(400);
    const { socket, say } = connect();
    socket.take();
    say('REQ', 'long', { limit: 300 });
    say('COUNT', 'all', {});
    await expect.poll(() => slices.slices).toBeGreaterThan(20);
    expect(slices.size).toBe(1);
    expect(socket.sent).toEqual([]);
    // The newest ones are found by now.
    const newest = unsigned(400).slice(-10);
    for (const event of newest) hide(event);
    await expect.poll(() => slices.size, { timeout: 60_000 }).toBe(0);
    const sent = socket.take();
    const seen = new Set(ids(sent));
    expect(seen.size).toBe(290);
    expect(newest.filter(({ id }) => seen.has(id))).toEqual([]);
    expect(sent.at(-1)).toEqual(['COUNT', 'all', { count: 390 }]);
  }, 90_000);

  it('count nothing that was hidden after it was counted (issue 11, point 14)', async () => {
    const { connect, hide, slices } = await longRig(400);
    const { socket, say } = connect();
    socket.take();
    say('COUNT', 'all', {});
    await expect.poll(() => slices.slices).toBeGreaterThan(20);
    expect(slices.size).toBe(1);
    for (const event of unsigned(400).slice(-10)) hide(event);
    await expect.poll(() => slices.size, { timeout: 60_000 }).toBe(0);
    expect(socket.take()).toEqual([['COUNT', 'all', { count: 390 }]]);
  }, 90_000);

  it('send a slow client nothing that was hidden before it read, stored or new (issue 11, point 14)', async () => {
    const { connect, hide, events } = rig();
    const stored = unsigned(20);
    await events.append(stored);
    const { socket, connection, say } = connect();
    socket.room = 1;
    say('REQ', 'few', {});
    const live = [issue('one', 1_700_000_000), issue('two', 1_700_000_000)] as VerifiedEvent[];
    await events.append(live);
    const secret = [...live.slice(0, 1), ...stored.slice(0, 5)];
    for (const event of secret) hide(event);
    socket.room = Number.POSITIVE_INFINITY;
    connection.drained();
    const read = ids(socket.take());
    expect(read).toHaveLength(16);
    expect(read).toContain(live[1]?.id);
    expect(secret.filter(({ id }) => read.includes(id))).toEqual([]);
  });

  it('are refused as a COUNT if events are hidden again and again meanwhile', async () => {
    const { connect, events, hide } = rig();
    const [first] = unsigned(1) as [VerifiedEvent];
    let counts = 0;
    events.counting = function* counting() {
      hide({ ...first, id: `${counts++}` });
      yield;
      return 1;
    };
    const { socket, say } = connect();
    say('COUNT', 'all', {});
    await expect
      .poll(() => socket.sent.at(-1))
      .toEqual(['CLOSED', 'all', expect.stringContaining('changed repeatedly')]);
    expect(counts).toBe(4);
  });

  it('end when they are closed or replaced, or their client leaves', async () => {
    const { relay, connect, add, slices } = await longRig(400);
    const { connection, socket, say } = connect();
    socket.take();
    say('REQ', 'a', { limit: 300 });
    say('REQ', 'b', { limit: 300 });
    say('REQ', 'b', { kinds: [1], limit: 300 });
    await add(issue('live') as VerifiedEvent);
    say('CLOSE', 'a');
    await expect.poll(() => slices.size).toBe(0);
    expect(socket.take()).toEqual([['EOSE', 'b']]);
    say('COUNT', 'c', {});
    expect(slices.size).toBe(1);
    relay.disconnect(connection);
    expect(slices.size).toBe(0);
  });

  it('are bounded for a client: it is not read while many of them wait, and no message is lost', async () => {
    const { connect, slices } = await longRig(60);
    const { socket, say } = connect();
    socket.take();
    for (let number = 0; number < 50; number++) say('COUNT', `${number}`, {});
    expect(socket.paused).toBe(true);
    await expect.poll(() => slices.size, { timeout: 30_000 }).toBe(0);
    expect(socket.paused).toBe(false);
    expect(socket.take().map(([, id]) => id)).toEqual(Array.from({ length: 50 }, (_, number) => `${number}`));
  }, 40_000);
});

describe('AUTH', () => {
  const proof = (person: typeof bob, challenge: string, relay = RELAY_URL, at = 1_700_000_000) =>
    person.sign({
      kind: 22_242,
      at,
      tags: [
        ['relay', relay],
        ['challenge', challenge],
      ],
    });

  it('shows private events to keys that may see them: stored, new, and in counts', async () => {
    const { events, connect, published } = rig();
    const secret = issue('secret', 100, [['private', bob.publicKey]]) as VerifiedEvent;
    await events.append([secret]);
    const reader = connect();
    const stranger = connect();
    for (const { say } of [reader, stranger]) say('REQ', 'before', {});
    expect(reader.socket.take()).toEqual([['EOSE', 'before']]);
    const shown = proof(bob, String(reader.challenge));
    reader.say('AUTH', shown);
    expect(reader.socket.take()).toEqual([['OK', shown.id, true, '']]);
    for (const { say } of [reader, stranger]) say('REQ', 'after', {});
    expect(ids(reader.socket.take())).toEqual([secret.id]);
    const live = issue('live', 200, [['private', bob.publicKey]]) as VerifiedEvent;
    await events.append([live]);
    expect(ids(reader.socket.take())).toEqual([live.id, live.id]);
    expect(ids(stranger.socket.take())).toEqual([]);
    reader.say('EVENT', issue('by bob'));
    await reader.settle();
    expect(published.at(-1)?.sender).toEqual([bob.publicKey]);
  });

  it('accepts several keys, up to a limit', () => {
    const { connect } = rig({ limits: { keysPerConnection: 2 } });
    const { socket, say, challenge } = connect();
    for (const person of [alice, bob, alice, carol]) say('AUTH', proof(person, String(challenge)));
    expect(socket.take().map(([, , accepted]) => accepted)).toEqual([true, true, true, false]);
  });

  it.each([
    ['another challenge', (challenge: string) => proof(bob, `${challenge}0`)],
    ['another relay', (challenge: string) => proof(bob, challenge, 'wss://elsewhere.example.org')],
    ['an old date', (challenge: string) => proof(bob, challenge, RELAY_URL, 1_699_990_000)],
    ['a broken signature', (challenge: string) => ({ ...proof(bob, challenge), pubkey: carol.publicKey })],
  ])('with %s shows nothing', async (_what, make) => {
    const { events, connect } = rig();
    const secrets = [bob, carol].map(({ publicKey }) => issue('secret', 100, [['private', publicKey]]));
    await events.append(secrets as VerifiedEvent[]);
    const { socket, say, challenge } = connect();
    const event = make(String(challenge));
    say('AUTH', event);
    expect(socket.take()).toEqual([
      ['OK', event.id, false, expect.stringMatching(/^(auth-required|invalid): ./)],
    ]);
    say('REQ', 'sub', {});
    expect(socket.take()).toEqual([['EOSE', 'sub']]);
  });

  it('uses another challenge on every connection', () => {
    const { connect } = rig();
    const challenges = [connect().challenge, connect().challenge];
    expect(challenges[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(challenges[0]).not.toBe(challenges[1]);
  });
});

describe('rate limits', () => {
  const perConnection = {
    messages: { perSecond: 10, burst: 20 },
    events: { perSecond: 1, burst: 3 },
  };

  it('bound the stored events and bytes of an address per minute, over all its connections (issue 11, point 10)', async () => {
    const perMinute = { events: 6, bytes: 10_000 };
    const { connect, clock, published } = rig({ limits: { perMinute } });
    const accepted = async (contents: readonly string[]) => {
      const answers: boolean[] = [];
      for (const content of contents) {
        const { socket, say, settle } = connect();
        say('EVENT', issue(content));
        await settle();
        const [answer] = socket.take().filter(([type]) => type === 'OK');
        answers.push(answer?.[2] === true);
        if (answer?.[2] !== true) expect(answer?.[3]).toMatch(/^rate-limited: 6 events .* a minute/);
      }
      return answers;
    };
    expect(await accepted(['1', '2', '3', '4', '5', '6', '7'])).toEqual([...Array(6).fill(true), false]);
    clock.advance(9_900);
    expect(await accepted(['8'])).toEqual([false]);
    clock.advance(200);
    expect(await accepted(['9', '10'])).toEqual([true, false]);
    clock.advance(60_000);
    expect(await accepted(['x'.repeat(8_000), 'y'.repeat(4_000), 'small'])).toEqual([true, false, true]);
    expect(published.length).toBe(9);
  });

  it('bound the events of a connection, and those beyond are not verified', async () => {
    const { connect, clock, published } = rig({ limits: { perConnection } });
    const { socket, say, settle } = connect();
    for (let number = 0; number < 5; number++) say('EVENT', issue(`flood ${number}`));
    await settle();
    const answers = socket.take();
    expect(answers.length).toBe(5);
    expect(answers.filter(([, , accepted]) => accepted === true).length).toBe(3);
    expect(answers.filter(([, , , note]) => String(note).startsWith('rate-limited: ')).length).toBe(2);
    expect(published.length).toBe(3);
    clock.advance(1_000);
    say('EVENT', issue('later'));
    await settle();
    expect(socket.take()).toEqual([['OK', issue('later').id, true, '']]);
  });

  it('bound the events of an address, over all its connections, including closed ones', async () => {
    const perAddress = { messages: { perSecond: 100, burst: 100 }, events: { perSecond: 1, burst: 4 } };
    const { relay, connect, published } = rig({ limits: { perConnection, perAddress } });
    for (let number = 0; number < 3; number++) {
      const { connection, say, settle } = connect();
      for (let count = 0; count < 3; count++) say('EVENT', issue(`${number} ${count}`));
      await settle();
      relay.disconnect(connection);
    }
    expect(published.length).toBe(4);
    const elsewhere = connect('192.0.2.2');
    elsewhere.say('EVENT', issue('elsewhere'));
    await elsewhere.settle();
    expect(published.length).toBe(5);
  });

  it('bound messages of every kind, and long ones and many filters count for more', () => {
    const { connect, clock } = rig({ limits: { perConnection } });
    const { socket, say } = connect();
    const closed = () => socket.take().filter(([type]) => type === 'CLOSED').length;
    for (let number = 0; number < 20; number++) say('REQ', 'sub', {});
    expect(closed()).toBe(0);
    say('REQ', 'sub', {});
    say('COUNT', 'sub', {});
    expect(closed()).toBe(2);
    clock.advance(10_000);
    say('REQ', 'sub', ...new Array(18).fill({}));
    say('REQ', 'sub', ...new Array(18).fill({}));
    expect(closed()).toBe(1);
    clock.advance(10_000);
    say('REQ', 'sub', { '#t': new Array(320).fill('x'.repeat(1_000)) });
    expect(closed()).toBe(0);
    say('REQ', 'sub', {});
    expect(closed()).toBe(1);
  });

  it('end a connection that ignores them for long', () => {
    const refusals = { perSecond: 1, burst: 5 };
    const { connect } = rig({ limits: { perConnection, refusals } });
    const { socket, say } = connect();
    for (let number = 0; number < 20 + 5; number++) say('REQ', 'sub', { limit: 0 });
    expect(socket.closed).toBeUndefined();
    say('REQ', 'sub', { limit: 0 });
    expect(socket.closed?.code).toBe(1008);
    socket.take();
    say('REQ', 'sub', { limit: 0 });
    expect(socket.take()).toEqual([]);
  });
});

describe('a client that does not read', () => {
  it('gets nothing more until it reads, and then everything in order', async () => {
    const { events, connect } = rig();
    await events.append(unsigned(10));
    const { socket, say, connection } = connect();
    socket.room = 3;
    say('REQ', 'sub', {});
    say('COUNT', 'query', {});
    expect(socket.take().length).toBe(3);
    socket.room = 100;
    connection.drained();
    const rest = socket.take();
    expect(ids(rest).length).toBe(7);
    expect(rest.slice(-2).map(([type]) => type)).toEqual(['EOSE', 'COUNT']);
  });

  it('gets nothing of a subscription that it has closed meanwhile', async () => {
    const { events, connect } = rig();
    await events.append(unsigned(10));
    const { socket, say, connection } = connect();
    socket.room = 3;
    say('REQ', 'sub', {});
    say('CLOSE', 'sub');
    say('REQ', 'sub', { limit: 1 });
    socket.take();
    socket.room = 100;
    connection.drained();
    expect(socket.take().map(([type]) => type)).toEqual(['EVENT', 'EOSE']);
  });

  it('is not read while much waits for it, and no message is lost', async () => {
    const { events, connect } = rig({ limits: { eventsPerFilter: 600 } });
    await events.append(unsigned(600));
    const { socket, say, connection } = connect();
    socket.room = 1;
    say('REQ', 'sub', {});
    expect(socket.paused).toBe(true);
    say('COUNT', 'query', {});
    socket.room = Number.POSITIVE_INFINITY;
    connection.drained();
    expect(socket.paused).toBe(false);
    expect(socket.take().at(-1)).toEqual(['COUNT', 'query', { count: 600 }]);
  });

  it('is disconnected if it sends more and more', async () => {
    const never = new Promise<Verdict>(() => undefined);
    const { connect } = rig({
      publish: () => never,
      limits: {
        perConnection: {
          messages: { perSecond: 1e6, burst: 1e6 },
          events: { perSecond: 1e6, burst: 1e6 },
        },
      },
    });
    const { socket, say, connection } = connect();
    const event = issue('one');
    for (let number = 0; number < 32; number++) say('EVENT', event);
    expect(socket.paused).toBe(true);
    expect(socket.closed).toBeUndefined();
    for (let number = 0; number < 1_000; number++) connection.receive('["CLOSE","x"]');
    expect(socket.closed).toBeUndefined();
    connection.receive('["CLOSE","x"]');
    expect(socket.closed?.code).toBe(1008);
  });

  it('is disconnected if more and more waits for it', async () => {
    const { events, connect } = rig();
    const { socket, say } = connect();
    for (let number = 0; number < 32; number++) say('REQ', `${number}`, { kinds: [1621] });
    socket.take();
    socket.room = 1;
    for (const event of unsigned(625)) await events.append([event]);
    expect(socket.closed).toBeUndefined();
    await events.append([issue('last') as VerifiedEvent]);
    expect(socket.closed?.code).toBe(1008);
    expect(socket.closed?.reason).toMatch(/^too slow/);
  });

  it('is disconnected if new events for it take more than 16 MiB (issue 11, point 9)', async () => {
    const { events, connect } = rig();
    const { socket, say } = connect();
    say('REQ', 'all', { kinds: [1621] });
    socket.take();
    // The first one is sent; the others wait.
    socket.room = 1;
    const large = unsigned(70).map((event) => ({ ...event, content: 'x'.repeat(270_000) }));
    for (const event of large.slice(0, 60)) await events.append([event]);
    expect(socket.closed).toBeUndefined();
    for (const event of large.slice(60)) await events.append([event]);
    expect(socket.closed?.reason).toMatch(/^too slow/);
  });
});

describe('the relay', () => {
  it('accepts a bounded number of connections, in total and per address', () => {
    const { relay, connect } = rig({ limits: { connections: 3, connectionsPerAddress: 2 } });
    const first = connect('2001:db8::1');
    connect('2001:db8::2');
    expect(relay.refusal('2001:db8::3')).toMatch(/from your address/);
    expect(relay.refusal('192.0.2.1')).toBeUndefined();
    connect('192.0.2.1');
    expect(relay.refusal('192.0.2.2')).toMatch(/3 connections/);
    relay.disconnect(first.connection);
    relay.disconnect(first.connection);
    expect(relay.refusal('2001:db8::3')).toBeUndefined();
    expect(relay.size).toBe(2);
  });

  it('answers every received event before it closes, and reads nothing more', async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { relay, connect, published } = rig({
      publish: async () => {
        await gate;
        return accept();
      },
    });
    const { socket, say } = connect();
    const [one, two] = [issue('one'), issue('two')];
    say('EVENT', one);
    say('EVENT', two);
    const closed = relay.close();
    say('EVENT', issue('too late'));
    expect(relay.refusal('192.0.2.9')).toMatch(/stopping/);
    expect(socket.closed).toBeUndefined();
    release();
    await closed;
    expect(socket.take().map(([, id]) => id)).toEqual([one.id, two.id]);
    expect(socket.closed?.code).toBe(1001);
    expect(published.length).toBe(2);
  });

  it('serves others if one subscription causes an error', async () => {
    const { relay, events, connect } = rig();
    const stumbling = connect();
    const other = connect();
    for (const { say } of [stumbling, other]) say('REQ', 'sub', {});
    stumbling.connection.deliver = () => {
      throw new Error('stumbled');
    };
    other.socket.take();
    await events.append([issue('one') as VerifiedEvent]);
    expect(ids(other.socket.take()).length).toBe(1);
    expect(relay.size).toBe(2);
  });
});

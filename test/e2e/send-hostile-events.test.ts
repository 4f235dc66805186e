import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NostrEvent } from '../../src/nostr/event.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import type { App } from '../../src/server/app.ts';
import { GitClient } from '../helpers/git-client.ts';
import {
  announcement,
  eventually,
  gitUrl,
  graspUrl,
  publish,
  query,
  signedIn,
  state,
} from '../helpers/identity.ts';
import { NostrClient, Person } from '../helpers/nostr-client.ts';
import { startServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

/** What somebody waits at most for an answer while others misbehave; alone it takes a few milliseconds. */
const STILL_SERVED_MS = 20_000;
const OID = '1'.repeat(40);
/** No such name, or (401) the answer to all who have not said who they are, whatever is there. */
const REFUSED = [400, 401, 404];
const now = () => Math.floor(Date.now() / 1000);

const owner = new Person();
let store: MemoryObjectStore;
let server: App;

/** A server for the tests of one group, which has one repository of the owner's and has kept little so far. */
function serveGroup(): void {
  beforeAll(async () => {
    store = new MemoryObjectStore();
    server = await startServer({ store, flags: { access: 'signed' } });
    const answer = await publish(server.url, announcement(server.url, owner, 'target'));
    expect(answer).toEqual({ accepted: true, note: '' });
  });
  afterAll(() => server.close());
}

/** Every object of a store, with its version. */
async function contents(of: MemoryObjectStore): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of of.list('')) {
    const object = await of.head(key);
    found.push(`${key} ${object.found ? object.version : 'gone'}`);
  }
  return found;
}

/** Does something that must leave the bucket exactly as it was. */
async function storingNothing<T>(act: () => Promise<T>): Promise<T> {
  const before = await contents(store);
  const result = await act();
  expect(await contents(store)).toEqual(before);
  return result;
}

/** An event is refused, nothing is stored, and the connection goes on. */
async function expectRefused(event: NostrEvent, reason: RegExp): Promise<void> {
  await using client = await NostrClient.connect(server.url);
  const answer = await storingNothing(() => client.publish(event));
  expect(answer).toEqual({ accepted: false, note: expect.stringMatching(reason) });
  expect(await client.query({ ids: ['0'.repeat(64)] })).toEqual([]);
}

/** A comment on the repository that is here: what makes it refused is something else. */
function comment(tags: string[][] = [], content = 'Hello', at = now(), author = owner): NostrEvent {
  return author.sign(1111, [['A', `30617:${owner.publicKey}:target`], ...tags], content, at);
}

/** Whether a server answers git, the relay and a browser in time. */
async function expectServes(url: string, headers: Record<string, string> = {}): Promise<void> {
  const began = Date.now();
  await using client = await NostrClient.connect(url, { headers });
  expect(await client.query({ kinds: [30_617] })).not.toEqual([]);
  const refs = await fetch(`${gitUrl(url, owner, 'target')}/info/refs?service=git-upload-pack`, { headers });
  expect(refs.status).toBe(200);
  await refs.arrayBuffer();
  expect(Date.now() - began).toBeLessThan(STILL_SERVED_MS);
}

interface RawAnswer {
  readonly status: number;
  readonly text: string;
}

/** Asks for a path exactly as it is written; URL parsers would tidy it up. */
function ask(path: string, method: 'GET' | 'POST' = 'GET', type = ''): Promise<RawAnswer> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const headers = type === '' ? {} : { 'Content-Type': type };
    const outgoing = request({ hostname, port, path, method, headers }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString() });
      });
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

describe('a flood of events', () => {
  it('is accepted up to the rate, refused above it, and then disconnected, and others are served meanwhile', async () => {
    const flooded = new MemoryObjectStore();
    await using target = await startServer({ store: flooded, flags: { access: 'signed' } });
    await publish(target.url, announcement(target.url, owner, 'target'));
    const comments = Array.from({ length: 250 }, (_, at) => comment([], `Comment ${at}`));
    const again = Array.from({ length: 600 }, () => comments[0]);
    await using flooder = await NostrClient.connect(target.url);
    const began = Date.now();
    for (const event of [...comments, ...again]) flooder.send(['EVENT', event]);
    await expectServes(target.url);
    await eventually(
      async () => flooder.closed,
      (closed) => closed,
    );
    expect(flooder.closed).toBe(true);
    const most = 200 + 20 * ((Date.now() - began) / 1000) + 1;

    const answers = flooder.received.filter(([type]) => type === 'OK');
    expect(answers.length).toBeLessThan(comments.length + again.length);
    const taken = answers.filter(([, , accepted]) => accepted === true).map(([, id]) => String(id));
    expect(taken.length).toBeGreaterThan(0);
    expect(taken.length).toBeLessThanOrEqual(most);
    for (const [, , accepted, note] of answers) {
      if (accepted !== true) expect(note).toBe('rate-limited: too many events, wait a moment');
    }
    // One that was taken as its connection ended is kept without an answer.
    const kept = (await query(target.url, { kinds: [1111] })).map(({ id }) => id);
    expect(kept).toEqual(expect.arrayContaining([...new Set(taken)]));
    expect(kept.length).toBeLessThanOrEqual(most);
  });

  it('over many connections is limited per address, and other addresses are not affected', async () => {
    const flooded = new MemoryObjectStore();
    await using target = await startServer({
      store: flooded,
      flags: { access: 'signed', 'trusted-proxies': '1' },
    });
    await publish(target.url, announcement(target.url, owner, 'target'));
    const before = await contents(flooded);
    const unrelated = new Person().sign(1, [], 'spam');
    const from = { headers: { 'X-Forwarded-For': '192.0.2.1' } };
    const flooders = await Promise.all(
      Array.from({ length: 10 }, () => NostrClient.connect(target.url, from)),
    );
    const began = Date.now();
    for (const flooder of flooders) {
      for (let sent = 0; sent < 150; sent++) flooder.send(['EVENT', unrelated]);
    }
    await expectServes(target.url, { 'X-Forwarded-For': '192.0.2.2' });
    const notes = () =>
      flooders.flatMap(({ received }) => received.filter(([type]) => type === 'OK').map((said) => said[3]));
    await eventually(
      async () => notes().length,
      (length) => length === 1_500,
    );
    const seconds = (Date.now() - began) / 1000;
    expect(notes()).toHaveLength(1_500);
    const looked = notes().filter((note) => String(note).startsWith('blocked: '));
    expect(looked.length).toBeLessThanOrEqual(500 + 50 * seconds + 1);
    expect(new Set(notes())).toEqual(
      new Set([expect.stringMatching(/^blocked: /), 'rate-limited: too many events, wait a moment']),
    );
    expect(await contents(flooded)).toEqual(before);
    for (const flooder of flooders) await flooder[Symbol.asyncDispose]();
  });
});

describe('an event with a false signature', () => {
  serveGroup();

  const stranger = new Person();
  const cases: [string, (event: NostrEvent) => object, RegExp][] = [
    ['has another content', (event) => ({ ...event, content: 'Bye' }), /is wrong/],
    ['has another tag', (event) => ({ ...event, tags: [...event.tags, ['t', 'x']] }), /is wrong/],
    ['has another date', (event) => ({ ...event, created_at: event.created_at - 1 }), /is wrong/],
    ['has another kind', (event) => ({ ...event, kind: 1621 }), /is wrong/],
    ['has another author', (event) => ({ ...event, pubkey: stranger.publicKey }), /is wrong/],
    ['has another id', (event) => ({ ...event, id: '0'.repeat(64) }), /is wrong/],
    ['has the signature of another event', (event) => ({ ...event, sig: comment().sig }), /is wrong/],
    ['has a signature of nothing', (event) => ({ ...event, sig: '0'.repeat(128) }), /is wrong/],
    ['has an author that is on no curve', (event) => ({ ...event, pubkey: 'f'.repeat(64) }), /invalid: /],
    ['has a short signature', (event) => ({ ...event, sig: event.sig.slice(2) }), /the sig is not 128/],
    ['has its id in upper case', (event) => ({ ...event, id: event.id.toUpperCase() }), /the id is not 64/],
    ['has a kind beyond all kinds', (event) => ({ ...event, kind: 65_536 }), /the kind is not/],
    ['has a negative date', (event) => ({ ...event, created_at: -1 }), /created_at is not/],
    ['has a date between seconds', (event) => ({ ...event, created_at: 1.5 }), /created_at is not/],
    ['has a date no number can hold', (event) => ({ ...event, created_at: 2 ** 53 }), /created_at is not/],
    ['has no tags', ({ tags: _none, ...event }) => event, /the tags are not an array/],
    ['has a tag of numbers', (event) => ({ ...event, tags: [[1, 2]] }), /a tag is not an array/],
    ['has an empty tag', (event) => ({ ...event, tags: [[]] }), /a tag is not an array/],
    ['has half a character', (event) => ({ ...event, content: '\ud800' }), /not valid UTF-8/],
  ];

  it.each(cases)('is refused if it %s', async (_what, change, reason) => {
    const changed = change(comment([], 'Hi')) as NostrEvent;
    await expectRefused(changed, new RegExp(`^invalid: .*${reason.source.replace('invalid: ', '')}`));
  });

  it('is refused as an announcement and as a state too, before anything else', async () => {
    const forged = { ...announcement(server.url, stranger, 'forged'), pubkey: owner.publicKey };
    await expectRefused(forged, /^invalid: .*is wrong/);
    const signedState = { ...state(stranger, 'target', { 'refs/heads/main': OID }), pubkey: owner.publicKey };
    await expectRefused(signedState, /^invalid: .*is wrong/);
    const deletion = stranger.sign(5, [['a', `30617:${owner.publicKey}:target`]]);
    await expectRefused({ ...deletion, pubkey: owner.publicKey }, /^invalid: .*is wrong/);
    await expectRefused(deletion, /^invalid: .*no address of its author/);
  });
});

describe('an input that is too large', () => {
  serveGroup();

  it.each([
    [
      'a content',
      () => comment([], 'x'.repeat(256 * 1024 + 1)),
      /^invalid: the content is longer than 262144/,
    ],
    [
      '10,000 tags',
      () => comment(Array.from({ length: 10_000 }, (_, at) => ['t', `${at}`])),
      /^invalid: there are more than 5000 tags/,
    ],
    [
      'a tag',
      () => comment([['t', ...Array.from({ length: 1_000 }, () => 'x')]]),
      /^invalid: a tag has more than 1000 elements/,
    ],
    [
      'an announcement of 10,000 tags',
      () =>
        announcement(server.url, owner, 'many', { tags: Array.from({ length: 10_000 }, () => ['t', 'x']) }),
      /^invalid: there are more than 5000 tags/,
    ],
    [
      'a message',
      () =>
        comment(
          Array.from({ length: 600 }, () => ['t', 'x'.repeat(500)]),
          'x'.repeat(250_000),
        ),
      /^invalid: a message may have 524288 bytes/,
    ],
  ])('is refused (%s), and the connection continues', async (_what, event, reason) => {
    await expectRefused(event(), reason);
  });

  it('ends its connection only, if it is a message far above the limit', async () => {
    await storingNothing(async () => {
      await using client = await NostrClient.connect(server.url);
      client.sendText(`["EVENT",{"content":"${'x'.repeat(5 * 1024 * 1024)}"}]`);
      await eventually(
        async () => client.closed,
        (closed) => closed,
      );
      expect(client.closed).toBe(true);
      await expectServes(server.url);
    });
  });

  it.each([
    ['nested ever deeper', () => '['.repeat(400_000) + ']'.repeat(100_000)],
    ['nested and closed', () => `${'['.repeat(200_000)}${']'.repeat(200_000)}`],
    ['no JSON', () => 'EVENT please'],
    ['an object', () => '{"EVENT":{}}'],
    ['of an unknown type', () => '["DROP","TABLE"]'],
    ['an event that is none', () => '["EVENT",null]'],
    ['an event of arrays', () => `["EVENT",${'['.repeat(100_000)}${']'.repeat(100_000)}]`],
  ])('is answered with a notice: a message that is %s', async (_what, text) => {
    await using client = await NostrClient.connect(server.url);
    await storingNothing(async () => {
      client.sendText(text());
      const [, notice] = await client.wait(([type]) => type === 'NOTICE', 0);
      expect(notice).toMatch(/^(invalid|unsupported): /);
    });
    expect(await client.query({ ids: ['0'.repeat(64)] })).toEqual([]);
  });

  it.each([
    ['values', [{ ids: Array.from({ length: 5_000 }, (_, at) => at.toString(16).padStart(64, '0')) }]],
    ['filters', Array.from({ length: 21 }, () => ({ kinds: [1] }))],
    ['tags', [Object.fromEntries(['e', 'p', 'a'].map((name) => [`#${name}`, Array(5_000).fill('x')]))]],
  ])('is closed with the reason: a query with too many %s', async (_what, filters) => {
    await using client = await NostrClient.connect(server.url);
    await expect(client.query(...filters)).rejects.toThrow('invalid: ');
    await expectServes(server.url);
  });

  it.each([
    [500, /^blocked: there is nothing of yours here/],
    [4_000, /^invalid: a deletion may name 500 events and addresses/],
  ])('takes bounded time and leaves nothing: a deletion of %d foreign events', async (count, reason) => {
    const targets = Array.from({ length: count }, (_, at) => ['e', at.toString(16).padStart(64, '0')]);
    const began = Date.now();
    await expectRefused(new Person().sign(5, targets), reason);
    expect(Date.now() - began).toBeLessThan(STILL_SERVED_MS);
  });

  it('is refused: a deletion of more repositories than one request may withdraw', async () => {
    const targets = Array.from({ length: 17 }, (_, at) => ['a', `30617:${owner.publicKey}:place-${at}`]);
    await expectRefused(owner.sign(5, targets), /^invalid: .*more than 16 repositories/);
  });
});

describe('maintainers', () => {
  serveGroup();

  /** Whether a key may say what the refs shall be: told by what is said of a state of his. */
  async function mayWrite(person: Person, identifier: string): Promise<boolean> {
    const answer = await publish(server.url, state(person, identifier, { 'refs/heads/main': OID }));
    // So many states are held that one of the same second or before may have no place.
    if (/^blocked: (?:another author signed a state in the same second|a newer state)/.test(answer.note))
      return true;
    if (!answer.accepted) expect(answer.note).toMatch(/^restricted: .*your key may write/);
    return answer.accepted;
  }

  it('are refused together if an announcement names 100', async () => {
    const maintainers = Array.from({ length: 100 }, () => new Person());
    await expectRefused(
      announcement(server.url, owner, 'crowd', { maintainers }),
      /^invalid: more than \d+ maintainers/,
    );
  });

  it('count up to the number that one announcement may name', async () => {
    const maintainers = Array.from({ length: 64 }, () => new Person());
    await expectRefused(
      announcement(server.url, owner, 'full', { maintainers }),
      /^invalid: more than 63 maintainers/,
    );
    const most = announcement(server.url, owner, 'full', { maintainers: maintainers.slice(0, 63) });
    expect(await publish(server.url, most)).toEqual({ accepted: true, note: '' });
    expect(await mayWrite(maintainers[62] as Person, 'full')).toBe(true);
    await storingNothing(async () => {
      expect(await mayWrite(maintainers[63] as Person, 'full')).toBe(false);
    });
  });

  it('in a chain of twelve end at the eighth, in any order of arrival', async () => {
    const people = Array.from({ length: 13 }, () => new Person());
    const [first, ...chain] = people as [Person, ...Person[]];
    const of = (person: Person, at: number) => {
      const next = people[at + 1];
      // Each names the first as well: else he would not want his word to count there.
      const maintainers = next ? [next, first] : [first];
      return announcement('https://git.example', person, 'deep', { maintainers });
    };
    const root = announcement(server.url, first, 'deep', { maintainers: chain.slice(0, 1) });
    expect((await publish(server.url, root)).accepted).toBe(true);
    for (const [at, person] of chain.entries()) {
      const answer = await publish(server.url, of(person, at + 1));
      expect(answer.accepted).toBe(at < 8);
      if (at >= 8) expect(answer.note).toMatch(/^blocked: it does not name this service/);
    }
    const writers = await Promise.all(people.map((person) => mayWrite(person, 'deep')));
    expect(writers).toEqual(people.map((_, at) => at <= 8));
  });

  it('in a circle count, and nobody else does', async () => {
    const [a, b, c, stranger] = [new Person(), new Person(), new Person(), new Person()];
    for (const [person, named] of [
      [a, [b]],
      [b, [c, b]],
      [c, [a]],
    ] as const) {
      const event = announcement(server.url, person, 'circle', { maintainers: named });
      expect((await publish(server.url, event)).accepted).toBe(true);
    }
    const writers = await Promise.all([a, b, c, stranger].map((person) => mayWrite(person, 'circle')));
    expect(writers).toEqual([true, true, true, false]);
    await expectServes(server.url);
  });

  it('that all name one another, and many others, take bounded time, and are at most 64', async () => {
    const people = Array.from({ length: 30 }, () => new Person());
    const crowds = people.map(() => Array.from({ length: 33 }, () => new Person()));
    const began = Date.now();
    await using client = await NostrClient.connect(server.url);
    for (const [at, person] of people.entries()) {
      const place = at === 0 ? server.url : 'https://git.example';
      const maintainers = [...people, ...(crowds[at] ?? [])];
      const answer = await client.publish(announcement(place, person, 'web', { maintainers }));
      expect(answer.accepted).toBe(true);
    }
    expect((Date.now() - began) / people.length).toBeLessThan(STILL_SERVED_MS / 4);
    const [nearest = [], next = []] = crowds;
    for (const person of [...people, ...nearest]) expect(await mayWrite(person, 'web')).toBe(true);
    const writers = await Promise.all(next.map((person) => mayWrite(person, 'web')));
    expect(writers.filter(Boolean)).toHaveLength(64 - people.length - nearest.length);
  });
});

describe('a trick name', () => {
  serveGroup();
  let folder: TempDir;
  beforeAll(async () => {
    folder = await tempDir('cairn-users');
  });
  afterAll(() => folder[Symbol.asyncDispose]());

  it.each([
    ['.', /"\." or "\.\."/],
    ['..', /"\." or "\.\."/],
    ['a/b', /slash/],
    ['../../v1/service', /slash/],
    ['..\\up', /slash or backslash/],
    ['a\u0000b', /control character/],
    ['a\nb', /control character/],
    ['a\u009bb', /control character/],
    ['project.git', /cannot end in "\.git"/],
    ['.git', /cannot end in "\.git"/],
    ['', /no identifier/],
    ['x'.repeat(300), /longer than 256 bytes/],
    ['\u{1f600}'.repeat(65), /longer than 256 bytes/],
    ['half\ud83d', /not valid UTF-8/],
  ])('(%j) is refused in announcements and states', async (identifier, reason) => {
    const places = [
      ['clone', `${server.url}/git/${owner.npub}/x.git`],
      ['relays', server.url.replace('http', 'ws')],
    ];
    const named = owner.sign(30_617, [['d', identifier], ...places]);
    await expectRefused(named, new RegExp(`^invalid: .*${reason.source}`));
    const stated = owner.sign(30_618, [
      ['d', identifier],
      ['refs/heads/main', OID],
    ]);
    await expectRefused(stated, new RegExp(`^invalid: .*${reason.source}`));
  });

  const paths = [
    '..%2fservice',
    '..%2f..%2fv1%2fservice',
    '%2e%2e%2fservice',
    '%2e%2e',
    '%2e',
    '..',
    '.',
    'a%2fb',
    'a%5cb',
    'target%00',
    '%00',
    'target%0a',
    '%c0%ae%c0%ae',
    '%c0%ae%c0%ae%c0%afservice',
    '%e0%80%ae',
    '%ff',
    '%',
    '%zz',
    'x'.repeat(300),
    'target.git.git',
    '.git',
    '..git',
    'a/b',
    '../target',
    '..%252fservice',
    'target%2egit%2egit',
  ];

  it.each(paths)('(%j) in a URL of git or of a page is not found', async (name) => {
    const spaces = [`/${owner.npub}/`, `/git/${owner.npub}/`, `/git/${owner.publicKey}/`];
    await storingNothing(async () => {
      for (const space of spaces) {
        for (const end of ['', '.git']) {
          const url = `${space}${name}${end}`;
          for (const page of [url, `${url}/`]) {
            // A page is looked for where a browser would: what goes up from an owner is the front page.
            const isFront = new URL(page, server.url).pathname === '/';
            expect((await ask(page)).status).toBeOneOf(isFront ? [200] : [400, 404]);
          }
          for (const service of ['git-upload-pack', 'git-receive-pack']) {
            const refs = await ask(`${url}/info/refs?service=${service}`);
            expect(refs.status).toBeOneOf(REFUSED);
            expect(refs.text).not.toBe('');
          }
          for (const service of ['git-upload-pack', 'git-receive-pack']) {
            const posted = await ask(`${url}/${service}`, 'POST', `application/x-${service}-request`);
            expect(posted.status).toBeOneOf(REFUSED);
          }
        }
      }
    });
    await expectServes(server.url);
  });

  const strange = [
    'a:b:c',
    'with some spaces',
    ' ',
    '🪨 Steinmännchen ⛰️',
    '..%2fservice',
    '%00',
    '%2e%2e',
    '...',
    '-rf',
    '--upload-pack=touch x',
    `"quoted" 'and' $(dangerous) \`ticks\` ; & | <b>`,
    'a?b=c#d',
    'git',
    '.GIT',
    'e\u0301 is not \u00e9',
    'info',
    'x'.repeat(256),
  ];

  it.each(strange)(
    '(%j) that is valid is announced, pushed by token and by state, and read back',
    async (name) => {
      const person = new Person();
      for (const grasp of [false, true]) {
        const identifier = grasp ? `${name.slice(0, 254)} ~` : name;
        const url = (grasp ? graspUrl : gitUrl)(server.url, person, identifier);
        const announced = announcement(server.url, person, identifier, { grasp });
        expect((await publish(server.url, announced)).accepted).toBe(true);
        const user = await new GitClient(folder.path).init(`${person.npub}-${grasp}`);
        const tip = await user.commit('Begin', { README: 'first\n' });
        if (grasp) await publish(server.url, state(person, identifier, { 'refs/heads/main': tip }));
        await (grasp ? user : signedIn(user, person, url)).run(['push', '--quiet', url, 'main']);
        expect(await user.run(['ls-remote', url, 'refs/heads/main'])).toBe(`${tip}\trefs/heads/main`);
        expect((await ask(new URL(url).pathname)).status).toBe(200);
        const address = `30617:${person.publicKey}:${identifier}`;
        const issue = new Person().sign(1621, [['a', address]], 'It works');
        expect(await publish(server.url, issue)).toEqual({ accepted: true, note: '' });
        const about = await eventually(
          () => query(server.url, { '#a': [address] }),
          (events) => events.some(({ kind }) => kind === 30_618),
        );
        expect(about.map(({ kind }) => kind)).toEqual(expect.arrayContaining([1621, 30_618]));
      }
    },
  );
});

describe('an impossible date', () => {
  serveGroup();

  const minutes = (ahead: number) => now() + ahead * 60;

  it.each([
    ['an announcement', (at: number) => announcement(server.url, owner, 'future', { at })],
    [
      'a newer announcement of what is here',
      (at: number) => announcement(server.url, owner, 'target', { at }),
    ],
    ['a state', (at: number) => state(owner, 'target', { 'refs/heads/main': OID }, { at })],
    ['a deletion', (at: number) => owner.sign(5, [['a', `30617:${owner.publicKey}:target`]], '', at)],
    ['a comment', (at: number) => comment([], 'Later', at)],
  ])('(%s) in the future is refused, and that of a slightly fast clock is not', async (what, event) => {
    for (const at of [minutes(16), minutes(60 * 24 * 365), Number.MAX_SAFE_INTEGER]) {
      await expectRefused(event(at), /^invalid: it is dated more than 900 s ahead: check your clock/);
    }
    if (what === 'a deletion') return;
    expect((await publish(server.url, event(minutes(5)))).accepted).toBe(true);
  });

  it('is refused if the event has expired, or would end a repository', async () => {
    await expectRefused(comment([['expiration', `${now() - 1}`]]), /^invalid: it has expired/);
    const ending = announcement(server.url, owner, 'ending', { tags: [['expiration', `${minutes(60)}`]] });
    await expectRefused(ending, /^invalid: an announcement must not expire/);
  });
});

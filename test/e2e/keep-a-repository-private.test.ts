/** What belongs to a private repository is for its owner, maintainers and readers; for others there is no such thing. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NostrEvent } from '../../src/nostr/event.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import type { App } from '../../src/server/app.ts';
import { GitClient } from '../helpers/git-client.ts';
import { announcement, eventually, gitUrl, publish, signedIn, state } from '../helpers/identity.ts';
import { NostrClient, Person } from '../helpers/nostr-client.ts';
import { startServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const now = () => Math.floor(Date.now() / 1000);

let server: App;
/** A second server over the same store. */
let other: App;
let folder: TempDir;
let places = 0;

beforeAll(async () => {
  const store = new MemoryObjectStore();
  folder = await tempDir('cairn-private');
  server = await startServer({ store, flags: { access: 'signed' } });
  other = await startServer({ store, flags: { access: 'signed', 'public-url': server.url } });
});
afterAll(async () => {
  await other.close();
  await server.close();
  await folder[Symbol.asyncDispose]();
});

/** A connection to a server on which these keys have been shown. */
async function connected(people: readonly Person[], to: App = server): Promise<NostrClient> {
  const client = await NostrClient.connect(to.url);
  for (const person of people) {
    expect(await client.authenticate(person, server.url.replace('http', 'ws'))).toMatchObject({
      accepted: true,
    });
  }
  return client;
}

/** Sends an event as somebody who has shown who he is. */
async function publishAs(person: Person, event: NostrEvent) {
  await using client = await connected([person]);
  return await client.publish(event);
}

interface Place {
  readonly owner: Person;
  readonly maintainer: Person;
  readonly reader: Person;
  readonly identifier: string;
  readonly address: string;
  readonly url: string;
  readonly user: GitClient;
  readonly tip: string;
}

/** An announced repository with one commit on main. @param secret whether it is announced as private */
async function announced(secret: boolean): Promise<Place> {
  const [owner, maintainer, reader] = [new Person(), new Person(), new Person()];
  const identifier = `secret-${++places}`;
  const place = { owner, maintainer, reader, identifier };
  const answer = await publishAs(owner, announcementOf(place, secret, now() - 100));
  expect(answer).toEqual({ accepted: true, note: '' });
  const user = await new GitClient(folder.path).init(identifier);
  const tip = await user.commit('Begin', { README: 'first\n' });
  const url = gitUrl(server.url, owner, identifier);
  await signedIn(user, owner, url).run(['push', '--quiet', url, 'main']);
  const address = `30617:${owner.publicKey}:${identifier}`;
  // From here on nothing about it is new to either server.
  for (const to of [server, other]) {
    await using client = await connected([owner], to);
    const receipts = () => client.count({ kinds: [30_618], '#a': [address] });
    expect(await eventually(receipts, (count) => count === 1)).toBe(1);
  }
  return { ...place, address, url, user, tip };
}

function announcementOf(
  { owner, maintainer, reader, identifier }: Pick<Place, 'owner' | 'maintainer' | 'reader' | 'identifier'>,
  secret: boolean,
  at: number,
): NostrEvent {
  const tags = secret
    ? [
        ['private', 'true'],
        ['reader', reader.publicKey],
      ]
    : [];
  return announcement(server.url, owner, identifier, { maintainers: [maintainer], tags, at });
}

function issueBy(author: Person, { owner, address }: Pick<Place, 'owner' | 'address'>, text = 'Broken') {
  return author.sign(
    1621,
    [
      ['a', address],
      ['p', owner.publicKey],
    ],
    text,
  );
}

/** Comments on an issue by its id alone: what they belong to shows only through it. */
function commentBy(author: Person, issue: NostrEvent, letter: 'e' | 'E' = 'E') {
  return author.sign(1111, [[letter, issue.id]], 'Indeed');
}

/** Everything there can be about a repository, sent by those who may: returned as its owner finds it. */
async function discussed(place: Place): Promise<NostrEvent[]> {
  const { owner, maintainer, reader, identifier, tip } = place;
  const issue = issueBy(reader, place);
  const comment = commentBy(maintainer, issue);
  const reply = commentBy(reader, comment, 'e');
  const signedState = state(maintainer, identifier, { 'refs/heads/main': tip, 'refs/heads/stable': tip });
  const theirs = maintainer.sign(30_617, [['d', identifier]]);
  const sent: [Person, NostrEvent][] = [
    [reader, issue],
    [maintainer, comment],
    [reader, reply],
    [maintainer, signedState],
    [maintainer, theirs],
    [owner, owner.sign(0, [], '{"name":"Owner"}')],
  ];
  for (const [person, event] of sent) {
    expect(await publishAs(person, event), `kind ${event.kind}`).toEqual({ accepted: true, note: '' });
  }
  await using client = await connected([owner]);
  const receipts = await eventually(
    () => client.query({ kinds: [30_618], '#a': [place.address] }),
    ([receipt]) => receipt?.tags.some(([name]) => name === 'refs/heads/stable') === true,
  );
  const attestations = await client.query({ kinds: [30_078], '#a': [place.address] });
  const announcements = await client.query({ kinds: [30_617], authors: [owner.publicKey] });
  const found = [...announcements, ...receipts, ...attestations, ...sent.map(([, event]) => event)];
  expect(found).toHaveLength(3 + sent.length);
  return found;
}

/** Ways to ask that each find some of these events, and together all of them. */
function questions(place: Place, events: readonly NostrEvent[]): object[] {
  const { owner, maintainer, reader, identifier, address } = place;
  const ids = events.map(({ id }) => id);
  const receiptKeys = events.filter(({ kind }) => kind === 30_078).map(({ tags }) => tags.find(isP)?.[1]);
  return [
    { ids },
    ...[owner, maintainer, reader].map(({ publicKey }) => ({ authors: [publicKey] })),
    { authors: receiptKeys },
    { '#a': [address] },
    { '#d': [identifier] },
    { '#d': [`cairn/receipts/${owner.publicKey}:${identifier}`] },
    { '#p': [owner.publicKey] },
    { '#p': receiptKeys },
    { '#e': ids },
    { '#E': ids },
    { kinds: [30_617], '#d': [identifier] },
  ];
}

function isP([name]: readonly string[]): boolean {
  return name === 'p';
}

async function expectNothing(client: NostrClient, asked: readonly object[]): Promise<void> {
  for (const filter of asked) {
    const what = JSON.stringify(filter);
    expect(await client.query(filter), what).toEqual([]);
    expect(await client.count(filter), what).toBe(0);
  }
  expect(await client.count(...asked)).toBe(0);
}

/** Whatever is asked, it has not come to this client. */
async function expectNoTrace(
  client: NostrClient,
  place: Place,
  events: readonly NostrEvent[],
): Promise<void> {
  await expectNothing(client, questions(place, events));
  const all = [...(await client.query({})), ...(await client.query({ kinds: [5, 30_617, 30_618, 30_078] }))];
  const seen = JSON.stringify([all, client.received]);
  for (const name of [place.owner, place.maintainer, place.reader].map(({ publicKey }) => publicKey)) {
    expect(JSON.stringify(all)).not.toContain(name);
  }
  for (const { id, sig } of events) {
    expect(JSON.stringify(all)).not.toContain(id);
    expect(seen).not.toContain(sig);
  }
}

/** The ids of what came for a subscription after a position. */
function delivered(client: NostrClient, subscription: string): string[] {
  return client.received
    .filter(([type, id]) => type === 'EVENT' && id === subscription)
    .map(([, , event]) => (event as NostrEvent).id);
}

/** Subscribes to all that is new. */
async function listen(client: NostrClient, filters: readonly object[]): Promise<void> {
  client.send(['REQ', 'live', ...filters.map((filter) => ({ ...filter, limit: 0 }))]);
  await client.wait(([type, id]) => type === 'EOSE' && id === 'live', 0);
}

describe('events of a private repository', () => {
  it.each(['the server it was sent to', 'another server'])(
    'are visible to members who have shown their key, on %s',
    async (which) => {
      const place = await announced(true);
      const events = await discussed(place);
      const to = which === 'another server' ? other : server;
      const asked = questions(place, events);
      const all = events.map(({ id }) => id).sort();
      for (const member of [place.owner, place.maintainer, place.reader]) {
        await using client = await connected([member], to);
        const found = await eventually(
          () => client.query({ ids: all }),
          (answer) => answer.length === all.length,
        );
        expect(found.map(({ id }) => id).sort()).toEqual(all);
        expect(await client.count({ ids: all })).toBe(all.length);
        for (const filter of asked) {
          const matching = await client.query(filter);
          expect(matching.length, JSON.stringify(filter)).toBeGreaterThan(0);
          expect(await client.count(filter)).toBe(matching.length);
        }
      }
      await using anonymous = await connected([], to);
      await expectNoTrace(anonymous, place, events);
      await using stranger = await connected([new Person()], to);
      await expectNoTrace(stranger, place, events);
    },
  );

  it('are visible on a connection after one key is shown, and not for a proof made for another relay', async () => {
    const place = await announced(true);
    const events = await discussed(place);
    await using client = await connected([new Person()]);
    const elsewhere = await client.authenticate(place.reader, 'ws://relay.example.org');
    expect(elsewhere.accepted).toBe(false);
    await expectNothing(client, questions(place, events));
    expect((await client.authenticate(place.reader, server.url.replace('http', 'ws'))).accepted).toBe(true);
    const ids = events.map(({ id }) => id);
    expect(await client.count({ ids })).toBe(ids.length);
  });

  it('reach live subscriptions of members only, from either server', async () => {
    const place = await announced(true);
    const { owner, maintainer, reader, address, url, user } = place;
    const open = await announced(false);
    const asked = [
      {},
      { kinds: [1111, 1621, 30_618] },
      { authors: [owner, maintainer, reader].map(({ publicKey }) => publicKey) },
      { '#a': [address, open.address] },
      { '#p': [owner.publicKey, open.owner.publicKey] },
    ];
    const clients = new Map<string, NostrClient>();
    for (const [name, to] of [
      ['here', server],
      ['there', other],
    ] as const) {
      clients.set(`anonymous ${name}`, await connected([], to));
      clients.set(`stranger ${name}`, await connected([new Person()], to));
      clients.set(`reader ${name}`, await connected([reader], to));
    }
    try {
      for (const client of clients.values()) await listen(client, asked);
      const issue = issueBy(maintainer, place);
      const comment = commentBy(owner, issue);
      expect((await publishAs(maintainer, issue)).accepted).toBe(true);
      expect((await publishAs(owner, comment)).accepted).toBe(true);
      await user.commit('Go on', { README: 'second\n' });
      await signedIn(user, owner, url).run(['push', '--quiet', url, 'main']);
      const sign = issueBy(open.owner, open, 'Everything before has been delivered');
      // A receipt follows its push, and the sign comes after what is in the log by then.
      await using asOwner = await connected([owner]);
      const tip = await user.oidOf('HEAD');
      const [receipt] = await eventually(
        () => asOwner.query({ kinds: [30_618], '#a': [address] }),
        ([found]) => found?.tags.some(([, oid]) => oid === tip) === true,
      );
      expect((await publish(server.url, sign)).accepted).toBe(true);
      for (const [name, client] of clients) {
        await client.wait(([, id, event]) => id === 'live' && (event as NostrEvent)?.id === sign.id, 0);
        const due = name.startsWith('reader') ? [issue.id, comment.id, receipt?.id, sign.id] : [sign.id];
        expect(new Set(delivered(client, 'live')), name).toEqual(new Set(due));
      }
    } finally {
      for (const client of clients.values()) await client[Symbol.asyncDispose]();
    }
  });

  it('leave no trace when a member deletes one', async () => {
    const place = await announced(true);
    const { owner, reader } = place;
    await using watching = await connected([]);
    await listen(watching, [{ kinds: [5] }]);
    const issue = issueBy(reader, place);
    await publishAs(reader, issue);
    const deletion = reader.sign(5, [['e', issue.id]], `not for ${place.address}`);
    expect(await publishAs(reader, deletion)).toEqual({ accepted: true, note: '' });
    for (const keys of [[], [new Person()]]) {
      await using client = await connected(keys);
      await expectNoTrace(client, place, [issue, deletion]);
    }
    expect(delivered(watching, 'live')).toEqual([]);
    await using client = await connected([owner]);
    expect(await client.count({ ids: [deletion.id] })).toBe(1);
  });

  it('stay hidden when the repository is withdrawn', async () => {
    const place = await announced(true);
    const events = await discussed(place);
    const withdrawal = place.owner.sign(5, [['a', place.address]]);
    expect(await publishAs(place.owner, withdrawal)).toEqual({ accepted: true, note: '' });
    const about = [...events, withdrawal].filter(({ tags }) =>
      tags.some(([name, value]) => name === 'a' && value === place.address),
    );
    expect(about.length).toBeGreaterThan(1);
    const ids = about.map(({ id }) => id);
    for (const keys of [[], [new Person()]]) {
      await using client = await connected(keys);
      await expectNothing(client, [{ ids }, { '#a': [place.address] }, { kinds: [5] }]);
    }
    await using client = await connected([place.reader]);
    expect(await client.count({ ids })).toBe(ids.length);
  });
});

describe('a repository that is made private', () => {
  it('disappears for others at once, and reappears when it is made public again', async () => {
    const place = await announced(false);
    const events = (await discussed(place)).filter(({ kind, pubkey }) => {
      // Its announcement is about to be replaced.
      return kind !== 30_617 || pubkey !== place.owner.publicKey;
    });
    const ids = events.map(({ id }) => id);
    await using before = await connected([]);
    expect(await before.count({ ids })).toBe(ids.length);
    await listen(before, [{ '#a': [place.address] }, { kinds: [30_617] }]);

    const secret = announcementOf(place, true, now() - 50);
    expect(await publish(server.url, secret)).toEqual({ accepted: true, note: '' });
    await expectNoTraceSince(before, place, [...events, secret]);
    const issue = issueBy(place.reader, place, 'Seen by few');
    expect((await publishAs(place.reader, issue)).accepted).toBe(true);
    await using elsewhere = await connected([], other);
    await eventually(
      () => elsewhere.count({ ids }),
      (count) => count === 0,
    );
    await expectNoTrace(elsewhere, place, [...events, secret, issue]);
    const unread = await place.user.try(['ls-remote', place.url]);
    expect(unread.exitCode).toBe(128);
    expect(await signedIn(place.user, place.reader, place.url).run(['ls-remote', place.url])).toContain(
      place.tip,
    );
    expect(delivered(before, 'live')).toEqual([]);

    const open = announcementOf(place, false, now());
    expect(await publishAs(place.owner, open)).toEqual({ accepted: true, note: '' });
    const all = [...ids, issue.id, open.id];
    expect(await before.count({ ids: all })).toBe(all.length);
    expect(delivered(before, 'live')).toEqual([open.id]);
    const back = await eventually(
      () => elsewhere.count({ ids: all }),
      (count) => count === all.length,
    );
    expect(back).toBe(all.length);
    expect(await place.user.run(['ls-remote', place.url])).toContain(place.tip);
  });
});

/** As {@link expectNoTrace}, for a client that saw it all before. */
async function expectNoTraceSince(client: NostrClient, place: Place, events: readonly NostrEvent[]) {
  client.received.length = 0;
  await expectNoTrace(client, place, events);
}

describe('an outsider’s event to a private repository', () => {
  type Sent = (author: Person, place: Place, issue: NostrEvent) => NostrEvent;
  let place: Place;
  let issue: NostrEvent;
  beforeAll(async () => {
    place = await announced(true);
    issue = issueBy(place.reader, place);
    expect((await publishAs(place.reader, issue)).accepted).toBe(true);
  });

  it.each<[string, Sent]>([
    ['an issue', (author, place) => issueBy(author, place)],
    ['a patch', (author, { address }) => author.sign(1617, [['a', address]], 'From 0\n')],
    ['a pull request', (author, { address, tip }) => author.sign(1618, [...about(address), ['c', tip]])],
    ['a comment on an issue', (author, _place, root) => commentBy(author, root)],
    ['an answer to an issue', (author, _place, root) => commentBy(author, root, 'e')],
    ['a status of an issue', (author, { address }, root) => closed(author, address, root)],
    ['a comment on it', (author, { address }) => author.sign(1111, [['A', address]], 'Hello')],
    ['a label', (author, { address }) => author.sign(1985, [...about(address), ['l', 'spam', 'x']])],
    ['a state', (author, { identifier, tip }) => state(author, identifier, { 'refs/heads/main': tip })],
    ['a deletion of it', (author, { address }) => author.sign(5, about(address))],
    ['a deletion of an issue', (author, _place, root) => author.sign(5, [['e', root.id]])],
    ["the owner's profile", (_author, { owner }) => owner.sign(0, [], '{"name":"Owner"}')],
    ["a maintainer's relays", (_author, { maintainer }) => maintainer.sign(10_002, [['r', 'wss://x.test']])],
  ])('(%s) is answered as for a missing one', async (_what, sign) => {
    const people = { owner: new Person(), maintainer: new Person(), reader: new Person() };
    const identifier = `${place.identifier}-not`;
    const absent = {
      ...place,
      ...people,
      identifier,
      address: `30617:${people.owner.publicKey}:${identifier}`,
    };
    const absentIssue = issueBy(people.reader, absent);
    const stranger = new Person();
    for (const keys of [[], [stranger]]) {
      await using client = await connected(keys);
      const answer = await client.publish(sign(stranger, place, issue));
      expect(answer).toEqual(await client.publish(sign(stranger, absent, absentIssue)));
      expect(answer.accepted).toBe(false);
    }
    await using asOwner = await connected([place.owner]);
    expect(await asOwner.query({ authors: [stranger.publicKey] })).toEqual([]);
  });

  const about = (address: string) => [['a', address]];
  const closed = (author: Person, address: string, root: NostrEvent) =>
    author.sign(1632, [...about(address), ['e', root.id]]);
});

describe('pages and metrics', () => {
  it('do not name it, and answer as for a missing one', async () => {
    const place = await announced(true);
    await discussed(place);
    const html = { headers: { Accept: 'text/html' } };
    for (const to of [server, other]) {
      for (const path of ['/', '/metrics', '/healthz', '/readyz']) {
        const answer = await fetch(`${to.url}${path}`, html);
        expect(answer.status, path).toBe(200);
        const text = await answer.text();
        for (const name of [place.identifier, place.owner.publicKey, place.owner.npub]) {
          expect(text, path).not.toContain(name);
        }
      }
      const { owner, identifier } = place;
      for (const path of [
        `/${owner.npub}/${identifier}`,
        `/${owner.npub}/${identifier}.git`,
        `/git/${owner.npub}/${identifier}`,
        `/git/${owner.publicKey}/${identifier}.git`,
      ]) {
        const pages = await Promise.all(
          [path, path.replace(identifier, 'nothing')].map(async (one) => {
            const answer = await fetch(`${to.url}${one}`, html);
            const headers = [...answer.headers].filter(([name]) => !['date', 'x-request-id'].includes(name));
            return { status: answer.status, headers, body: await answer.text() };
          }),
        );
        expect(pages[0], path).toEqual(pages[1]);
        expect(pages[0]?.status).toBe(404);
      }
    }
    const home = await fetch(`${server.url}/`, html);
    const open = await announced(false);
    expect(await (await fetch(`${server.url}/`, html)).text()).toContain(open.identifier);
    expect(await home.text()).not.toContain(open.identifier);
  });
});

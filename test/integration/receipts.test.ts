/** Receipts as the log has them, held against the manifests they follow from. */
import { type Event, verifyEvent } from 'nostr-tools/pure';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { readAll } from '../../src/lib/streams.ts';
import type { NostrEvent } from '../../src/nostr/event.ts';
import { repositorySecret } from '../../src/nostr/repository-key.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { decodeEntry } from '../../src/relay/log/event-log.ts';
import type { GitManifest } from '../../src/repository/git/git-manifest.ts';
import { type RepositoryId, repositoryId } from '../../src/repository/repository-id.ts';
import type { App } from '../../src/server/app.ts';
import { SERVICE_SECRET } from '../helpers/build-once.ts';
import { FaultyStore } from '../helpers/faulty-store.ts';
import {
  type AnnouncementOptions,
  announcement,
  eventually,
  gitUrl,
  graspUrl,
  publish,
  state,
  tokenFor,
} from '../helpers/identity.ts';
import { readChain } from '../helpers/manifest-chain.ts';
import { Person } from '../helpers/nostr-client.ts';
import {
  commitObject,
  objectId,
  packOf,
  push,
  pushHead,
  type RawCommand,
  type RawObject,
  reportOf,
  treeObject,
} from '../helpers/raw-git.ts';
import { startServer } from '../helpers/server.ts';

/** Milliseconds of every request to the store, so that pushes meet. */
const STORE_LATENCY = 2;
/** Milliseconds of a write to the event log while many push, so that receipts fall behind several publishes. */
const LOG_LATENCY = 100;
const PUSHES = 20;

/** Seconds by which the clock of the servers is ahead; only ever grows. */
let ahead = 0;
const now = () => Math.floor(Date.now() / 1000) + ahead;

let store: FaultyStore;
let servers: readonly [App, App];
let places = 0;

beforeAll(async () => {
  store = new FaultyStore(new MemoryObjectStore(), { latency: STORE_LATENCY, sees: () => true });
  const clock = { ...systemClock, now: () => Date.now() + ahead * 1000 };
  const start = (flags: Record<string, string>) =>
    startServer({ store, flags: { access: 'signed', ...flags }, overrides: { clock } });
  const first = await start({});
  servers = [first, await start({ 'public-url': first.url })];
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.close()));
});

const blob = { type: 'blob', content: Buffer.from('first\n') } as const;
const tree = treeObject('README', objectId(blob));
const base = commitObject(objectId(tree));
const commitOn = (parent: RawObject, message: string) =>
  commitObject(objectId(tree), [objectId(parent)], message);

/** Everything in the event log, entry by entry, past any server. */
async function logged(): Promise<NostrEvent[]> {
  const events: NostrEvent[] = [];
  for await (const { key } of store.list('v1/events/writers/')) {
    const found = await store.get(key);
    if (!found.found) throw new Error(`${key} was folded while it was read`);
    events.push(...decodeEntry(key, await readAll(found.body, 2 ** 24)).events);
  }
  return events;
}

class Place {
  readonly owner = new Person();
  readonly maintainer = new Person();
  readonly identifier = `received-${++places}`;
  readonly key: Person;

  constructor() {
    const secret = repositorySecret(SERVICE_SECRET, this.owner.publicKey, this.identifier);
    this.key = new Person(Buffer.from(secret, 'hex'));
  }

  get id(): RepositoryId {
    return repositoryId(this.owner.publicKey, this.identifier);
  }

  async announce(options: AnnouncementOptions = {}): Promise<this> {
    const event = announcement(servers[0].url, this.owner, this.identifier, { at: now(), ...options });
    expect((await publish(servers[0].url, event)).accepted).toBe(true);
    return this;
  }

  /** Pushes with a token, or to the other URL without one. @returns what the report says of the only command */
  async push(
    by: Person | undefined,
    command: RawCommand,
    objects: readonly RawObject[] = [],
    to: App = servers[0],
  ): Promise<string> {
    const urlOf = by === undefined ? graspUrl : gitUrl;
    const token = by === undefined ? {} : { Authorization: this.tokenOf(by) };
    const pack = command.to === undefined ? [] : [packOf(objects)];
    const url = urlOf(to.url, this.owner, this.identifier);
    const head = pushHead([command], { capabilities: 'report-status side-band-64k delete-refs' });
    const answer = await push(url, [head, ...pack], token);
    return answer.status === 200 ? (reportOf(answer)[1] ?? '') : answer.text;
  }

  private tokenOf(person: Person): string {
    return tokenFor(person, gitUrl(servers[0].url, this.owner, this.identifier), { at: now() });
  }

  /** `main` at its first commit, by a push of the owner. */
  async begin(options: AnnouncementOptions = {}): Promise<this> {
    await this.announce(options);
    const command = { name: 'refs/heads/main', to: objectId(base) };
    expect(await this.push(this.owner, command, [blob, tree, base])).toBe('ok refs/heads/main');
    return this;
  }

  async chain(): Promise<GitManifest[]> {
    const links = await readChain({ control: store, bulk: store }, this.id);
    return links.map(({ manifest }) => manifest);
  }

  /** The receipts in the log, oldest first, once the one of the tip is among them. */
  async receipts(): Promise<NostrEvent[]> {
    const due = changing(await this.chain()).at(-1);
    const found = await eventually(
      async () =>
        (await logged()).filter(({ kind, pubkey }) => kind === 30_618 && pubkey === this.key.publicKey),
      (receipts) => receipts.some(({ created_at: at }) => at === due?.receiptAt),
    );
    return found.sort((a, b) => a.created_at - b.created_at);
  }

  async lastReceipt(): Promise<NostrEvent | undefined> {
    return (await this.receipts()).at(-1);
  }

  /** What the receipt of a publish has to say, from the manifest. */
  expected({ refs, head, causes, receiptAt }: GitManifest): object {
    const stated = [...refs]
      .filter(([name]) => /^refs\/(heads|tags)\//.test(name))
      .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const actors = causes.flatMap(({ actor, refs: changed }) => (changed.length > 0 ? (actor ?? []) : []));
    const signedStates = causes.flatMap(({ kind, evidence }) => (kind === 'order' ? (evidence ?? []) : []));
    return {
      kind: 30_618,
      pubkey: this.key.publicKey,
      created_at: receiptAt,
      content: '',
      tags: [
        ['d', this.identifier],
        ...stated,
        ['HEAD', `ref: ${head}`],
        ['a', `30617:${this.owner.publicKey}:${this.identifier}`],
        ...[...new Set(actors)].map((actor) => ['p', actor]),
        ...signedStates.map((signedState) => ['e', signedState]),
      ],
    };
  }
}

/** The manifests that changed branches, tags or HEAD. */
function changing(chain: readonly GitManifest[]): GitManifest[] {
  const stated = ({ refs, head }: GitManifest) =>
    JSON.stringify([head, [...refs].filter(([name]) => /^refs\/(heads|tags)\//.test(name)).sort()]);
  return chain.filter((manifest, at) => {
    const parent = chain[at - 1];
    return parent === undefined ? manifest.refs.size > 0 : stated(manifest) !== stated(parent);
  });
}

/** Without what follows from the rest. */
function said({ kind, pubkey, created_at, content, tags }: NostrEvent): object {
  return { kind, pubkey, created_at, content, tags };
}

describe.each([
  ['one server', 1],
  ['two servers', 2],
])('of %s', (_name, count) => {
  it(`${PUSHES} concurrent pushes have one receipt per publish, and nothing else has any`, async () => {
    const place = new Place();
    const { owner, maintainer, identifier } = place;
    const tags = [['protect', 'refs/heads/kept', 'push:owner']];
    await place.begin({ maintainers: [maintainer], tags });
    store.rules.push(({ operation, key }) =>
      operation === 'put' && key.startsWith('v1/events/writers/')
        ? { does: 'delay', milliseconds: LOG_LATENCY }
        : undefined,
    );
    const serverOf = (number: number) => servers[number % count] ?? servers[0];
    const sent = Array.from({ length: PUSHES }, (_, number) => {
      const name = `refs/${number % 5 === 4 ? 'tags' : 'heads'}/ünit-${number}`;
      const commit = commitOn(base, `${identifier} ${number}`);
      const by = number % 2 === 0 ? owner : maintainer;
      return place.push(by, { name, to: objectId(commit) }, [commit], serverOf(number));
    });
    const lost = commitOn(base, 'refused');
    const to = objectId(lost);
    const refused = [
      place.push(new Person(), { name: 'refs/heads/strange', to }, [lost], serverOf(0)),
      place.push(maintainer, { name: 'refs/heads/kept', to }, [lost], serverOf(1)),
      place.push(owner, { name: 'refs/heads/main', from: to, to }, [lost], serverOf(0)),
      place.push(undefined, { name: 'refs/heads/unsigned', to }, [lost], serverOf(1)),
    ];
    // Asks for what is so already, and for what no receipt speaks of.
    const unchanging = [
      place.push(owner, { name: 'refs/heads/main', to: objectId(base) }, [], serverOf(1)),
      place.push(undefined, { name: `refs/nostr/${'e'.repeat(64)}`, to }, [lost], serverOf(0)),
    ];
    for (const answer of await Promise.all(sent)) expect(answer).toMatch(/^ok /);
    for (const answer of await Promise.all(refused)) expect(answer).not.toMatch(/^ok /);
    const [, pullRequest] = await Promise.all(unchanging);
    expect(pullRequest).toMatch(/^ok /);
    // A change of rules and a deletion: the one changes no ref, the other does.
    await place.announce({ maintainers: [maintainer], at: now() + 1 });
    const gone = { name: 'refs/heads/ünit-0', from: objectId(commitOn(base, `${identifier} 0`)) };
    expect(await place.push(owner, gone)).toMatch(/^ok /);

    const chain = await place.chain();
    const due = changing(chain);
    const names = new Set(chain.flatMap(({ refs }) => [...refs.keys()]));
    for (const name of ['strange', 'kept', 'unsigned']) expect(names).not.toContain(`refs/heads/${name}`);
    expect(chain.length).toBeGreaterThan(due.length);
    expect(new Set(due.flatMap(({ causes }) => causes.map(({ evidence }) => evidence))).size).toBeGreaterThan(
      1,
    );
    const receipts = await place.receipts();
    store.reset();
    // What two servers have found missing at once is in the log of both, and the same event.
    const distinct = [...new Map(receipts.map((receipt) => [receipt.id, receipt])).values()];
    if (count === 1) expect(receipts).toEqual(distinct);
    expect(distinct.map(said)).toEqual(due.map((manifest) => place.expected(manifest)));
    for (const receipt of distinct) expect(verifyEvent(structuredClone(receipt) as Event)).toBe(true);
    const both = [owner.publicKey, maintainer.publicKey];
    const actors = distinct.flatMap(({ tags: all }) =>
      all.flatMap(([name, value]) => (name === 'p' ? [value] : [])),
    );
    expect(new Set(actors)).toEqual(new Set(both));
  });
});

describe('a receipt', () => {
  it('of a state that is carried out at once is dated a second before the state', async () => {
    const place = await new Place().begin();
    ahead += 30;
    const signedState = state(place.owner, place.identifier, refsOf({ stable: base }), { at: now() - 15 });
    expect(await publish(servers[0].url, signedState)).toEqual({ accepted: true, note: '' });
    const receipt = await place.lastReceipt();
    expect(receipt?.created_at).toBe(signedState.created_at - 1);
    expect(receipt?.tags).toContainEqual(['e', signedState.id]);
    expect(receipt?.tags).toContainEqual(['p', place.owner.publicKey]);
    expect((await place.chain()).at(-1)?.appliedState?.id).toBe(signedState.id);
  });

  it('of a push that a state allows is dated a second before the state', async () => {
    const place = await new Place().begin();
    ahead += 30;
    const next = commitOn(base, 'Go on');
    const signedState = state(place.owner, place.identifier, refsOf({ main: next }), { at: now() - 15 });
    expect((await publish(servers[0].url, signedState)).note).toMatch(/^purgatory: /);
    const command = { name: 'refs/heads/main', from: objectId(base), to: objectId(next) };
    expect(await place.push(undefined, command, [next])).toBe('ok refs/heads/main');
    const receipt = await place.lastReceipt();
    expect(receipt?.created_at).toBe(signedState.created_at - 1);
    expect(receipt?.tags).toContainEqual(['e', signedState.id]);
    expect(receipt?.tags).toContainEqual(['p', place.owner.publicKey]);
  });

  it('is dated after the previous receipt, even if the state is older', async () => {
    const place = await new Place().begin();
    const [first] = await place.receipts();
    const signedState = state(place.owner, place.identifier, refsOf({ stable: base }), { at: now() - 15 });
    expect((await publish(servers[0].url, signedState)).accepted).toBe(true);
    expect((await place.lastReceipt())?.created_at).toBe((first?.created_at ?? 0) + 1);
  });

  it('is dated now if the state is dated ahead, and never after now', async () => {
    const place = await new Place().begin();
    ahead += 30;
    const before = now();
    const signedState = state(place.owner, place.identifier, refsOf({ stable: base }), { at: before + 300 });
    expect(await publish(servers[0].url, signedState)).toEqual({ accepted: true, note: '' });
    const at = (await place.lastReceipt())?.created_at ?? 0;
    expect(at).toBeGreaterThanOrEqual(before);
    expect(at).toBeLessThanOrEqual(now());
  });

  it('of a push with a token is dated now, and names no state', async () => {
    const place = await new Place().begin();
    ahead += 30;
    const signedState = state(place.owner, place.identifier, refsOf({ stable: base }), { at: now() - 15 });
    expect((await publish(servers[0].url, signedState)).accepted).toBe(true);
    const before = now();
    const command = { name: 'refs/heads/more', to: objectId(base) };
    expect(await place.push(place.owner, command)).toBe('ok refs/heads/more');
    const receipt = await place.lastReceipt();
    expect(receipt?.created_at).toBeGreaterThanOrEqual(before);
    expect(receipt?.tags.filter(([name]) => name === 'e')).toEqual([]);
  });

  it('is dated after its state if the owner lists the repository key as a maintainer', async () => {
    const place = new Place();
    await place.begin({ maintainers: [place.key] });
    ahead += 30;
    const before = now();
    const signedState = state(place.owner, place.identifier, refsOf({ stable: base }), { at: before - 15 });
    expect(await publish(servers[0].url, signedState)).toEqual({ accepted: true, note: '' });
    expect((await place.lastReceipt())?.created_at).toBeGreaterThanOrEqual(before);

    ahead += 30;
    const next = commitOn(base, 'Go on');
    const later = state(place.owner, place.identifier, refsOf({ main: next, stable: base }), {
      at: now() - 15,
    });
    expect((await publish(servers[0].url, later)).note).toMatch(/^purgatory: /);
    const command = { name: 'refs/heads/main', from: objectId(base), to: objectId(next) };
    expect(await place.push(undefined, command, [next])).toBe('ok refs/heads/main');
    const receipt = await place.lastReceipt();
    expect(receipt?.created_at).toBeGreaterThan(later.created_at);
    expect(receipt?.tags).toContainEqual(['e', later.id]);
  });
});

/** What a signed state says, with `main` where it is unless it says something else of it. */
function refsOf(branches: Readonly<Record<string, RawObject>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries({ main: base, ...branches }).map(([name, tip]) => [`refs/heads/${name}`, objectId(tip)]),
  );
}

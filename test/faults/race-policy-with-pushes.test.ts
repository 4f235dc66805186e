/**
 * A change of who may push races the pushes of the one it concerns, through two servers over one store. A change of rules is
 * a publish like any other, so each push has met the rules of the very state it landed on.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import type { Policy } from '../../src/repository/manifest.ts';
import { type RepositoryId, repositoryId } from '../../src/repository/repository-id.ts';
import type { App } from '../../src/server/app.ts';
import { FaultyStore } from '../helpers/faulty-store.ts';
import { type AnnouncementOptions, announcement, gitUrl, publish, tokenFor } from '../helpers/identity.ts';
import { type Link, readChain } from '../helpers/manifest-chain.ts';
import { Person } from '../helpers/nostr-client.ts';
import {
  bandsOf,
  commitObject,
  objectId,
  packOf,
  push,
  pushHead,
  type RawCommand,
  reportOf,
  treeObject,
} from '../helpers/raw-git.ts';
import { startServer } from '../helpers/server.ts';

const now = () => Math.floor(Date.now() / 1000);
/** Milliseconds of every request to the store, so that much goes on in the time of each. */
const STORE_LATENCY = 2;
const PUSHERS = 6;
/** Pushes that are taken, or refused, before the change, and again after it, at least. */
const ENOUGH = 12;

let store: FaultyStore;
let servers: readonly [App, App];
let places = 0;

beforeAll(async () => {
  store = new FaultyStore(new MemoryObjectStore(), { latency: STORE_LATENCY });
  const first = await startServer({ store, flags: { access: 'signed' } });
  servers = [first, await startServer({ store, flags: { access: 'signed', 'public-url': first.url } })];
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.close()));
});

const blob = { type: 'blob', content: Buffer.from('first\n') } as const;
const tree = treeObject('README', objectId(blob));
const base = commitObject(objectId(tree));

/** What a push was told. */
interface Answer {
  readonly name: string;
  readonly ok: boolean;
  readonly reason: string;
  /** Milliseconds. */
  readonly began: number;
  readonly ended: number;
}

/** A repository with one commit, and somebody who may or may not push to it. */
class Place {
  readonly owner = new Person();
  readonly maintainer = new Person();
  readonly identifier = `raced-${++places}`;
  private pushes = 0;
  private announcements = 0;

  get id(): RepositoryId {
    return repositoryId(this.owner.publicKey, this.identifier);
  }

  /** Announces it to one of the servers; each time with a later date. */
  async announce(options: AnnouncementOptions, number: number): Promise<void> {
    const at = now() - 100 + this.announcements++;
    const event = announcement(servers[0].url, this.owner, this.identifier, { ...options, at });
    const server = servers[number % 2] ?? servers[0];
    expect(await publish(server.url, event)).toEqual({ accepted: true, note: '' });
  }

  async begin(options: AnnouncementOptions): Promise<this> {
    await this.announce(options, 0);
    const command = { name: 'refs/heads/main', to: objectId(base) };
    const { reason } = await this.push(this.owner, command, packOf([blob, tree, base]));
    expect(reason).toBe('');
    return this;
  }

  /** Makes a branch with a commit of its own. */
  pushBranch(person: Person, folder = 'shared'): Promise<Answer> {
    const number = ++this.pushes;
    const commit = commitObject(objectId(tree), [objectId(base)], `Push ${number} to ${this.identifier}`);
    const command = { name: `refs/heads/${folder}/${number}`, to: objectId(commit) };
    return this.push(person, command, packOf([commit]), number);
  }

  private async push(person: Person, command: RawCommand, pack: Buffer, number = 0): Promise<Answer> {
    const server = servers[number % 2] ?? servers[0];
    const token = tokenFor(person, gitUrl(servers[0].url, this.owner, this.identifier));
    const began = performance.now();
    const url = gitUrl(server.url, this.owner, this.identifier);
    const answer = await push(url, [pushHead([command]), pack], { Authorization: token });
    const ended = performance.now();
    const name = String(command.name);
    if (answer.status !== 200) return { name, ok: false, reason: answer.text, began, ended };
    expect(bandsOf(answer.body).fatal).toBe('');
    const [, line = ''] = reportOf(answer);
    const ok = line === `ok ${name}`;
    if (!ok) expect(line).toMatch(`ng ${name} `);
    return { name, ok, reason: ok ? '' : line.slice(`ng ${name} `.length), began, ended };
  }

  /** Several push at once, again and again, from before a change until well after it. */
  async race(change: () => Promise<void>): Promise<{ readonly answers: Answer[]; readonly changed: number }> {
    const answers: Answer[] = [];
    let changed = Number.POSITIVE_INFINITY;
    let after = 0;
    const pushing = Array.from({ length: PUSHERS }, async () => {
      while (after < ENOUGH) {
        const answer = await this.pushBranch(this.maintainer);
        answers.push(answer);
        if (answer.began > changed) after++;
      }
    });
    const changing = (async () => {
      while (answers.length < ENOUGH) await new Promise((resolve) => setTimeout(resolve, 1));
      await change();
      changed = performance.now();
    })();
    await Promise.all([...pushing, changing]);
    return { answers, changed };
  }

  /**
   * Walks the whole history: what the maintainer has pushed is exactly what he was told, and nothing of it was carried out
   * on a state whose policy forbids it.
   */
  async check(answers: readonly Answer[], mayPush: (policy: Policy) => boolean): Promise<void> {
    const chain = await readChain({ control: store, bulk: store }, this.id);
    const landed = chain.flatMap((link, at) => this.pushedIn(link, chain[at - 1], mayPush));
    expect(landed.filter(({ allowed }) => !allowed)).toEqual([]);
    const names = landed.flatMap(({ refs }) => refs).sort();
    const taken = answers.filter(({ ok }) => ok).map(({ name }) => name);
    expect(names).toEqual(taken.sort());
    const refs = [...(chain.at(-1)?.manifest.refs.keys() ?? [])].sort();
    expect(refs).toEqual(['refs/heads/main', ...taken]);
  }

  /** The pushes of the maintainer in one publish, each with what the rules were when its turn came. */
  private pushedIn({ manifest }: Link, parent: Link | undefined, mayPush: (policy: Policy) => boolean) {
    let policy = parent?.manifest.policy;
    return manifest.causes.flatMap(({ kind, actor, evidence, refs }) => {
      if (kind === 'announce') policy = manifest.policy;
      if (actor !== this.maintainer.publicKey) return [];
      expect(kind).toBe('push');
      expect(evidence).toMatch(/^[0-9a-f]{64}$/);
      return [{ refs, depth: manifest.depth, allowed: policy !== undefined && mayPush(policy) }];
    });
  }
}

const ROUNDS = [0, 1] as const;

describe('a maintainer who is removed during a push', () => {
  it.each(ROUNDS)('changes no state that does not list the key, round %i', async (round) => {
    const place = new Place();
    await place.begin({ maintainers: [place.maintainer] });
    const { answers, changed } = await place.race(() => place.announce({}, round));
    await place.check(answers, ({ writers }) => writers.includes(place.maintainer.publicKey));
    const refused = answers.filter(({ ok }) => !ok);
    expect(answers.length - refused.length).toBeGreaterThanOrEqual(ENOUGH);
    for (const { reason } of refused) expect(reason).toContain('neither the owner of this repository nor');
    // From the moment his owner has the answer nobody lets him in.
    expect(answers.filter(({ ok, began }) => ok && began > changed)).toEqual([]);
  });
});

describe('branches that are protected during a push of a maintainer', () => {
  it.each(ROUNDS)('are not changed on a state that protects them, round %i', async (round) => {
    const place = new Place();
    const maintainers = [place.maintainer];
    await place.begin({ maintainers });
    const tags = [['protect', 'refs/heads/shared/*', 'push:owner']];
    const { answers, changed } = await place.race(() => place.announce({ maintainers, tags }, round));
    await place.check(answers, ({ protection }) => protection.length === 0);
    const refused = answers.filter(({ ok }) => !ok);
    expect(answers.length - refused.length).toBeGreaterThanOrEqual(ENOUGH);
    for (const { reason } of refused) expect(reason).toContain('protected: only the owner may push here');
    expect(answers.filter(({ ok, began }) => ok && began > changed)).toEqual([]);
    expect(await place.pushBranch(place.maintainer, 'free')).toMatchObject({ ok: true });
    expect(await place.pushBranch(place.owner)).toMatchObject({ ok: true });
  });
});

describe('a maintainer who is added during attempts to push', () => {
  it.each(ROUNDS)('can push from the moment when the owner has the answer, round %i', async (round) => {
    const place = new Place();
    await place.begin({});
    const { answers, changed } = await place.race(() =>
      place.announce({ maintainers: [place.maintainer] }, round),
    );
    await place.check(answers, ({ writers }) => writers.includes(place.maintainer.publicKey));
    const refused = answers.filter(({ ok }) => !ok);
    expect(refused.length).toBeGreaterThanOrEqual(ENOUGH);
    for (const { reason } of refused) expect(reason).toContain('neither the owner of this repository nor');
    const late = answers.filter(({ began }) => began > changed);
    expect(late.length).toBeGreaterThanOrEqual(ENOUGH);
    expect(late.filter(({ ok }) => !ok)).toEqual([]);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { App } from '../../src/app.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
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
import { Person } from '../helpers/nostr-client.ts';
import { startServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const SERVED_WITHIN_MS = 300;
const now = () => Math.floor(Date.now() / 1000);

let server: App;
/** A second server over the same store. */
let other: App;
let folder: TempDir;
let places = 0;

beforeAll(async () => {
  const store = new MemoryObjectStore();
  folder = await tempDir('cairn-users');
  server = await startServer({ store, flags: { access: 'signed' } });
  other = await startServer({ store, flags: { access: 'signed', 'public-url': server.url } });
});
afterAll(async () => {
  await other.close();
  await server.close();
  await folder[Symbol.asyncDispose]();
});

/** Somebody with a repository of two commits on main that is announced here in the form of GRASP and waits for data. */
async function announced(options: { readonly maintainers?: readonly Person[] } = {}) {
  const owner = new Person();
  const identifier = `project-${++places}`;
  const event = announcement(server.url, owner, identifier, { grasp: true, ...options });
  const answer = await publish(server.url, event);
  const user = await new GitClient(folder.path).init(identifier);
  const first = await user.commit('Begin', { README: 'first\n' });
  const second = await user.commit('Go on', { README: 'second\n' });
  const url = graspUrl(server.url, owner, identifier);
  return { owner, identifier, event, answer, user, first, second, url };
}

/** The same, with main at its second commit by an order carried out. */
async function hosted(options: { readonly maintainers?: readonly Person[] } = {}) {
  const made = await announced(options);
  const order = state(
    made.owner,
    made.identifier,
    { 'refs/heads/main': made.second },
    { head: 'main', at: now() - 60 },
  );
  expect((await publish(server.url, order)).accepted).toBe(true);
  await made.user.run(['push', '--quiet', made.url, 'main']);
  return { ...made, order };
}

async function remoteRefs(user: GitClient, url: string): Promise<Record<string, string>> {
  const lines = await user.run(['ls-remote', url]);
  const pairs = lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t') as [string, string]);
  return Object.fromEntries(pairs.map(([oid, name]) => [name, oid]));
}

describe('a repository that is announced for GRASP', () => {
  it('waits unseen until a push brings exactly what a signed state says, then all is served', async () => {
    const { owner, identifier, event, answer, user, second, url } = await announced();
    expect(answer).toEqual({ accepted: true, note: expect.stringMatching(/^purgatory: /) });
    expect(await query(server.url, { ids: [event.id] })).toEqual([]);
    expect(await remoteRefs(user, url)).toEqual({});

    const order = state(owner, identifier, { 'refs/heads/main': second }, { head: 'main' });
    const held = await publish(server.url, order);
    expect(held).toEqual({ accepted: true, note: expect.stringMatching(/^purgatory: /) });
    expect(await query(server.url, { ids: [order.id] })).toEqual([]);

    await user.run(['push', '--quiet', url, 'main']);
    const pushedAt = Date.now();
    const served = await eventually(
      () => query(server.url, { ids: [event.id, order.id] }),
      (events) => events.length === 2,
    );
    expect(served.map(({ id }) => id).sort()).toEqual([event.id, order.id].sort());
    expect(Date.now() - pushedAt).toBeLessThan(SERVED_WITHIN_MS);
    expect(await remoteRefs(user, url)).toEqual({ HEAD: second, 'refs/heads/main': second });
  });

  it('takes HEAD from the state', async () => {
    const { owner, identifier, user, first, second, url } = await announced();
    await user.run(['branch', 'trunk', first]);
    const refs = { 'refs/heads/main': second, 'refs/heads/trunk': first };
    await publish(server.url, state(owner, identifier, refs, { head: 'trunk' }));
    await user.run(['push', '--quiet', url, 'main', 'trunk']);
    expect(await user.run(['ls-remote', '--symref', url, 'HEAD'])).toContain('ref: refs/heads/trunk\tHEAD');
  });

  it('refuses a push of another commit, of too few branches and of too many, with the reason', async () => {
    const { owner, identifier, user, first, second, url } = await announced();
    await user.run(['branch', 'next', first]);
    const nothingSigned = await user.try(['push', url, 'main']);
    expect(nothingSigned.exitCode).toBe(1);
    expect(nothingSigned.stderr).toContain('ERR no signed state is waiting');

    const refs = { 'refs/heads/main': second, 'refs/heads/next': first };
    await publish(server.url, state(owner, identifier, refs));
    const wrongCommit = await user.try(['push', url, 'main', `${second}:refs/heads/next`]);
    expect(wrongCommit.stderr).toMatch(/ERR .*refs\/heads\/next would be/);
    const missing = await user.try(['push', url, 'main']);
    expect(missing.stderr).toMatch(/ERR .*refs\/heads\/next is missing/);
    const extra = await user.try(['push', url, 'main', 'next', `${first}:refs/heads/extra`]);
    expect(extra.stderr).toMatch(/ERR .*refs\/heads\/extra is not in it/);
    expect(await remoteRefs(user, url)).toEqual({});

    await user.run(['push', '--quiet', url, 'main', 'next']);
    expect(await remoteRefs(user, url)).toMatchObject(refs);
  });

  it('follows the states of maintainers, and of those whom maintainers name', async () => {
    const [maintainer, second, stranger] = [new Person(), new Person(), new Person()];
    const made = await announced({ maintainers: [maintainer] });
    const theirs = announcement(server.url, maintainer, made.identifier, { maintainers: [second] });
    expect((await publish(server.url, theirs)).accepted).toBe(true);

    const refs = { 'refs/heads/main': made.first };
    const refused = await publish(server.url, state(stranger, made.identifier, refs));
    expect(refused.accepted).toBe(false);
    await publish(server.url, state(maintainer, made.identifier, refs, { at: now() - 10 }));
    await made.user.run(['push', '--quiet', made.url, `${made.first}:refs/heads/main`]);
    const next = { 'refs/heads/main': made.second };
    expect((await publish(server.url, state(second, made.identifier, next))).accepted).toBe(true);
    await made.user.run(['push', '--quiet', made.url, 'main']);
    expect(await remoteRefs(made.user, made.url)).toMatchObject(next);
  });

  it('brings what one push brought to every repository in which the same state counts', async () => {
    const maintainer = new Person();
    const made = await announced({ maintainers: [maintainer] });
    const theirs = announcement(server.url, maintainer, made.identifier, { grasp: true });
    expect((await publish(server.url, theirs)).accepted).toBe(true);
    const refs = { 'refs/heads/main': made.second };
    expect((await publish(server.url, state(maintainer, made.identifier, refs))).note).toMatch(
      /^purgatory: /,
    );
    await made.user.run(['push', '--quiet', graspUrl(server.url, maintainer, made.identifier), 'main']);
    const copied = await eventually(
      () => remoteRefs(made.user, made.url),
      (found) => found['refs/heads/main'] === made.second,
    );
    expect(copied).toEqual({ HEAD: made.second, ...refs });
    const clone = await new GitClient(folder.path).clone(made.url, `${made.identifier}-copy`);
    expect(await clone.run(['fsck', '--full'])).toBe('');
  });

  it('holds only the newest state of an author', async () => {
    const { owner, identifier, user, first, second, url } = await announced();
    await publish(server.url, state(owner, identifier, { 'refs/heads/main': first }, { at: now() - 20 }));
    await publish(server.url, state(owner, identifier, { 'refs/heads/main': second }, { at: now() - 10 }));
    const old = await user.try(['push', url, `${first}:refs/heads/main`]);
    expect(old.stderr).toMatch(/ERR /);
    await user.run(['push', '--quiet', url, 'main']);
    expect(await remoteRefs(user, url)).toMatchObject({ 'refs/heads/main': second });
  });

  it('forgets a held state that its author deletes', async () => {
    const { owner, identifier, user, second, url } = await announced();
    const order = state(owner, identifier, { 'refs/heads/main': second });
    await publish(server.url, order);
    expect((await publish(server.url, owner.sign(5, [['e', order.id]]))).accepted).toBe(true);
    const refused = await user.try(['push', url, 'main']);
    expect(refused.stderr).toContain('ERR no signed state is waiting');
  });

  it('takes the tips of pull requests before their event is there, and after it only the one it names', async () => {
    const { owner, identifier, user, first, second, url } = await hosted();
    const author = new Person();
    const request = author.sign(1618, [
      ['a', `30617:${owner.publicKey}:${identifier}`],
      ['p', owner.publicKey],
      ['c', second],
      ['clone', url],
    ]);
    await user.run(['push', '--quiet', url, `${first}:refs/nostr/${request.id}`]);
    const later = author.sign(1618, [...request.tags.map((tag) => [...tag]), ['subject', 'Another']]);
    expect((await publish(server.url, later)).accepted).toBe(true);
    const wrong = await user.try(['push', url, `${first}:refs/nostr/${later.id}`]);
    expect(wrong.exitCode).toBe(1);
    expect(wrong.stderr).toContain('ERR');
    await user.run(['push', '--quiet', url, `${second}:refs/nostr/${later.id}`]);
    expect(await remoteRefs(user, url)).toMatchObject({
      [`refs/nostr/${request.id}`]: first,
      [`refs/nostr/${later.id}`]: second,
    });
  });

  it('carries out a state whose objects are here as soon as it comes', async () => {
    const { owner, identifier, user, first, second, url } = await hosted();
    const refs = { 'refs/heads/main': second, 'refs/heads/stable': first };
    const answer = await publish(server.url, state(owner, identifier, refs, { head: 'stable' }));
    expect(answer).toEqual({ accepted: true, note: '' });
    expect(await remoteRefs(user, url)).toEqual({ HEAD: first, ...refs });
  });

  it('does not let a stale state undo a signed push, nor bring back what it deleted', async () => {
    const { owner, identifier, user, first, second, url } = await hosted();
    const signed = gitUrl(server.url, owner, identifier);
    const third = await user.commit('More', { README: 'third\n' });
    await signedIn(user, owner, signed).run(['push', '--quiet', signed, 'main', `${first}:refs/heads/side`]);

    const stale = { 'refs/heads/main': second };
    const undone = await publish(server.url, state(owner, identifier, stale, { at: now() }));
    expect(undone.note).toContain('would undo a push');
    expect(await remoteRefs(user, url)).toMatchObject({ 'refs/heads/main': third, 'refs/heads/side': first });

    const withSide = { 'refs/heads/main': third, 'refs/heads/side': first };
    expect(await publish(server.url, state(owner, identifier, withSide, { at: now() + 1 }))).toEqual({
      accepted: true,
      note: '',
    });
    await signedIn(user, owner, signed).run(['push', '--quiet', signed, ':refs/heads/side']);
    const revived = await publish(server.url, state(owner, identifier, withSide, { at: now() + 2 }));
    expect(revived.note).toContain('would undo a push');
    expect(Object.keys(await remoteRefs(user, url))).not.toContain('refs/heads/side');
  });
});

describe('two servers over one bucket', () => {
  it('an order accepted by one authorizes a push to the other at once', async () => {
    const { owner, identifier, user, second } = await announced();
    await publish(server.url, state(owner, identifier, { 'refs/heads/main': second }));
    await user.run(['push', '--quiet', graspUrl(other.url, owner, identifier), 'main']);
    expect(await remoteRefs(user, graspUrl(server.url, owner, identifier))).toMatchObject({
      'refs/heads/main': second,
    });
  });

  it('an older order sent to the other one never wins', async () => {
    const { owner, identifier, user, first, second, url } = await hosted();
    const refs = { 'refs/heads/main': second, 'refs/heads/new': second };
    expect((await publish(server.url, state(owner, identifier, refs, { at: now() }))).note).toBe('');
    const older = state(owner, identifier, { 'refs/heads/main': first }, { at: now() - 30 });
    await publish(other.url, older);
    expect(await remoteRefs(user, url)).toMatchObject(refs);
    expect(await query(other.url, { ids: [older.id] })).toEqual([]);
  });

  it('serve the same events, whichever they were sent to', async () => {
    const { event, order } = await hosted();
    const served = await eventually(
      () => query(other.url, { ids: [event.id, order.id] }),
      (events) => events.length === 2,
    );
    expect(served).toHaveLength(2);
  });
});

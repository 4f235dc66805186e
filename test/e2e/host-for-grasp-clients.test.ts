import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import type { App } from '../../src/server/app.ts';
import { FaultyStore } from '../helpers/faulty-store.ts';
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
import { pushHead, RECEIVE_PACK, send, UPLOAD_PACK } from '../helpers/raw-git.ts';
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
  const event = announcement(server.url, owner, identifier, { grasp: true, at: now() - 10, ...options });
  const answer = await publish(server.url, event);
  const user = await new GitClient(folder.path).init(identifier);
  const first = await user.commit('Begin', { README: 'first\n' });
  const second = await user.commit('Go on', { README: 'second\n' });
  const url = graspUrl(server.url, owner, identifier);
  return { owner, identifier, event, answer, user, first, second, url };
}

/** The same, with main at its second commit by a signed state carried out. */
async function hosted(options: { readonly maintainers?: readonly Person[] } = {}) {
  const made = await announced(options);
  const signedState = state(
    made.owner,
    made.identifier,
    { 'refs/heads/main': made.second },
    { head: 'main', at: now() - 60 },
  );
  expect((await publish(server.url, signedState)).accepted).toBe(true);
  await made.user.run(['push', '--quiet', made.url, 'main']);
  return { ...made, signedState };
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
  it('waits hidden until a push brings exactly a signed state, and is then served', async () => {
    const { owner, identifier, event, answer, user, second, url } = await announced();
    expect(answer).toEqual({ accepted: true, note: expect.stringMatching(/^purgatory: /) });
    expect(await query(server.url, { ids: [event.id] })).toEqual([]);
    expect(await remoteRefs(user, url)).toEqual({});

    const signedState = state(owner, identifier, { 'refs/heads/main': second }, { head: 'main' });
    const held = await publish(server.url, signedState);
    expect(held).toEqual({ accepted: true, note: expect.stringMatching(/^purgatory: /) });
    expect(await query(server.url, { ids: [signedState.id] })).toEqual([]);

    await user.run(['push', '--quiet', url, 'main']);
    const served = await eventually(
      () => query(server.url, { ids: [event.id, signedState.id] }),
      (events) => events.length === 2,
    );
    expect(served.map(({ id }) => id).sort()).toEqual([event.id, signedState.id].sort());
    expect(await remoteRefs(user, url)).toEqual({ HEAD: second, 'refs/heads/main': second });
  });

  it('gets HEAD from the state', async () => {
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

  it('follows the states of maintainers, and of maintainers that they name', async () => {
    const [maintainer, second, stranger] = [new Person(), new Person(), new Person()];
    const made = await announced({ maintainers: [maintainer] });
    const maintainers = [made.owner, second];
    const theirs = announcement(server.url, maintainer, made.identifier, { maintainers });
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

  it('copies pushed objects to every repository in which the same state counts', async () => {
    const maintainer = new Person();
    const made = await announced({ maintainers: [maintainer] });
    const maintainers = [made.owner];
    const theirs = announcement(server.url, maintainer, made.identifier, { grasp: true, maintainers });
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

  it('drops a held state that its author deletes', async () => {
    const { owner, identifier, user, second, url } = await announced();
    const signedState = state(owner, identifier, { 'refs/heads/main': second });
    await publish(server.url, signedState);
    expect((await publish(server.url, owner.sign(5, [['e', signedState.id]]))).accepted).toBe(true);
    const refused = await user.try(['push', url, 'main']);
    expect(refused.stderr).toContain('ERR no signed state is waiting');
  });

  it('accepts tips of pull requests before their event, and after it only the tip that it names (issue 11, point 8)', async () => {
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

  it('carries out a state at once if its objects are here', async () => {
    const { owner, identifier, user, first, second, url } = await hosted();
    const refs = { 'refs/heads/main': second, 'refs/heads/stable': first };
    const answer = await publish(server.url, state(owner, identifier, refs, { head: 'stable' }));
    expect(answer).toEqual({ accepted: true, note: '' });
    expect(await remoteRefs(user, url)).toEqual({ HEAD: first, ...refs });
  });

  it('does not let an old state undo a signed push, or restore what it deleted', async () => {
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
  it('accept a push at once for a signed state that the other has accepted', async () => {
    const { owner, identifier, user, second } = await announced();
    await publish(server.url, state(owner, identifier, { 'refs/heads/main': second }));
    await user.run(['push', '--quiet', graspUrl(other.url, owner, identifier), 'main']);
    expect(await remoteRefs(user, graspUrl(server.url, owner, identifier))).toMatchObject({
      'refs/heads/main': second,
    });
  });

  it('never apply an older signed state that the other gets', async () => {
    const { owner, identifier, user, first, second, url } = await hosted();
    const refs = { 'refs/heads/main': second, 'refs/heads/new': second };
    expect((await publish(server.url, state(owner, identifier, refs, { at: now() }))).note).toBe('');
    const older = state(owner, identifier, { 'refs/heads/main': first }, { at: now() - 30 });
    await publish(other.url, older);
    expect(await remoteRefs(user, url)).toMatchObject(refs);
    expect(await query(other.url, { ids: [older.id] })).toEqual([]);
  });

  it('serve the same events, whichever they were sent to', async () => {
    const { event, signedState } = await hosted();
    const served = await eventually(
      () => query(other.url, { ids: [event.id, signedState.id] }),
      (events) => events.length === 2,
    );
    expect(served).toHaveLength(2);
  });
});

/** Real time, which can be moved ahead. */
class MovableClock implements Clock {
  private ahead = 0;

  advance(milliseconds: number): void {
    this.ahead += milliseconds;
  }

  now(): number {
    return systemClock.now() + this.ahead;
  }

  monotonic(): number {
    return systemClock.monotonic() + this.ahead;
  }

  async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    const end = this.monotonic() + milliseconds;
    while (this.monotonic() < end) {
      await systemClock.sleep(Math.min(20, Math.max(0, end - this.monotonic())), signal);
    }
  }
}

describe('an announcement for GRASP', () => {
  it('that does not name this service in both clone and relays is refused, and creates nothing', async () => {
    const owner = new Person();
    const clone = ['clone', graspUrl(server.url, owner, 'elsewhere')];
    const relays = ['relays', server.url.replace(/^http/, 'ws')];
    const elsewhere = 'git.example.org';
    const cases: string[][][] = [
      [],
      [clone],
      [relays],
      [clone, ['relays', `wss://${elsewhere}`]],
      [['clone', `https://${elsewhere}/${owner.npub}/elsewhere.git`], relays],
      [['clone', graspUrl(server.url, owner, 'another')], relays],
      [['clone', graspUrl(server.url, new Person(), 'elsewhere')], relays],
      [['clone', `${server.url}.${elsewhere}/${owner.npub}/elsewhere.git`], relays],
      [clone, ['relays', `${relays[1]}/inbox`]],
    ];
    for (const tags of cases) {
      const event = owner.sign(30_617, [['d', 'elsewhere'], ...tags]);
      const answer = await publish(server.url, event);
      expect(answer).toEqual({
        accepted: false,
        note: expect.stringMatching(
          /^blocked: it does not name this service; add http.* and ws.* relays tag$/,
        ),
      });
      expect(await query(server.url, { ids: [event.id] })).toEqual([]);
    }
    expect((await send(graspUrl(server.url, owner, 'elsewhere'))).status).toBe(404);

    const among = [
      ['clone', `https://${elsewhere}/x.git`, clone[1] ?? ''],
      ['relays', `wss://${elsewhere}`, relays[1] ?? ''],
    ];
    const both = await publish(server.url, owner.sign(30_617, [['d', 'elsewhere'], ...among]));
    expect(both).toEqual({ accepted: true, note: expect.stringMatching(/^purgatory: /) });
    expect((await send(graspUrl(server.url, owner, 'elsewhere'))).status).toBe(200);
  });

  it('that waits for 30 minutes is dropped with its states, and may be sent again', async () => {
    const clock = new MovableClock();
    await using patient = await startServer({ flags: { access: 'signed' }, overrides: { clock } });
    const owner = new Person();
    const user = await new GitClient(folder.path).init('late');
    const tip = await user.commit('Begin', { README: 'first\n' });
    const url = graspUrl(patient.url, owner, 'late');
    const event = announcement(patient.url, owner, 'late', { grasp: true });
    await publish(patient.url, event);
    await publish(patient.url, state(owner, 'late', { 'refs/heads/main': tip }));
    const page = async () => (await send(url)).status;
    expect(await page()).toBe(200);

    clock.advance(29 * 60_000);
    expect(await page()).toBe(200);
    // Whoever ends the waiting may have looked just before, and goes to sleep for about a minute then.
    const laterPage = () => {
      clock.advance(3 * 60_000);
      return page();
    };
    expect(await eventually(laterPage, (status) => status === 404)).toBe(404);
    expect((await user.try(['push', url, 'main'])).exitCode).not.toBe(0);
    expect((await publish(patient.url, event)).note).toMatch(/^purgatory: /);
    expect((await user.try(['push', url, 'main'])).stderr).toContain('ERR no signed state is waiting');
    await publish(patient.url, state(owner, 'late', { 'refs/heads/main': tip }));
    await user.run(['push', '--quiet', url, 'main']);
    expect(await remoteRefs(user, url)).toMatchObject({ 'refs/heads/main': tip });
  });
});

describe('the relay', () => {
  it('stores events that refer to a repository, and events that those refer to', async () => {
    const { owner, identifier, event, second } = await hosted();
    const somebody = new Person();
    const address = `30617:${owner.publicKey}:${identifier}`;
    const take = async (sent: ReturnType<Person['sign']>) => {
      expect(await publish(server.url, sent)).toEqual({ accepted: true, note: '' });
      expect(await query(server.url, { ids: [sent.id] })).toEqual([sent]);
      return sent;
    };
    const refuse = async (sent: ReturnType<Person['sign']>) => {
      const answer = await publish(server.url, sent);
      expect(answer).toEqual({ accepted: false, note: expect.stringMatching(/^blocked: /) });
      expect(await query(server.url, { ids: [sent.id] })).toEqual([]);
    };
    const signed = (kind: number, ...tags: string[][]) => somebody.sign(kind, tags, `A ${kind}`);

    // What refers to the announcement, by its address or its id.
    const issue = await take(signed(1621, ['a', address], ['subject', 'Broken']));
    const patch = await take(signed(1617, ['a', address], ['t', 'root']));
    await take(signed(1618, ['a', address], ['c', second]));
    await take(signed(7, ['e', event.id]));
    await take(signed(1, ['q', event.id]));
    await take(signed(30_023, ['d', 'article'], ['a', address]));
    // What refers to that, and so on.
    const comment = await take(signed(1111, ['E', issue.id], ['K', '1621'], ['e', issue.id], ['k', '1621']));
    await take(signed(1111, ['E', issue.id], ['e', comment.id], ['k', '1111']));
    await take(signed(7, ['e', comment.id]));
    await take(signed(1617, ['e', patch.id]));
    await take(owner.sign(1632, [['e', issue.id]], 'Mended'));
    await take(signed(1985, ['e', patch.id], ['L', '#t'], ['l', 'bug', '#t']));

    // What is referred to, once it is; by its id or its address.
    const quoted = signed(1, ['t', 'found-by-chance']);
    const article = signed(30_023, ['d', 'why'], ['title', 'Why it breaks']);
    await refuse(quoted);
    await refuse(article);
    const where = `30023:${somebody.publicKey}:why`;
    await take(signed(1111, ['E', issue.id], ['e', issue.id], ['q', quoted.id], ['a', where]));
    await take(quoted);
    await take(article);

    // What has nothing to do with it.
    const other = new Person();
    await refuse(signed(1, ['t', identifier], ['p', owner.publicKey]));
    await refuse(signed(1621, ['a', `30617:${other.publicKey}:${identifier}`]));
    await refuse(signed(1111, ['E', '0'.repeat(64)], ['e', '0'.repeat(64)]));
    await refuse(other.sign(0, [], '{"name":"nobody here"}'));
    await take(owner.sign(0, [], '{"name":"owner"}'));
    await take(owner.sign(10_002, [['r', server.url.replace(/^http/, 'ws')]]));
  });
});

describe('the server', () => {
  it('allows pages of other origins to read every response, errors included (issue 11, point 24)', async () => {
    const { owner, identifier, url } = await hosted();
    const store = new FaultyStore(new MemoryObjectStore());
    await using small = await startServer({
      store,
      flags: { access: 'signed', 'max-refs-per-push': '1' },
    });
    await publish(small.url, announcement(small.url, owner, identifier, { grasp: true }));
    const smallUrl = graspUrl(small.url, owner, identifier);
    const git = (end: string) => `${url}${end}`;
    const commands = ['a', 'b'].map((name) => ({ name: `refs/heads/${name}`, to: '1'.repeat(40) }));
    const tooMany = pushHead(commands, { capabilities: 'report-status' });
    const nip11 = { Accept: 'application/nostr+json' };
    const ask = (status: number, to: string, options: Parameters<typeof send>[1] = {}) => ({
      status,
      to,
      options: { ...options, headers: { Origin: 'https://app.example', ...options.headers } },
    });
    const requests = [
      ask(200, git('/info/refs?service=git-upload-pack')),
      ask(200, git('/info/refs?service=git-receive-pack')),
      ask(200, git('')),
      ask(200, server.url),
      ask(200, server.url, { headers: nip11 }),
      ask(204, git('/info/refs'), { method: 'OPTIONS' }),
      ask(204, git('/git-upload-pack'), { method: 'OPTIONS' }),
      ask(204, git('/git-receive-pack'), { method: 'OPTIONS' }),
      ask(204, git('/no-such-thing'), { method: 'OPTIONS' }),
      ask(204, git(''), { method: 'OPTIONS' }),
      ask(204, server.url, { method: 'OPTIONS' }),
      ask(400, git('/info/refs?service=nonsense')),
      ask(400, git('/git-upload-pack'), { method: 'POST', headers: { 'Content-Type': 'text/plain' } }),
      ask(400, git('/git-upload-pack'), { headers: UPLOAD_PACK, body: 'no packet' }),
      ask(400, `${server.url}/${owner.npub}/a%2Fb.git/info/refs?service=git-upload-pack`),
      ask(401, `${server.url}/${owner.npub}/unknown.git/info/refs?service=git-upload-pack`),
      ask(401, `${server.url}/${owner.npub}/unknown.git/info/refs?service=git-receive-pack`),
      ask(401, git('/info/refs?service=git-upload-pack').replace(identifier, 'x'), {
        headers: { Authorization: 'Nostr nonsense' },
      }),
      ask(403, git('/info/refs')),
      ask(404, git('/objects/info/packs')),
      ask(404, `${server.url}/${owner.npub}/unknown`),
      ask(404, `${server.url}/nothing-here`, { method: 'POST', body: '' }),
      ask(413, `${smallUrl}/git-receive-pack`, { headers: RECEIVE_PACK, body: tooMany }),
      ask(503, `${smallUrl}/info/refs?service=git-receive-pack`),
    ];
    for (const { status, to, options } of requests) {
      if (status === 503) store.next(() => true, { does: 'unavailable' }, 100);
      const answer = await send(to, options);
      expect([to, answer.status]).toEqual([to, status]);
      expect(answer.headers).toMatchObject({
        'access-control-allow-origin': '*',
        'access-control-allow-methods': expect.stringMatching(/GET, POST/),
        'access-control-allow-headers': expect.stringMatching(/Authorization, Content-Type/),
      });
      if (status === 204) expect(answer.text).toBe('');
    }
  });
});

describe('a repository whose owner deletes its announcement', () => {
  it('is gone at once, is not restored by an older announcement, and restarts with a newer one', async () => {
    const made = await hosted();
    const { owner, identifier, event, signedState, user, second, url } = made;
    const address = `30617:${owner.publicKey}:${identifier}`;
    const statusOf = async (place: string) => [
      (await send(place)).status,
      (await send(`${place}/info/refs?service=git-upload-pack`)).status,
    ];
    const stranger = await publish(server.url, new Person().sign(5, [['a', address]]));
    expect(stranger.accepted).toBe(false);
    expect(await statusOf(url)).toEqual([200, 200]);

    const deletedAt = now();
    expect(await publish(server.url, owner.sign(5, [['a', address]], '', deletedAt))).toEqual({
      accepted: true,
      note: '',
    });
    const signed = gitUrl(server.url, owner, identifier);
    for (const place of [url, signed, graspUrl(other.url, owner, identifier)]) {
      // Git asks whoever has not said who he is, as for any repository that is private or not there.
      expect(await statusOf(place)).toEqual([404, 401]);
    }
    const asOwner = await signedIn(user, owner, signed).try(['ls-remote', signed]);
    expect(asOwner.stderr).toContain('not found');
    expect(await query(server.url, { ids: [event.id, signedState.id] })).toEqual([]);
    expect((await user.try(['push', url, 'main'])).exitCode).not.toBe(0);

    for (const at of [deletedAt - 1, deletedAt]) {
      const older = announcement(server.url, owner, identifier, { grasp: true, at, tags: [['t', `${at}`]] });
      for (const place of [server, other]) {
        const answer = await publish(place.url, older);
        expect(answer).toEqual({ accepted: false, note: expect.stringMatching(/^blocked: /) });
      }
    }
    expect((await publish(server.url, event)).accepted).toBe(false);
    expect(await statusOf(url)).toEqual([404, 401]);

    const newer = announcement(server.url, owner, identifier, { grasp: true, at: deletedAt + 1 });
    expect((await publish(server.url, newer)).note).toMatch(/^purgatory: /);
    expect(await remoteRefs(user, url)).toEqual({});
    const empty = await new GitClient(folder.path).init(`${identifier}-again`);
    expect((await empty.try(['fetch', url, second])).stderr).toContain('not our ref');
    const again = state(owner, identifier, { 'refs/heads/main': second }, { at: deletedAt + 1 });
    expect((await publish(server.url, again)).note).toMatch(/^purgatory: /);
    await user.run(['push', '--quiet', url, 'main']);
    expect(await remoteRefs(user, url)).toMatchObject({ 'refs/heads/main': second });
    const served = await eventually(
      () => query(other.url, { ids: [newer.id, again.id, event.id, signedState.id] }),
      // The other server hears of it a moment later, and serves what it knew until then.
      (events) => events.length === 2 && events.every(({ id }) => id !== event.id),
    );
    expect(served.map(({ id }) => id).sort()).toEqual([newer.id, again.id].sort());
  });
});

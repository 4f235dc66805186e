/** Pull requests by people without a right of their own (issue 11, point 8): what they may push, and how it is bounded. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { repositoryId } from '../../src/repository/repository-id.ts';
import type { App } from '../../src/server/app.ts';
import { CraftedPack, repeatDelta } from '../helpers/craft-pack.ts';
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
import { commitObject, objectId, packOf, push, pushHead, reportOf, treeObject } from '../helpers/raw-git.ts';
import { startServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

let server: App;
/** A second server over the same store. */
let other: App;
let store: MemoryObjectStore;
let folder: TempDir;
let places = 0;

beforeAll(async () => {
  store = new MemoryObjectStore();
  folder = await tempDir('cairn-strangers');
  server = await startServer({ store, flags: { access: 'signed' } });
  other = await startServer({ store, flags: { access: 'signed', 'public-url': server.url } });
});
afterAll(async () => {
  await other.close();
  await server.close();
  await folder[Symbol.asyncDispose]();
});

/** A repository with one commit on main, and a stranger's clone with two more that are not there. */
async function hosted(on: App = server) {
  const owner = new Person();
  const identifier = `project-${++places}`;
  const at = Math.floor(Date.now() / 1000) - 10;
  await publish(on.url, announcement(on.url, owner, identifier, { grasp: true, at }));
  const user = await new GitClient(folder.path).init(identifier);
  const base = await user.commit('Begin', { README: 'first\n' });
  const url = graspUrl(on.url, owner, identifier);
  await publish(on.url, state(owner, identifier, { 'refs/heads/main': base }, { head: 'main' }));
  await user.run(['push', '--quiet', url, 'main']);
  const first = await user.commit('A proposal', { README: 'second\n' });
  await user.run(['checkout', '--quiet', '-b', 'another', base]);
  const second = await user.commit('Another proposal', { README: 'third\n' });
  const address = `30617:${owner.publicKey}:${identifier}`;
  const author = new Person();
  let subjects = 0;
  const request = (tip: string) =>
    author.sign(1618, [
      ['a', address],
      ['p', owner.publicKey],
      ['c', tip],
      ['clone', url],
      ['subject', `${++subjects}`],
    ]);
  return { owner, identifier, user, base, first, second, url, address, author, request };
}

async function refAt(user: GitClient, url: string, name: string): Promise<string | undefined> {
  const line = await user.run(['ls-remote', url, name]);
  return line === '' ? undefined : line.split('\t')[0];
}

const served = (app: App, id: string) => query(app.url, { ids: [id] });
const PURGATORY = { accepted: true, note: expect.stringMatching(/^purgatory: /) };

describe('a pack of a stranger', () => {
  it('with a missing parent is refused, so later pushes stay fast (issue 11, point 6)', async () => {
    const { user, url, base, request, owner, identifier } = await hosted();
    const blob = treeObject('file', 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391');
    const empty = { type: 'blob', content: Buffer.alloc(0) } as const;
    const cut = commitObject(objectId(blob), ['d'.repeat(40)], 'Cut');
    const tip = commitObject(objectId(blob), [base], 'Above');
    const shallow = Buffer.from(`0034shallow ${objectId(cut)}`);
    const name = `refs/nostr/${request(objectId(tip)).id}`;
    const head = pushHead([{ name, to: objectId(tip) }]);
    const body = Buffer.concat([shallow, head, packOf([tip, cut, blob, empty])]);
    const reason = 'shallow update not allowed';
    expect(reportOf(await push(url, body))).toEqual([`unpack ${reason}`, `ng ${name} ${reason}`]);
    expect(await refAt(user, url, name)).toBeUndefined();
    const found = await server.repositories.get(repositoryId(owner.publicKey, identifier)).resolve();
    expect(found?.manifest.packs.map(({ linked }) => linked)).toEqual([true]);
  });
});

describe('a pull request without its tip (issue 11, point 8)', () => {
  it('waits hidden if its event comes first, and is served when the tip comes', async () => {
    const { user, url, first, second, request } = await hosted();
    const event = request(first);
    expect(await publish(server.url, event)).toEqual(PURGATORY);
    expect(await publish(server.url, event), 'sent again').toEqual(PURGATORY);
    expect(await served(server, event.id)).toEqual([]);
    const wrong = await user.try(['push', url, `${second}:refs/nostr/${event.id}`]);
    expect(wrong.stderr).toContain(`names ${first.slice(0, 8)} as its tip`);
    expect(await served(server, event.id)).toEqual([]);
    await user.run(['push', '--quiet', url, `${first}:refs/nostr/${event.id}`]);
    expect(
      await eventually(
        () => served(server, event.id),
        ({ length }) => length === 1,
      ),
    ).toEqual([event]);
  });

  it('is served at once if its tip was pushed first, or is on a branch', async () => {
    const { user, url, base, first, request } = await hosted();
    const event = request(first);
    await user.run(['push', '--quiet', url, `${first}:refs/nostr/${event.id}`]);
    expect(await publish(server.url, event)).toEqual({ accepted: true, note: '' });
    expect(await served(server, event.id)).toEqual([event]);
    const merged = request(base);
    expect(await publish(server.url, merged)).toEqual({ accepted: true, note: '' });
  });

  it.each([
    ['the event comes to one server and the tip to the other', true],
    ['the tip comes to one server and the event to the other', false],
  ])('is served by both servers if %s', async (_what, eventFirst) => {
    const { user, first, request, url } = await hosted();
    const event = request(first);
    const elsewhere = url.replace(server.url, other.url);
    const push = () => user.run(['push', '--quiet', elsewhere, `${first}:refs/nostr/${event.id}`]);
    if (!eventFirst) await push();
    const answer = await publish(server.url, event);
    expect(answer).toEqual(eventFirst ? PURGATORY : { accepted: true, note: '' });
    if (eventFirst) await push();
    for (const app of [server, other]) {
      expect(
        await eventually(
          () => served(app, event.id),
          ({ length }) => length === 1,
        ),
      ).toEqual([event]);
    }
  });

  it('waits together with a waiting repository', async () => {
    const owner = new Person();
    await publish(server.url, announcement(server.url, owner, 'waiting', { grasp: true }));
    const url = graspUrl(server.url, owner, 'waiting');
    const user = await new GitClient(folder.path).init('waiting');
    const tip = await user.commit('A proposal', { README: 'early\n' });
    const event = new Person().sign(1618, [
      ['a', `30617:${owner.publicKey}:waiting`],
      ['c', tip],
    ]);
    await user.run(['push', '--quiet', url, `${tip}:refs/nostr/${event.id}`]);
    expect(await publish(server.url, event)).toEqual(PURGATORY);
    expect(await served(server, event.id)).toEqual([]);
    await publish(server.url, state(owner, 'waiting', { 'refs/heads/main': tip }));
    await user.run(['push', '--quiet', url, `${tip}:refs/heads/main`]);
    expect(
      await eventually(
        () => served(server, event.id),
        ({ length }) => length === 1,
      ),
    ).toEqual([event]);
  });

  it('must name a complete commit id', async () => {
    const { request } = await hosted();
    const answer = await publish(server.url, request('abc'));
    expect(answer).toEqual({ accepted: false, note: expect.stringMatching(/^invalid: /) });
  });
});

describe('the ref of a pull request (issue 11, point 8)', () => {
  it('is removed at once if the event names another tip, and the right tip needs no --force', async () => {
    const { user, url, first, second, request } = await hosted();
    const event = request(second);
    const name = `refs/nostr/${event.id}`;
    await user.run(['push', '--quiet', url, `${first}:${name}`]);
    expect(await publish(server.url, event)).toEqual(PURGATORY);
    expect(await refAt(user, url, name)).toBeUndefined();
    // Not a fast-forward of what was there.
    await user.run(['push', '--quiet', url, `${second}:${name}`]);
    expect(await refAt(user, url, name)).toBe(second);
  });

  it('is removed if the event has reached another server', async () => {
    const { user, url, first, second, request } = await hosted();
    const event = request(second);
    const name = `refs/nostr/${event.id}`;
    await user.run(['push', '--quiet', url.replace(server.url, other.url), `${first}:${name}`]);
    expect(await publish(server.url, event)).toEqual(PURGATORY);
    const there = await eventually(
      () => refAt(user, url, name),
      (tip) => tip === undefined,
    );
    expect(there).toBeUndefined();
  });

  it('can be overwritten and deleted only by its pusher or the owner while its event is missing', async () => {
    const { owner, identifier, user, url, first, second, request } = await hosted();
    const name = `refs/nostr/${request(first).id}`;
    const pusher = new Person();
    const signed = (person: Person) => signedIn(user, person, url);
    await signed(pusher).run(['push', '--quiet', url, `${first}:${name}`]);
    for (const who of [user, signed(new Person())]) {
      for (const what of [`+${second}:${name}`, `:${name}`]) {
        const refused = await who.try(['push', url, what]);
        expect(refused.stderr).toContain('somebody else has pushed it');
      }
      expect(await refAt(user, url, name)).toBe(first);
    }
    await signed(pusher).run(['push', '--quiet', url, `+${second}:${name}`]);
    expect(await refAt(user, url, name)).toBe(second);
    const direct = gitUrl(server.url, owner, identifier);
    await signedIn(user, owner, direct).run(['push', '--quiet', direct, `:${name}`]);
    expect(await refAt(user, url, name)).toBeUndefined();
    await user.run(['push', '--quiet', url, `${first}:${name}`]);
    const late = await signed(pusher).try(['push', url, `:${name}`]);
    expect(late.stderr, 'it is somebody else’s by now').toContain('somebody else has pushed it');
  });
});

/** A pack of some hundred bytes with an object of so many, a multiple of 2,000,000. */
function bombOf(bytes: number): Buffer {
  const pack = new CraftedPack();
  const small = pack.whole({ type: 'blob', content: Buffer.alloc(1_000) });
  const medium = pack.offsetDelta(small, repeatDelta(1_000, 2_000));
  pack.offsetDelta(medium, repeatDelta(2_000_000, bytes / 2_000_000));
  return pack.bytes();
}

describe('pushes of strangers (issue 11, point 8)', () => {
  it('are refused if the operator has turned them off, and events are served without their tips', async () => {
    await using off = await startServer({ flags: { access: 'signed', 'anonymous-pushes': 'off' } });
    const { user, url, first, request } = await hosted(off);
    const event = request(first);
    const refused = await user.try(['push', url, `${first}:refs/nostr/${event.id}`]);
    expect(refused.stderr).toContain('only from those who may write');
    expect(await publish(off.url, event)).toEqual({ accepted: true, note: '' });
  });

  it('are limited in refs, bytes and objects, and the owner is not', async () => {
    const flags = { access: 'signed', 'anonymous-pushes': 'bytes=16KiB,objects=40,refs=40' };
    await using small = await startServer({ flags });
    const { owner, identifier, user, url, base, first, request } = await hosted(small);
    const push = (tip: string) => user.try(['push', url, `${tip}:refs/nostr/${request(tip).id}`]);
    expect((await push(first)).exitCode).toBe(0);

    const random = Array.from({ length: 1_200 }, (_, at) => Math.sin(at).toString(36)).join('\n');
    const large = await user.commit('Large', { large: random });
    expect((await push(large)).stderr, 'a quarter of the bytes in one push').toContain(
      'exceeds maximum allowed size',
    );
    const files = Array.from({ length: 12 }, (_, at) => [`file-${at}`, `${at}\n`] as const);
    const many = await user.commit('Many', { large: '', ...Object.fromEntries(files) });
    expect((await push(many)).stderr, 'a quarter of the objects in one push').toContain(
      'no more than 10 are taken',
    );

    const direct = gitUrl(small.url, owner, identifier);
    await signedIn(user, owner, direct).run(['push', '--quiet', direct, `${many}:refs/heads/many`]);
    await signedIn(user, owner, direct).run(['push', '--quiet', direct, `+${large}:refs/heads/large`]);

    expect((await push(base)).exitCode).toBe(0);
    // Ten may wait in a repository, of which one address makes four. The refused ones have made none.
    const more = (await push(base)).stderr;
    expect(more).toContain('new refs that your address may push in 20 minutes');
  });

  it('are limited in the size of an object, before it is unpacked', async () => {
    await using small = await startServer({ flags: { access: 'signed', 'anonymous-pushes': 'object=1MiB' } });
    const { owner, identifier, user, url, request } = await hosted(small);
    const large = await user.commit('Large', { large: Buffer.alloc(2 ** 20 + 1) });
    const refused = await user.try(['push', url, `${large}:refs/nostr/${request(large).id}`]);
    expect(refused.stderr).toContain('an object of 1048577 bytes is larger than 1 MiB');
    expect(refused.stderr).toContain('(--anonymous-pushes)');
    const direct = gitUrl(small.url, owner, identifier);
    await signedIn(user, owner, direct).run(['push', '--quiet', direct, `${large}:refs/heads/large`]);
  });

  it('are charged for their work when they are refused, and the refusal names the limit and its end', async () => {
    const flags = { access: 'signed', 'anonymous-pushes': 'bytes=64KiB,objects=40,refs=1000' };
    await using small = await startServer({ flags });
    const { user, url, first } = await hosted(small);
    let number = 0;
    const ref = () => `refs/nostr/${(++number).toString(16).padStart(64, '0')}`;
    const send = async (pack: Buffer) => {
      const head = pushHead([{ name: ref(), to: '1'.repeat(40) }]);
      return reportOf(await push(url, Buffer.concat([head, pack])))[0];
    };
    const claiming = (objects: number) => {
      const pack = packOf([{ type: 'blob', content: Buffer.from('a') }]);
      pack.writeUInt32BE(objects, 8);
      return pack;
    };
    const refusals = [
      ['too many objects', claiming(11), /the pack has 11 objects, no more than 10 are taken in one push/],
      [
        'an object that is too large',
        bombOf(32_000_000),
        /an object of 32000000 bytes is larger than 16 MiB/,
      ],
      ['fewer objects than it says, which git finds', claiming(2), /^unpack (?!ok)/],
      ['junk', Buffer.from('junk that is no pack'), /^unpack (?!ok)/],
    ] as const;
    for (let round = 0; round < 4; round++) {
      for (const [what, pack, reason] of refusals) expect(await send(pack), what).toMatch(reason);
    }
    // What was set aside for one of them alone would have been a quarter of all.
    expect((await user.try(['push', url, `${first}:${ref()}`])).stderr).not.toContain('limit');
    expect(await refAt(user, url, `refs/nostr/${number.toString(16).padStart(64, '0')}`)).toBe(first);
    // Three objects each: the bounds of 40 in an hour are soon reached by what is taken.
    let refused = '';
    for (let push = 0; push < 20 && refused === ''; push++) {
      const tip = await user.commit('One more', { README: `${push}\n` });
      const tried = await user.try(['push', url, `${tip}:${ref()}`]);
      if (tried.exitCode !== 0) refused = tried.stderr;
    }
    expect(refused).toMatch(
      /the limit of objects that (your address may push in an hour|pushes without write access may bring to this repository)/,
    );
    expect(refused).toMatch(/\d+ of 40 are used, this pack has \d+/);
  });

  it('are refused without git if they are bombs, soon also without reading the repository, and the owner can continue', async () => {
    await using attacked = await startServer({ flags: { access: 'signed' } });
    const { owner, identifier, user, url, first } = await hosted(attacked);
    const pack = bombOf(2_146_000_000);
    const ref = (number: number) => `refs/nostr/${number.toString(16).padStart(64, '0')}`;
    const bomb = async (number: number) => {
      const head = pushHead([{ name: ref(number), to: '1'.repeat(40) }]);
      return reportOf(await push(url, Buffer.concat([head, pack])))[0];
    };
    const started = async () => {
      const metrics = await (await fetch(new URL('/metrics', attacked.url))).text();
      return metrics.split('\n').filter((line) => /^cairn_git_\w*_count\{.*index-pack/.test(line));
    };
    const refused = /an object of 2146000000 bytes is larger than 16 MiB/;
    const before = await started();
    expect(before).not.toEqual([]);
    let answer: string | undefined;
    let bombs = 0;
    // It is turned away after 40; where that takes long, after some more.
    for (; bombs < 80; bombs++) {
      answer = await bomb(bombs);
      if (answer === undefined || !refused.test(answer)) break;
    }
    const reached =
      /the limit of pushes that your address may make without write access is reached: 1\d\d of 120 are used/;
    expect(answer).toMatch(reached);
    expect(bombs).toBeGreaterThanOrEqual(40);
    expect(await started()).toEqual(before);
    // One more is free every two seconds, and a refused bomb takes three.
    let turned = '';
    for (let at = 80; at < 100 && !reached.test(turned); at++) {
      await bomb(at);
      turned = (await user.try(['push', url, `${first}:${ref(100 + at)}`])).stderr;
    }
    expect(turned).toMatch(reached);
    const direct = gitUrl(attacked.url, owner, identifier);
    await signedIn(user, owner, direct).run(['push', '--quiet', direct, `${first}:refs/heads/another`]);
    expect(await refAt(user, url, 'refs/heads/another')).toBe(first);
  });
});

/** Mirrors that servers keep, between real servers, with the command line (issue 13, point 4). */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SignedRequests } from '../../src/cli/signed-requests.ts';
import { sha256 } from '../../src/lib/digest.ts';
import type { MirrorView } from '../../src/mirror/kept/mirror-view.ts';
import { parseKeyFile } from '../../src/nostr/key-file.ts';
import { createSigner } from '../../src/nostr/sign.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { mirrorsKey } from '../../src/repository/keys.ts';
import { repositoryId } from '../../src/repository/repository-id.ts';
import type { App } from '../../src/server/app.ts';
import { runCommand } from '../helpers/command.ts';
import { type CommandResult, GitClient } from '../helpers/git-client.ts';
import { announcement, gitUrl, publish, signedIn } from '../helpers/identity.ts';
import { startLimitingFront } from '../helpers/limiting-front.ts';
import { Person } from '../helpers/nostr-client.ts';
import { repositoryUrl, spawnServer, startServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

/** Loopback is not public, so a server reaches it only when it is allowed. */
const KEEPS = { access: 'signed', 'mirror-allow': '127.0.0.1', 'mirror-interval': '1' } as const;
const PATIENCE = { timeout: 60_000, interval: 200 };

let folder: TempDir;
let home: string;
/** Somebody else's host. Anyone may push there. */
let elsewhere: App;
let places = 0;
let store: MemoryObjectStore;
let server: App;
let identifier: string;
let owner: Person;
let author: GitClient;

beforeAll(async () => {
  folder = await tempDir('cairn-mirrors');
  elsewhere = await startServer({ flags: { mirrors: 'off' } });
});
afterAll(async () => {
  await elsewhere.close();
  await folder[Symbol.asyncDispose]();
});
beforeEach(async () => {
  identifier = `place-${++places}`;
  home = join(folder.path, identifier);
  await mkdir(home);
  store = new MemoryObjectStore();
  server = await startServer({ store, flags: KEEPS });
  await cairn('key', 'new');
  owner = new Person(await secretIn(home));
  expect(await cairn('announce', identifier)).toMatchObject({ exitCode: 0 });
  author = await new GitClient(home).init('author');
});
afterEach(() => server.close());

async function secretIn(place: string): Promise<Uint8Array> {
  return Buffer.from(parseKeyFile(await readFile(join(place, '.config/cairn/key'), 'utf8')), 'hex');
}

/** The command line of the owner, who names the server, and says nothing else that it does not have to. */
function cairn(...args: string[]): Promise<CommandResult> {
  return runCommand(args, { HOME: home, CAIRN_SERVER: server.url });
}

const name = () => `${owner.npub}/${identifier}`;
const here = () => gitUrl(server.url, owner, identifier);
const there = () => repositoryUrl(elsewhere, identifier);

/** The path of all mirrors of the repository, or of one, or of something to do to it. */
const path = (...rest: string[]) =>
  ['/api/v1/repositories', owner.npub, identifier, 'mirrors', ...rest].join('/');

/** What somebody asks a server for, as the command line does. */
function requestsOf(person: Person, of = server.url): SignedRequests {
  return new SignedRequests(of, createSigner(person.secretHex), new AbortController().signal);
}

/** Runs a command on mirrors, which has to succeed. */
async function mirror(...args: string[]): Promise<string> {
  const result = await cairn('mirror', ...args);
  expect(result, result.stderr).toMatchObject({ exitCode: 0 });
  return result.stdout.trim();
}

async function show(mirrorName: string): Promise<MirrorView> {
  return JSON.parse(await mirror('show', name(), mirrorName, '--json')) as MirrorView;
}

async function refsAt(url: string): Promise<string[]> {
  const text = await author.run(['ls-remote', '--refs', url]);
  return text === '' ? [] : text.split('\n').map((line) => line.replace('\t', ' '));
}

const ownRefs = () => author.run(['for-each-ref', '--format=%(objectname) %(refname)']);

it('a mirror of an address in the server’s network is refused at once, in every form of the address', async () => {
  await using careful = await startServer({ flags: { access: 'signed' } });
  expect(await publish(careful.url, announcement(careful.url, owner, identifier))).toMatchObject({
    accepted: true,
  });
  const requests = requestsOf(owner, careful.url);
  const hosts = [
    '127.0.0.1',
    'localhost',
    '[::ffff:7f00:1]',
    '169.254.169.254',
    '2130706433',
    '[fd00:ec2::254]',
  ];
  for (const [at, host] of hosts.entries()) {
    const address = `http://${host}:8080/x.git`;
    for (const direction of ['pull', 'push']) {
      const added = requests.send('POST', path(), { name: `m${at}`, direction, address });
      await expect(added, address).rejects.toMatchObject({
        kind: 'forbidden',
        message: expect.stringContaining('its address is not public'),
      });
    }
  }
  expect(await requests.send('GET', path())).toEqual({ mirrors: [] });
});

it('mirrors are shown from the store if no server runs', async () => {
  const place = join(home, 'data');
  const store = `file:${place}`;
  const flags = ['--store', store];
  expect(await cairn('repo', 'create', name(), ...flags)).toMatchObject({ exitCode: 0 });
  expect(await cairn('mirror', 'list', name(), ...flags, '--json')).toMatchObject({
    exitCode: 0,
    stdout: '{"mirrors":[]}\n',
  });
  const none = await cairn('mirror', 'show', name(), 'none', ...flags);
  expect(none).toMatchObject({ exitCode: 5, stderr: expect.stringContaining('has no mirror "none"') });
  const both = await cairn('mirror', 'list', name(), ...flags, '--server', server.url);
  expect(both).toMatchObject({ exitCode: 5, stderr: expect.stringContaining('exclude each other') });
  const cache = join(home, 'cache');
  const options = ['--access', 'signed', '--mirror-allow', '127.0.0.1', '--cache', cache];
  {
    await using own = await spawnServer([...flags, ...options]);
    const author = new Person(await secretIn(home));
    expect(await publish(own.url, announcement(own.url, author, 'kept'))).toMatchObject({ accepted: true });
    const at = ['/api/v1/repositories', author.npub, 'kept', 'mirrors'].join('/');
    const wanted = { name: 'upstream', direction: 'pull', address: there() };
    await requestsOf(author, own.url).send('POST', at, wanted);
    const listed = await cairn('mirror', 'list', `${author.npub}/kept`, ...flags);
    expect(listed.stdout).toContain(`upstream\t<- ${there()}\tpull (namespace)`);
    const shown = await cairn('mirror', 'show', `${author.npub}/kept`, 'upstream', ...flags);
    expect(shown.stdout).toContain('mirror        upstream\n');
  }
});

describe('a pull mirror', () => {
  it('follows a changing source, refuses pushes of others, and leaves its refs when it is removed', async () => {
    await author.commit('Begin', { README: 'first\n' });
    await author.run(['tag', '-a', '-m', 'one', 'v1']);
    await author.run(['push', '--quiet', there(), 'main', 'v1']);
    await mirror('add', name(), 'upstream', there(), '--follow', '--every', '1s');
    await expect.poll(() => refsAt(here()), PATIENCE).toEqual((await ownRefs()).split('\n'));

    for (const word of ['second', 'third']) {
      await author.commit(`Write ${word}`, { README: `${word}\n` });
      await author.run(['push', '--quiet', '--force', there(), 'main']);
      await expect.poll(() => refsAt(here()), PATIENCE).toEqual((await ownRefs()).split('\n'));
    }
    // Set back, with a tag that moves and another that goes.
    await author.run(['reset', '--quiet', '--hard', 'HEAD~2']);
    await author.run(['tag', '--force', '-a', '-m', 'two', 'v1']);
    await author.run(['push', '--quiet', '--force', there(), 'main', 'v1', 'main:refs/heads/topic']);
    await author.run(['branch', 'topic']);
    await expect.poll(() => refsAt(here()), PATIENCE).toEqual((await ownRefs()).split('\n'));
    await author.run(['push', '--quiet', there(), ':topic']);
    await author.run(['branch', '-D', 'topic']);
    await expect.poll(() => refsAt(here()), PATIENCE).toEqual((await ownRefs()).split('\n'));
    expect(await author.clone(here(), 'whole', '--mirror').then((copy) => copy.run(['fsck', '--full']))).toBe(
      '',
    );

    const push = () => signedIn(author, owner, here()).try(['push', here(), 'main:refs/heads/mine']);
    const refused = await push();
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain('mirrored: this repository follows its mirror "upstream"');
    expect(await show('upstream')).toMatchObject({ condition: 'current', refs: 'follow', failures: 0 });
    await mirror('remove', name(), 'upstream');
    expect(await mirror('list', name())).toBe('');
    expect(await refsAt(here())).toEqual((await ownRefs()).split('\n'));
    const taken = await push();
    expect(taken, taken.stderr).toMatchObject({ exitCode: 0 });
  });

  it('in a namespace leaves branches to pushes', async () => {
    const tip = await author.commit('Begin', { README: 'first\n' });
    await author.run(['push', '--quiet', there(), 'main']);
    await mirror('add', name(), 'fork', there(), '--every', '1s');
    const push = await signedIn(author, owner, here()).try(['push', here(), 'main']);
    expect(push, push.stderr).toMatchObject({ exitCode: 0 });
    await expect
      .poll(() => refsAt(here()), PATIENCE)
      .toEqual([`${tip} refs/heads/main`, `${tip} refs/mirrors/fork/heads/main`]);
    const inside = ['push', here(), 'main:refs/mirrors/fork/heads/mine'];
    expect((await signedIn(author, owner, here()).try(inside)).stderr).toContain('only mirrors write below');
  });

  it('of a private network stops when the operator forbids that network', async () => {
    await author.commit('Begin', { README: 'first\n' });
    await author.run(['push', '--quiet', there(), 'main']);
    await mirror('add', name(), 'inside', there(), '--every', '1s');
    await expect.poll(() => show('inside'), PATIENCE).toMatchObject({ condition: 'current' });
    await server.close();
    server = await startServer({ store, flags: { access: 'signed', 'mirror-interval': '1' } });
    await expect
      .poll(() => show('inside'), PATIENCE)
      .toMatchObject({ condition: 'failing', lastError: { text: expect.stringContaining('not public') } });
  });
});

describe('a push mirror', () => {
  it('sends each publish, and catches up after its target was unreachable', async () => {
    // Its port stays taken while it cannot be reached: of all free ones, somebody else might be given just that.
    const front = await startLimitingFront(elsewhere.url, { limit: Number.POSITIVE_INFINITY, style: 'cut' });
    const url = repositoryUrl(front, identifier);
    try {
      const signed = signedIn(author, owner, here());
      await author.commit('Begin', { README: 'first\n' });
      await signed.run(['push', '--quiet', here(), 'main']);
      await mirror('add', name(), 'backup', url, '--push', '--every', '1h');
      await expect.poll(() => refsAt(url), PATIENCE).toEqual([await ownRefs()]);
      await author.commit('Go on', { README: 'second\n' });
      await signed.run(['push', '--quiet', here(), 'main']);
      await expect.poll(() => refsAt(url), PATIENCE).toEqual([await ownRefs()]);

      front.isDown = true;
      for (const word of ['third', 'fourth', 'fifth']) {
        await author.commit(`Write ${word}`, { README: `${word}\n` });
        await signed.run(['push', '--quiet', here(), 'main']);
      }
      await expect.poll(async () => (await show('backup')).condition, PATIENCE).toBe('failing');
      // The record says so a moment before the metrics do.
      for (const line of [
        /^cairn_mirrors\{direction="push",condition="failing"\} 1$/m,
        /^cairn_mirror_lag_seconds\{direction="push"\} \d/m,
        /^cairn_mirror_runs_total\{direction="push",outcome="failed"\} [1-9]/m,
      ])
        await expect.poll(async () => (await fetch(`${server.url}/metrics`)).text(), PATIENCE).toMatch(line);

      front.isDown = false;
      await mirror('run', name(), 'backup');
      expect(await refsAt(url)).toEqual([await ownRefs()]);
      expect(await show('backup')).toMatchObject({ condition: 'current', failures: 0, lag: 0 });
    } finally {
      await front[Symbol.asyncDispose]();
    }
  });

  it('sends its key to another Cairn, and its credential to no other host', async () => {
    await using target = await startServer({ flags: { access: 'signed', mirrors: 'off' } });
    const announced = announcement(target.url, owner, identifier);
    expect(await publish(target.url, announced)).toMatchObject({ accepted: true });
    await author.commit('Begin', { README: 'first\n' });
    await signedIn(author, owner, here()).run(['push', '--quiet', here(), 'main']);
    const url = gitUrl(target.url, owner, identifier);
    await mirror('add', name(), 'backup', url, '--push', '--remote-key', join(home, '.config/cairn/key'));
    await expect.poll(() => refsAt(url), PATIENCE).toEqual([await ownRefs()]);
    const shown = await mirror('show', name(), 'backup');
    expect(shown).toContain('credential    stored');
    const secret = Buffer.from(owner.secret).toString('hex');
    expect(shown).not.toContain(secret);
    const record = await store.get(mirrorsKey(repositoryId(owner.publicKey, identifier)));
    const text = record.found ? Buffer.concat(await record.body.toArray()).toString() : '';
    expect(text).toContain('"sealed":');
    expect(text).not.toContain(secret);
  });
});

describe('mirror management', () => {
  it('needs the right to push: others are refused, and see nothing', async () => {
    await mirror('add', name(), 'upstream', there());
    const stranger = requestsOf(new Person());
    const wanted = { name: 'mine', direction: 'pull', address: there() };
    const refused: readonly (readonly ['GET' | 'POST', string, object?])[] = [
      ['GET', path()],
      ['POST', path(), wanted],
      ['GET', path('upstream')],
      ...['remove', 'run', 'pause', 'resume', 'credential'].map(
        (action) => ['POST', path('upstream', action)] as const,
      ),
    ];
    for (const [method, at, content] of refused) {
      await expect(stranger.send(method, at, content), at).rejects.toMatchObject({ kind: 'forbidden' });
    }
    const unsigned = await fetch(`${server.url}${path()}`);
    expect(unsigned.status).toBe(401);
    expect(unsigned.headers.get('www-authenticate')).toBe('Nostr');
    expect(await mirror('list', name())).toContain('upstream');
  });

  it('needs a signature for each request: another URL, method, body or time is refused', async () => {
    const all = `${server.url}${path()}`;
    const body = JSON.stringify({ name: 'a', direction: 'pull', address: there() });
    const payload = sha256(body);
    const now = Math.floor(Date.now() / 1000);
    const send = (tags: string[][], at = now, content = body) => {
      const token = Buffer.from(JSON.stringify(owner.sign(27_235, tags, '', at))).toString('base64');
      const headers = { Authorization: `Nostr ${token}` };
      return fetch(all, { method: 'POST', headers, body: content });
    };
    const good = [
      ['u', all],
      ['method', 'POST'],
      ['payload', payload],
    ];
    const bad = [
      [['u', `${all}/x`], ...good.slice(1)],
      [
        ['u', all],
        ['method', 'GET'],
        ['payload', payload],
      ],
      [
        ['u', all],
        ['method', 'POST'],
      ],
      [...good, ['u', `${all}x`]],
    ];
    for (const tags of bad) expect((await send(tags)).status, JSON.stringify(tags)).toBe(401);
    expect((await send(good, now - 120)).status).toBe(401);
    expect((await send(good, now, `${body} `)).status).toBe(401);
    expect((await send(good)).status).toBe(200);
    expect((await send(good)).status).toBe(409);
  });

  it('returns errors with reasons, and limits bodies', async () => {
    const requests = requestsOf(owner);
    const add = (parts: object) =>
      requests.send('POST', path(), { name: 'x', direction: 'pull', address: there(), ...parts });
    await expect(add({ address: 'git@github.com:a/b' })).rejects.toThrow('http:// and https://');
    await expect(add({ address: 'https://u:p@example.org/x' })).rejects.toThrow('separately');
    await expect(add({ name: 'UPPER' })).rejects.toThrow('lower-case');
    await expect(add({ address: here() })).rejects.toThrow('the repository itself');
    await expect(requests.send('GET', path('none'))).rejects.toThrow('has no mirror');
    await expect(requests.send('POST', path('none', 'remove'))).rejects.toThrow('has no mirror');
    await expect(requests.send('GET', path('none').replace(identifier, 'other'))).rejects.toThrow(
      'you have announced no repository of this name here',
    );
    const told = await cairn('mirror', 'show', name(), 'none', '--json');
    expect(told.exitCode).toBe(5);
    expect(JSON.parse(told.stdout)).toMatchObject({ command: 'mirror show', outcome: 'configuration' });
    // One document each, whatever there is to say.
    expect(JSON.parse(await mirror('list', name(), '--json'))).toEqual({ mirrors: [] });
    for (const gone of ['one', 'two']) await mirror('add', name(), gone, 'http://127.0.0.1:1/x.git');
    expect(JSON.parse(await mirror('list', name(), '--json'))).toMatchObject({
      mirrors: [{ name: 'one' }, { name: 'two' }],
    });
    const failed = await cairn('mirror', 'run', name(), 'one', '--json');
    expect([failed.exitCode, JSON.parse(failed.stdout)]).toMatchObject([
      6,
      { command: 'mirror run', outcome: 'transport', problem: expect.stringContaining('127.0.0.1:1') },
    ]);
    const forgotten = await cairn('mirror', 'credential', name(), 'one', '--remote-username', 'me');
    expect(forgotten).toMatchObject({ exitCode: 5, stderr: expect.stringContaining('CAIRN_MIRROR_TOKEN') });
    const alone = await cairn('mirror', 'add', name(), 'x', there(), '--overwrite');
    expect(alone).toMatchObject({
      exitCode: 5,
      stderr: expect.stringContaining('--overwrite is for mirrors'),
    });
    const all = `${server.url}${path()}`;
    const large = await fetch(all, { method: 'POST', body: Buffer.alloc(40_000, 'x') });
    expect(large.status).toBe(413);
    expect((await fetch(all, { method: 'DELETE' })).status).toBe(405);
    expect((await fetch(`${server.url}/api/v1/other`)).status).toBe(404);
  });
});

/** The stock `fossil` program against a server: from a key to a project that others clone, and what strangers do not learn. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/lib/digest.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { encodeFossilManifest } from '../../src/repository/fossil/fossil-manifest-codec.ts';
import { repositoryId } from '../../src/repository/repository-id.ts';
import type { App } from '../../src/server/app.ts';
import { runCommand } from '../helpers/command.ts';
import { FossilClient, noFossil } from '../helpers/fossil.ts';
import { type CommandResult, run } from '../helpers/git-client.ts';
import { query } from '../helpers/identity.ts';
import { Person } from '../helpers/nostr-client.ts';
import { startServer } from '../helpers/server.ts';
import { ShiftedClock } from '../helpers/shifted-clock.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

let folder: TempDir;
let server: App;
/** Another server over the same store. */
let other: App;
const clock = new ShiftedClock();
let users = 0;

beforeAll(async () => {
  folder = await tempDir('cairn-fossil');
  const store = new MemoryObjectStore();
  const options = { store, overrides: { clock } };
  server = await startServer({ ...options, flags: { access: 'signed' } });
  other = await startServer({ ...options, flags: { access: 'signed', 'public-url': server.url } });
});
afterAll(async () => {
  await other.close();
  await server.close();
  await folder[Symbol.asyncDispose]();
});
beforeEach((test) => test.skip(noFossil !== undefined, noFossil));

/** Somebody with a key, Cairn's command line and the stock program. */
class User {
  readonly person = new Person();
  readonly fossil: FossilClient;
  readonly home: string;

  private constructor(home: string) {
    this.home = home;
    this.fossil = new FossilClient(home);
  }

  static async create(): Promise<User> {
    const home = join(folder.path, `user-${++users}`);
    await mkdir(join(home, 'home'), { recursive: true });
    const user = new User(home);
    await writeFile(join(home, 'key'), `${user.person.secretHex}\n`, { mode: 0o600 });
    return user;
  }

  cairn(...args: string[]): Promise<CommandResult> {
    return runCommand(args, {
      HOME: this.home,
      CAIRN_SERVER: server.url,
      CAIRN_KEY_FILE: join(this.home, 'key'),
    });
  }

  /** Announces a Fossil repository. @returns its URL */
  async announce(identifier: string, ...flags: string[]): Promise<string> {
    const made = await this.cairn('announce', identifier, '--fossil', ...flags);
    expect(made, made.stderr).toMatchObject({ exitCode: 0 });
    return made.stdout.trim().split('\n').at(-1) ?? '';
  }

  async password(url: string): Promise<{ readonly user: string; readonly password: string }> {
    const printed = await this.cairn('fossil', 'password', url, '--json');
    expect(printed, printed.stderr).toMatchObject({ exitCode: 0 });
    return JSON.parse(printed.stdout) as { user: string; password: string };
  }

  /** The URL with the user and the password in it. */
  async signedUrl(url: string): Promise<string> {
    const { user, password } = await this.password(url);
    return withPassword(url, user, password);
  }

  /** Clones without a question. @returns what the client said */
  async clone(url: string, name: string, ...flags: string[]): Promise<string> {
    const cloned = await this.fossil.try(['clone', ...flags, '--save-http-password', url, `${name}.fossil`]);
    return cloned.all;
  }
}

function withPassword(url: string, user: string, password: string): string {
  return url.replace('://', `://${user}:${password}@`);
}

/** A project of its own history, pushed into a new repository by its owner. */
async function hosted(identifier: string, ...flags: string[]) {
  const owner = await User.create();
  const url = await owner.announce(identifier, ...flags);
  const repository = await owner.fossil.init('project');
  await owner.fossil.commit('project', 'Begin', {
    'README.txt': 'first\n',
    'src/main.c': 'int main;\n'.repeat(50),
  });
  await owner.fossil.commit('project', 'Go on', { 'README.txt': 'second\n' });
  const pushed = await owner.fossil.try(['push', await owner.signedUrl(url), '-R', repository, '--once']);
  expect(pushed.all).not.toMatch(/error/i);
  return { owner, url, repository, id: repositoryId(owner.person.publicKey, identifier) };
}

describe('a project', () => {
  it('is announced, pushed, cloned, opened, and synced with autosync, and has receipts', async () => {
    const { owner, url, repository, id } = await hosted('tool', '--name', 'A tool');
    expect(url).toMatch(/\/fossil\/npub1[a-z0-9]+\/tool$/);
    const stranger = await User.create();
    await stranger.clone(url, 'clone');
    expect(await stranger.fossil.artifacts(join(stranger.home, 'clone.fossil'))).toEqual(
      await owner.fossil.artifacts(repository),
    );
    expect(await stranger.fossil.run(['test-integrity', 'clone.fossil'])).toContain('0 errors');

    const signed = await owner.signedUrl(url);
    await owner.clone(signed, 'mine');
    await owner.fossil.open(join(owner.home, 'mine.fossil'), 'mine');
    const checkIn = await owner.fossil.commit('mine', 'With autosync', { 'README.txt': 'third\n' });
    const pulled = await stranger.fossil.try(['pull', '-R', 'clone.fossil']);
    expect(await stranger.fossil.artifacts(join(stranger.home, 'clone.fossil')), pulled.all).toContain(
      checkIn,
    );

    const state = await server.fossil.get(id).resolve();
    if (state === undefined) throw new Error('no repository');
    const artifacts = (await owner.fossil.artifacts(join(owner.home, 'mine.fossil'))).length;
    expect(state.manifest.artifacts).toBe(artifacts);
    const receipts = () => query(server.url, { kinds: [30_618], '#a': [`30617:${id.owner}:tool`] });
    const digest = sha256(encodeFossilManifest(state.manifest));
    await expect
      .poll(async () => (await receipts())[0]?.tags)
      .toEqual([
        ['d', 'tool'],
        ['vcs', 'fossil'],
        ['project', await owner.fossil.projectCode(repository)],
        ['artifacts', String(artifacts)],
        ['state', digest],
        ['a', `30617:${id.owner}:tool`],
        ['p', id.owner],
      ]);
    expect(digest).toBe(state.digest);
    const counted = await server.metrics.scrape();
    expect(counted).toMatch(/^cairn_fossil_requests_total\{operation="clone",outcome="answered"\} [1-9]/m);
    expect(counted).toMatch(/^cairn_fossil_artifacts_total\{direction="received"\} [1-9]/m);
    expect(counted).toMatch(/^cairn_fossil_message_bytes_total\{direction="sent"\} [1-9]\d{3}/m);
  });

  it('is served by every server over the store', async () => {
    const { owner, url, repository } = await hosted('twice');
    const elsewhere = url.replace(server.url, other.url);
    await owner.clone(elsewhere, 'there');
    expect(await owner.fossil.artifacts(join(owner.home, 'there.fossil'))).toEqual(
      await owner.fossil.artifacts(repository),
    );
  });

  it('refuses pushes without a password, with one of another project, and of strangers', async () => {
    const { url, id, owner } = await hosted('closed');
    const stranger = await User.create();
    await stranger.clone(url, 'clone');
    await stranger.fossil.open(join(stranger.home, 'clone.fossil'), 'clone');
    await stranger.fossil.run(['settings', 'autosync', 'off'], { cwd: 'clone' });
    const checkIn = await stranger.fossil.commit('clone', 'Mine', { x: 'x\n' });
    const refused = await stranger.fossil.try(['push', '--once', url], { cwd: 'clone' });
    expect(refused.all).toMatch(/not authorized to write|pull only/);
    const { user, password } = await owner.password(url);
    for (const guess of [withPassword(url, user, 'x'), withPassword(url, 'alice', password)]) {
      expect((await stranger.fossil.try(['push', '--once', guess], { cwd: 'clone' })).all).toContain(
        'login failed',
      );
    }
    const denied = await stranger.cairn('fossil', 'password', url);
    expect(denied).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('no rights of its own in this repository'),
    });
    await owner.clone(url, 'after');
    expect(await owner.fossil.artifacts(join(owner.home, 'after.fossil'))).not.toContain(checkIn);
    expect((await server.fossil.get(id).resolve())?.manifest.artifacts).toBeGreaterThan(4);
  });
});

describe('a password', () => {
  it('ends at its expiry and when passwords are revoked, and the error says how to get a new one', async () => {
    const { owner, url, repository } = await hosted('ends');
    const signed = await owner.signedUrl(url);
    const push = async (to: string) => (await owner.fossil.try(['push', '--once', to, '-R', repository])).all;
    expect(await push(signed)).not.toMatch(/error/i);
    const revoked = await owner.cairn('fossil', 'password', url, '--revoke');
    expect(revoked, revoked.stderr).toMatchObject({ exitCode: 0 });
    expect(await push(signed)).toContain(
      `login failed: this password was revoked. Print a new one with "cairn fossil password ${url}"`,
    );
    const ofAll = await owner.signedUrl(url);
    const alone = await owner.cairn('fossil', 'password', url, '--revoke-key', owner.person.npub);
    expect(alone, alone.stderr).toMatchObject({ exitCode: 0 });
    expect(await push(ofAll)).toContain('login failed: this password was revoked');
    const fresh = await owner.signedUrl(url);
    expect(fresh).not.toBe(signed);
    expect(await push(fresh)).not.toMatch(/error/i);
    clock.advanceDays(91);
    try {
      expect(await push(fresh)).toContain('login failed: this password has expired');
    } finally {
      clock.advanceDays(-91);
    }
  });

  it('can be printed by readers, and revoked by writers', async () => {
    const reader = await User.create();
    const { url, owner } = await hosted('readers', '--private', '--reader', reader.person.npub);
    expect((await reader.cairn('fossil', 'password', url)).stdout).toMatch(/^user {6}npub1[a-z0-9]{12}$/m);
    const denied = await reader.cairn('fossil', 'password', url, '--revoke');
    expect(denied).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('neither the owner') });
    expect((await owner.password(url)).user).not.toBe((await reader.password(url)).user);
  });
});

describe('a private project', () => {
  it('answers strangers like a missing one, for every kind of request', async () => {
    const { owner, url, repository } = await hosted('hidden', '--private');
    const unknown = url.replace('hidden', 'nothing');
    const stranger = await User.create();
    const said = async (at: string) => {
      const results = [
        await stranger.fossil.try(['clone', '--save-http-password', at, 'x.fossil']),
        await stranger.fossil.try([
          'clone',
          '--save-http-password',
          withPassword(at, 'npub1aaaaaaaaaaaa', 'x'),
          'x.fossil',
        ]),
        await stranger.fossil.try(['clone', '-B', 'npub1aaaaaaaaaaaa:x', at, 'x.fossil']),
        await owner.fossil.try(['pull', '--once', at, '-R', repository]),
        await owner.fossil.try(['push', '--once', at, '-R', repository]),
        await owner.fossil.try(['uv', 'sync', '--once', at, '-R', repository]),
        await stranger.cairn('fossil', 'password', at),
        await run('git', ['ls-remote', at], {
          env: { PATH: process.env['PATH'] ?? '', GIT_TERMINAL_PROMPT: '0' },
        }),
      ];
      const page = await fetch(at);
      return [...results, { status: page.status, body: await page.text() }].map((result) =>
        JSON.stringify(result)
          .replaceAll(at, 'URL')
          .replaceAll(/hidden|nothing/g, 'NAME')
          // Passwords that the client makes up, and its random comment.
          .replaceAll(/password is \\"[^"]*/g, ''),
      );
    };
    const [secret, nothing] = [await said(url), await said(unknown)];
    expect(secret.map(withoutChance)).toEqual(nothing.map(withoutChance));
    expect(secret.join()).toMatch(/not authorized to clone/);
    const code = await owner.fossil.projectCode(repository);
    expect(secret.join()).not.toContain(code);
  });

  it('from another server is cloned by its readers with -B, and others get that advice', async () => {
    const { owner, url, repository } = await hosted('brought', '--private');
    const { user, password } = await owner.password(url);
    expect(await owner.clone(withPassword(url, user, password), 'wrong')).toContain(
      'fossil clone -B USER:PASSWORD',
    );
    const said = await owner.clone(url, 'right', '-B', `${user}:${password}`);
    expect(said).not.toMatch(/error/i);
    const clone = join(owner.home, 'right.fossil');
    expect(await owner.fossil.artifacts(clone)).toEqual(await owner.fossil.artifacts(repository));
    expect(await owner.fossil.projectCode(clone)).toBe(await owner.fossil.projectCode(repository));
    // The client remembers what -B gave it.
    await owner.fossil.open(clone, 'right');
    const checkIn = await owner.fossil.commit('right', 'By a reader of the clone', { y: 'y\n' });
    const pulled = await owner.fossil.try([
      'pull',
      '--once',
      withPassword(url, user, password),
      '-R',
      repository,
    ]);
    expect(await owner.fossil.artifacts(repository), pulled.all).toContain(checkIn);
  });

  it('from this server is cloned with the password in the URL', async () => {
    const owner = await User.create();
    const url = await owner.announce('begun', '--private');
    const signed = await owner.signedUrl(url);
    const first = await owner.clone(signed, 'first');
    expect(first).not.toMatch(/error/i);
  });
});

describe('a client of the wrong kind of repository', () => {
  it('is told the right command', async () => {
    const { url, owner } = await hosted('kinds');
    const environment = { PATH: process.env['PATH'] ?? '', GIT_TERMINAL_PROMPT: '0', HOME: owner.home };
    const gitUrl = url.replace('/fossil/', '/git/');
    for (const at of [url, gitUrl, `${gitUrl}.git`]) {
      const asked = await run('git', ['ls-remote', at], { env: environment });
      expect(asked.stderr, at).toContain(`this is a Fossil repository: use "fossil clone ${url}"`);
    }
    const page = await fetch(gitUrl, { redirect: 'manual' });
    expect(page.headers.get('location')).toBe(url);
    const made = await owner.cairn('announce', 'of-git');
    const ofGit = made.stdout.trim().split('\n').at(-1) ?? '';
    const asFossil = ofGit.replace('/git/', '/fossil/').replace(/\.git$/, '');
    expect(await owner.clone(asFossil, 'none')).toContain(
      `this is a git repository: use "git clone ${ofGit}"`,
    );
    const again = await owner.cairn('announce', 'of-git', '--fossil');
    expect(again).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('a git repository of this name is announced'),
    });
  });
});

it('the page of a project shows what it is and how to clone it', async () => {
  const { url, owner } = await hosted('paged', '--name', 'A <b>page</b>');
  const response = await fetch(url);
  const page = await response.text();
  expect(response.status).toBe(200);
  expect(page).toContain('A &lt;b&gt;page&lt;/b&gt;');
  expect(page).toContain(`fossil clone ${url} paged.fossil`);
  expect(page).toContain(await owner.fossil.projectCode(join(owner.home, 'project.fossil')));
  expect(await (await fetch(server.url)).text()).toContain(`href="${new URL(url).pathname}"`);
});

it('a withdrawn project is gone, and can be announced again', async () => {
  const { url, owner, id } = await hosted('withdrawn');
  const { user, password } = await owner.password(url);
  const gone = await owner.cairn('withdraw', 'withdrawn');
  expect(gone, gone.stderr).toMatchObject({ exitCode: 0 });
  expect(await owner.clone(url, 'gone')).toMatch(/not authorized to clone/);
  await owner.announce('withdrawn');
  expect(await owner.clone(withPassword(url, user, password), 'again')).toContain('login failed');
  expect((await server.fossil.get(id).resolve())?.manifest).toMatchObject({
    lifecycle: 'live',
    artifacts: 0,
  });
});

/** The client counts bytes, of which zlib makes a few more or less for another random comment. */
function withoutChance(text: string): string {
  return text.replaceAll(/(sent|received|bytes sent|server-id|project-id): *[0-9a-f]+/g, '$1');
}

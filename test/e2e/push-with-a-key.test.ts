import { existsSync } from 'node:fs';
import { chmod, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import type { App } from '../../src/server/app.ts';
import { type CommandResult, GitClient, run } from '../helpers/git-client.ts';
import { announcement, eventually, gitUrl, publish, query, signedIn, tokenFor } from '../helpers/identity.ts';
import { Person } from '../helpers/nostr-client.ts';
import { MAIN, startServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const now = () => Math.floor(Date.now() / 1000);

let folder: TempDir;
let server: App;
let places = 0;
/** Put there by the pre-push hook of a client; from then on the server's clock is 90 seconds ahead. */
let compressing: string;

beforeAll(async () => {
  folder = await tempDir('cairn-users');
  compressing = join(folder.path, 'compressing');
  const clock = { ...systemClock, now: () => Date.now() + (existsSync(compressing) ? 90_000 : 0) };
  server = await startServer({ flags: { access: 'signed' }, overrides: { clock } });
});
afterAll(async () => {
  await server.close();
  await folder[Symbol.asyncDispose]();
});

/** The command line of a user whose home is `folder`. */
function cairn(home: string, ...args: string[]): Promise<CommandResult> {
  return run(MAIN, args, {
    cwd: home,
    env: { PATH: process.env['PATH'] ?? '', HOME: home, CAIRN_SERVER: server.url },
  });
}

/** An announced repository, with a clone of its owner's that has one commit. */
async function announced(tags: string[][] = []) {
  const owner = new Person();
  const identifier = `project-${++places}`;
  const answer = await publish(server.url, announcement(server.url, owner, identifier, { tags }));
  expect(answer).toEqual({ accepted: true, note: '' });
  const user = await new GitClient(folder.path).init(identifier);
  const tip = await user.commit('Begin', { README: 'first\n' });
  return { owner, identifier, user, tip, url: gitUrl(server.url, owner, identifier) };
}

/** The URL of a repository with a token as its password, the way a credential helper brings it to git of any age. */
function withToken(url: string, token: string): string {
  return url.replace('://', `://nostr:${encodeURIComponent(token.slice('Nostr '.length))}@`);
}

describe('the command line, from key to push', () => {
  it('creates a key, announces, installs the helper, pushes small and large, and clones', async () => {
    const home = join(folder.path, 'home');
    await mkdir(home);
    const key = await cairn(home, 'key', 'new');
    expect(key, key.stderr).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('npub1') });
    expect((await stat(join(home, '.config/cairn/key'))).mode & 0o777).toBe(0o600);
    const made = await cairn(home, 'announce', 'hello', '--name', 'Hello');
    expect(made, made.stderr).toMatchObject({ exitCode: 0 });
    const url = made.stdout.trim().split('\n').at(-1) ?? '';
    expect(url).toMatch(/\/git\/npub1[a-z0-9]+\/hello\.git$/);
    const env = { GIT_CONFIG_GLOBAL: join(home, '.gitconfig'), PATH: process.env['PATH'] ?? '' };
    const installed = await run(MAIN, ['credential', 'install'], {
      cwd: home,
      env: { ...env, HOME: home, CAIRN_SERVER: server.url },
    });
    expect(installed, installed.stderr).toMatchObject({ exitCode: 0 });

    const user = await new GitClient(home).init('work');
    const tip = await user.commit('Begin', { README: 'first\n' });
    const small = await user.try(['push', url, 'main'], { env });
    expect(small, small.stderr).toMatchObject({ exitCode: 0 });
    const noise = Buffer.from(
      Array.from({ length: 3 * 2 ** 20 }, (_, at) => (at * 7919 + (at >> 7) * 31 + (at >> 13)) % 251),
    );
    const large = await user.commit('Grow', { noise });
    const pushed = await user.try(['-c', 'core.compression=0', 'push', url, 'main'], { env });
    expect(pushed, pushed.stderr).toMatchObject({ exitCode: 0 });
    expect(large).not.toBe(tip);
    // Anyone may read it, and without a key.
    expect(await new GitClient(folder.path).run(['ls-remote', url, 'refs/heads/main'])).toContain(large);
  });
});

describe('a token', () => {
  it('of an owner or maintainer allows pushes', async () => {
    const maintainer = new Person();
    const { user, url, tip } = await announced([['maintainers', maintainer.publicKey]]);
    await signedIn(user, maintainer, url).run(['push', '--quiet', url, 'main']);
    expect(await user.run(['ls-remote', url, 'refs/heads/main'])).toContain(tip);
  });

  it.each<[string, (made: Awaited<ReturnType<typeof announced>>) => string, RegExp]>([
    ['of another key', ({ url }) => tokenFor(new Person(), url), /neither the owner of this repository nor/],
    ['that has expired', ({ owner, url }) => tokenFor(owner, url, { at: now() - 3_600 }), /too old|old/],
    ['from the future', ({ owner, url }) => tokenFor(owner, url, { at: now() + 3_600 }), /future|ahead/],
    [
      'for another repository',
      ({ owner, url }) => tokenFor(owner, url.replace('.git', '-2.git')),
      /the token is for/,
    ],
    [
      'that was changed after it was signed',
      ({ owner, url }) => {
        const signed = Buffer.from(tokenFor(owner, url).slice(6), 'base64').toString();
        const event = JSON.parse(signed) as { created_at: number };
        const changed = JSON.stringify({ ...event, created_at: event.created_at - 1 });
        return `Nostr ${Buffer.from(changed).toString('base64')}`;
      },
      /signature/,
    ],
    ['that is none', () => 'Nostr bm9uc2Vuc2U=', /token/],
  ])('(%s) is refused with the reason', async (_name, token, reason) => {
    const made = await announced();
    const refused = await made.user.try(['push', withToken(made.url, token(made)), 'main']);
    expect(refused.exitCode).toBe(128);
    expect(refused.stderr).toMatch(reason);
    expect(await made.user.run(['ls-remote', made.url])).toBe('');
  });

  it('that was valid at the beginning of a push stays valid for a client that compresses for 90 seconds', async () => {
    const { owner, user, url, tip } = await announced();
    const hook = join(user.folder, '.git/hooks/pre-push');
    await writeFile(hook, `#!/bin/sh\ntouch ${compressing}\n`);
    await chmod(hook, 0o755);
    try {
      await signedIn(user, owner, url).run(['push', '--quiet', url, 'main']);
      expect(existsSync(compressing)).toBe(true);
    } finally {
      await rm(compressing, { force: true });
    }
    expect(await user.run(['ls-remote', url, 'refs/heads/main'])).toContain(tip);
  });

  it('is requested with both challenges, so that every version of git knows one', async () => {
    const { url } = await announced();
    const answer = await fetch(`${url}/info/refs?service=git-receive-pack`);
    expect(answer.status).toBe(401);
    const challenges = answer.headers.get('www-authenticate') ?? '';
    expect(challenges).toMatch(/Nostr /);
    expect(challenges).toMatch(/Basic /);
  });

  it('is a valid password for any user name', async () => {
    const { owner, user, url, tip } = await announced();
    const asAnybody = withToken(url, tokenFor(owner, url)).replace('nostr:', 'anybody:');
    await user.run(['push', '--quiet', asAnybody, 'main']);
    expect(await user.run(['ls-remote', url, 'refs/heads/main'])).toContain(tip);
  });
});

describe('protected branches', () => {
  it('restrict maintainers, forced pushes and deletions as announced', async () => {
    const maintainer = new Person();
    const { owner, user, url } = await announced([
      ['maintainers', maintainer.publicKey],
      ['protect', 'refs/heads/main', 'push:owner', 'no-force-push', 'no-delete'],
    ]);
    const asOwner = signedIn(user, owner, url);
    const asMaintainer = signedIn(user, maintainer, url);
    expect((await asMaintainer.try(['push', url, 'main'])).stderr).toContain('only the owner may push');
    await asOwner.run(['push', '--quiet', url, 'main', 'main:side']);
    const next = await user.commit('Go on', { README: 'second\n' });
    await asOwner.run(['push', '--quiet', url, 'main']);
    const rewound = await asOwner.try(['push', '--force', url, 'main~1:main']);
    expect(rewound.stderr).toContain('may only be fast-forwarded');
    await asMaintainer.run(['push', '--quiet', url, 'main:side']);
    const gone = await asOwner.try(['push', url, ':main']);
    expect(gone.exitCode).toBe(1);
    expect(await user.run(['ls-remote', url, 'refs/heads/main'])).toContain(next);
  });
});

describe('a private repository', () => {
  it('can be read and pushed by its members', async () => {
    const reader = new Person();
    const { owner, user, url, tip } = await announced([
      ['private', 'true'],
      ['reader', reader.publicKey],
    ]);
    await signedIn(user, owner, url).run(['push', '--quiet', url, 'main']);
    expect(await signedIn(user, reader, url).run(['ls-remote', url, 'refs/heads/main'])).toContain(tip);
    const push = await signedIn(user, reader, url).try(['push', url, 'main:other']);
    expect(push.stderr).toMatch(/neither the owner/);
  });

  it('looks like a missing one to git, pages and relay', async () => {
    const { owner, identifier, user, url } = await announced([['private', 'true']]);
    await signedIn(user, owner, url).run(['push', '--quiet', url, 'main']);
    const absent = gitUrl(server.url, owner, 'nothing-here');
    const stranger = new Person();
    const look = async (repository: string, path: string, init: RequestInit = {}) => {
      const answer = await fetch(`${repository}${path}`, init);
      const headers = [...answer.headers].filter(([name]) => !['date', 'x-request-id'].includes(name));
      const body = (await answer.text()).replaceAll(identifier, 'NAME').replaceAll('nothing-here', 'NAME');
      return { status: answer.status, headers, body };
    };
    for (const service of ['git-upload-pack', 'git-receive-pack']) {
      const path = `/info/refs?service=${service}`;
      expect(await look(url, path)).toEqual(await look(absent, path));
      expect((await look(url, path)).status).toBe(401);
      const signed = (repository: string) => ({ headers: { Authorization: tokenFor(stranger, repository) } });
      expect(await look(url, path, signed(url))).toEqual(await look(absent, path, signed(absent)));
      expect((await look(url, path, signed(url))).status).toBe(404);
    }
    const html = { headers: { Accept: 'text/html' } };
    const [page, none] = [await look(url, '', html), await look(absent, '', html)];
    expect({ status: page.status, body: page.body }).toEqual({ status: none.status, body: none.body });
    expect(page.status).toBe(404);
    const inGrasp = url.replace('/git/', '/');
    expect(await look(inGrasp, '/info/refs?service=git-upload-pack')).toEqual(
      await look(absent.replace('/git/', '/'), '/info/refs?service=git-upload-pack'),
    );
    expect(await query(server.url, { authors: [owner.publicKey] })).toEqual([]);
    expect(await query(server.url, { '#d': [identifier] })).toEqual([]);
  });
});

describe('a receipt', () => {
  it('states the refs after each push that changed them, signed by the repository key', async () => {
    const { owner, identifier, user, url, tip } = await announced();
    const receipts = () =>
      query(server.url, { kinds: [30_618], '#a': [`30617:${owner.publicKey}:${identifier}`] });
    await signedIn(user, owner, url).run(['push', '--quiet', url, 'main']);
    const [first] = await eventually(receipts, (events) => events.length === 1);
    expect(first?.tags).toContainEqual(['refs/heads/main', tip]);
    expect(first?.tags).toContainEqual(['HEAD', 'ref: refs/heads/main']);
    expect(first?.tags).toContainEqual(['p', owner.publicKey]);
    await signedIn(user, owner, url).run(['push', '--quiet', url, 'main']);
    expect((await receipts()).map(({ id }) => id)).toEqual([first?.id]);
    await signedIn(user, owner, url).run(['push', '--quiet', url, 'main:other']);
    const after = await eventually(receipts, ([event]) => event?.id !== first?.id);
    expect(after).toHaveLength(1);
    expect(after[0]?.pubkey).toBe(first?.pubkey);
    expect(after[0]?.tags).toContainEqual(['refs/heads/other', tip]);
  });
});

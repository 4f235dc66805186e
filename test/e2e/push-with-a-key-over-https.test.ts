/** With a certificate that nobody but its user trusts: announced over wss, pushed and cloned over https. */
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeCertificate } from '../helpers/certificate.ts';
import { type CommandResult, GitClient, run } from '../helpers/git-client.ts';
import { MAIN, type ServerProcess, spawnServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

/** Git sends a push of more than that without telling its length beforehand, after a probe (http.postBuffer). */
const POST_BUFFER = 2 ** 20;
let folder: TempDir;
let certificate: string;
let server: ServerProcess;
let homes = 0;

beforeAll(async () => {
  folder = await tempDir('cairn-https');
  const { cert, key } = await writeCertificate(folder.path);
  certificate = cert;
  const store = ['--store', `file:${join(folder.path, 'data')}`, '--cache', join(folder.path, 'cache')];
  server = await spawnServer([...store, '--tls-cert', cert, '--tls-key', key], { CAIRN_ACCESS: 'signed' });
  expect(server.url).toMatch(/^https:/);
});
afterAll(async () => {
  expect(await server.stop()).toBe(0);
  await folder[Symbol.asyncDispose]();
});

interface User {
  readonly home: string;
  /** The command line, which trusts the certificate. */
  cairn(...args: string[]): Promise<CommandResult>;
  /** The same, on a machine that does not. */
  distrusting(...args: string[]): Promise<CommandResult>;
  /** How git is run so that it finds what `cairn credential install` has set up. */
  readonly env: Readonly<Record<string, string>>;
}

async function newUser(): Promise<User> {
  const home = join(folder.path, `home-${++homes}`);
  await mkdir(home);
  const env = { GIT_CONFIG_GLOBAL: join(home, '.gitconfig') };
  const plain = { ...env, PATH: process.env['PATH'] ?? '', HOME: home, CAIRN_SERVER: server.url };
  const started = (more: Record<string, string>, args: string[]) =>
    run(MAIN, args, { cwd: home, env: { ...plain, ...more } });
  return {
    home,
    cairn: (...args) => started({ NODE_EXTRA_CA_CERTS: certificate }, args),
    distrusting: (...args) => started({}, args),
    env,
  };
}

function succeeded(result: CommandResult): CommandResult {
  expect(result, result.stderr).toMatchObject({ exitCode: 0 });
  return result;
}

/** A user with a key, the helper installed, and an announced repository. */
async function announced(identifier: string, ...options: string[]) {
  const user = await newUser();
  succeeded(await user.cairn('key', 'new'));
  succeeded(await user.cairn('credential', 'install'));
  const { stdout } = succeeded(await user.cairn('announce', identifier, ...options));
  const url = stdout.trim().split('\n').at(-1) ?? '';
  expect(url).toMatch(new RegExp(`^${server.url}/git/npub1[a-z0-9]+/${identifier}\\.git$`));
  return { ...user, url };
}

/** Bytes that do not get smaller by compression. */
function noise(length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, at) =>
    createHash('sha256').update(`noise ${at}`).digest(),
  );
  return Buffer.concat(blocks, length);
}

it.each([
  ['trusts the certificate', () => `http.sslCAInfo=${certificate}`],
  ['does not look at certificates', () => 'http.sslVerify=false'],
])('a user whose git %s announces, pushes small and large, and clones', async (what, setting) => {
  const identifier = what.split(' ')[0] ?? '';
  const { cairn, env, home, url } = await announced(identifier);
  const work = (await new GitClient(home).init('work')).with(setting());
  const small = await work.commit('Begin', { README: 'first\n' });
  succeeded(await work.try(['push', url, 'main'], { env }));
  expect(await work.run(['ls-remote', url, 'refs/heads/main'])).toBe(`${small}\trefs/heads/main`);

  const large = await work.commit('Grow', { noise: noise(3 * POST_BUFFER) });
  const traced = succeeded(await work.try(['push', url, 'main'], { env: { ...env, GIT_CURL_VERBOSE: '1' } }));
  expect(traced.stderr).toMatch(/transfer-encoding: chunked/i);
  const copy = (await new GitClient(home, [setting()]).clone(url, 'copy')).with(setting());
  expect(await copy.oidOf('HEAD')).toBe(large);
  expect(await copy.run(['fsck', '--full'])).toBe('');

  const announcements = succeeded(await cairn('events', '--kind', '30617', '--json')).stdout;
  const mine = announcements.split('\n').filter((line) => line.includes(`/${identifier}.git`));
  expect(mine).toHaveLength(1);
  expect(mine[0]).toContain(server.url.replace('https:', 'wss:'));
});

it('a private repository is read and written with the helper, and its events with the key', async () => {
  const { cairn, env, home, url } = await announced('hidden', '--private');
  const trusting = `http.sslCAInfo=${certificate}`;
  const work = (await new GitClient(home).init('work')).with(trusting);
  const tip = await work.commit('Begin', { README: 'first\n' });
  succeeded(await work.try(['push', url, 'main'], { env }));
  const seen = succeeded(await work.try(['ls-remote', url, 'refs/heads/main'], { env }));
  expect(seen.stdout).toBe(`${tip}\trefs/heads/main\n`);
  const unread = await work.try(['ls-remote', url]);
  expect(unread.exitCode).toBe(128);

  const own = succeeded(await cairn('events', '--tag', 'd=hidden', '--json'));
  expect(own.stdout).toContain('"hidden"');
  const stranger = await newUser();
  succeeded(await stranger.cairn('key', 'new'));
  expect(succeeded(await stranger.cairn('events', '--tag', 'd=hidden', '--json')).stdout).toBe('');
});

it('the command line gives advice for an untrusted certificate', async () => {
  const user = await newUser();
  succeeded(await user.cairn('key', 'new'));
  const refused = await user.distrusting('announce', 'nothing');
  expect(refused.exitCode).not.toBe(0);
  expect(refused.stdout).toBe('');
  expect(refused.stderr).toMatch(/certificate/);
  expect(refused.stderr).toContain('NODE_EXTRA_CA_CERTS');
  expect(refused.stderr).not.toMatch(/\n\s+at /);
});

it('git with the wrong key gets the server’s reason', async () => {
  const { url } = await announced('guarded');
  const other = await newUser();
  succeeded(await other.cairn('key', 'new'));
  succeeded(await other.cairn('credential', 'install'));
  const work = (await new GitClient(other.home).init('work')).with(`http.sslCAInfo=${certificate}`);
  await work.commit('Begin', { README: 'first\n' });
  const refused = await work.try(['push', url, 'main'], { env: other.env });
  expect(refused.exitCode).not.toBe(0);
  expect(refused.stderr).toContain('neither the owner of this repository nor');
  expect(await work.run(['ls-remote', url])).toBe('');
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readCredential } from '../../src/nostr/http-credential.ts';
import { checkToken } from '../../src/nostr/nip98.ts';
import { loadVerifier } from '../../src/nostr/verify.ts';
import { type CommandResult, GitClient, run } from '../helpers/git-client.ts';
import { MAIN } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const verifier = await loadVerifier();

/** A repository as `git http-backend` would serve it, for one key alone; it offers both ways to show a token. */
class GuardedRepository implements AsyncDisposable {
  /** Whose pushes and fetches are let through. */
  owner = '';
  /** Schemes of the credentials it has been shown, each once. */
  readonly schemes = new Set<string>();
  readonly url: string;
  private readonly folder: string;
  private readonly server: Server;

  private constructor(folder: string, server: Server) {
    this.folder = folder;
    this.server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', (request, response) => {
      this.answer(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
  }

  static async start(folder: string): Promise<GuardedRepository> {
    await new GitClient(folder).init('served.git', '--bare');
    await new GitClient(folder).at('served.git').run(['config', 'http.receivepack', 'true']);
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new GuardedRepository(join(folder, 'served.git'), server);
  }

  /** Its URL, for an identifier that has to be encoded. */
  get repositoryUrl(): string {
    return `${this.url}/git/npub1owner/my%20100%25%20project.git`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', this.url);
    const stage = request.method === 'GET' ? 'advertise' : 'receive';
    const problem = this.problem(request.headers.authorization, stage);
    if (problem !== undefined) {
      request.resume();
      const challenges = ['Nostr realm="git"', 'Basic realm="git"'];
      response.writeHead(401, { 'WWW-Authenticate': challenges, 'Content-Type': 'text/plain' });
      response.end(`${problem}\n`);
      return;
    }
    const service = searchParams.get('service') ?? pathname.split('/').at(-1) ?? '';
    const command = service.replace(/^git-/, '');
    if (stage === 'advertise') {
      response.writeHead(200, { 'Content-Type': `application/x-${service}-advertisement` });
      const head = `# service=${service}\n`;
      response.write(`${(head.length + 4).toString(16).padStart(4, '0')}${head}0000`);
      request.resume();
      await this.git([command, '--stateless-rpc', '--advertise-refs', this.folder], undefined, response);
    } else {
      response.writeHead(200, { 'Content-Type': `application/x-${service}-result` });
      const zipped = request.headers['content-encoding'] === 'gzip';
      const body = zipped ? request.pipe(createGunzip()) : request;
      await this.git([command, '--stateless-rpc', this.folder], body, response);
    }
  }

  private problem(header: string | undefined, stage: 'advertise' | 'receive'): string | undefined {
    const credential = readCredential(header);
    if (credential.kind !== 'token') return credential.kind === 'none' ? 'who are you?' : credential.reason;
    this.schemes.add(header?.split(' ')[0] ?? '');
    if (!verifier.verify(credential.event)) return 'nobody signed this';
    const now = Math.floor(Date.now() / 1000);
    const token = checkToken(credential.event, { repositoryUrls: [this.repositoryUrl], now, stage });
    if (!token.ok) return token.reason;
    return token.actor === this.owner ? undefined : 'this is the token of somebody else';
  }

  private async git(
    args: readonly string[],
    input: NodeJS.ReadableStream | undefined,
    output: ServerResponse,
  ): Promise<void> {
    const child = spawn('git', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = once(child, 'close');
    // Git may be done before it has read all, and then says why itself.
    if (input === undefined) child.stdin.end();
    else pipeline(input, child.stdin).catch(() => input.unpipe());
    await pipeline(child.stdout, output);
    await ended;
  }
}

let folder: TempDir;
/** With characters that mean something to a shell. */
let home: string;
let served: GuardedRepository;
let user: GitClient;

beforeEach(async () => {
  folder = await tempDir();
  home = join(folder.path, `it's $HOME "here"`);
  await mkdir(home);
  served = await GuardedRepository.start(folder.path);
  user = await new GitClient(folder.path).init('work');
  await user.commit('Begin', { README: 'first\n' });
});
afterEach(async () => {
  await served[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

function environment(): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    GIT_CONFIG_GLOBAL: join(home, '.gitconfig'),
    CAIRN_SERVER: served.url,
  };
}

async function cairn(...args: string[]): Promise<string> {
  const result = await run(MAIN, args, { cwd: home, env: environment() });
  if (result.exitCode !== 0) throw new Error(result.stderr);
  return result.stdout;
}

/** Makes a key and returns its public one. */
async function newKey(...args: string[]): Promise<string> {
  await cairn('key', 'new', ...args);
  return (JSON.parse(await cairn('key', 'show', '--json', ...args)) as { publicKey: string }).publicKey;
}

/** Git knows nothing of the server, the key or Cairn but what the installation wrote down. */
function git(args: readonly string[], more: Record<string, string> = {}): Promise<CommandResult> {
  const { CAIRN_SERVER: _unknown, ...env } = environment();
  return user.try(args, { env: { ...env, HOME: folder.path, ...more } });
}

it('git with the installed helper pushes small and large, and reads private repositories', async () => {
  served.owner = await newKey();
  expect(await cairn('credential', 'install')).toContain(served.url);
  const small = await git(['push', served.repositoryUrl, 'main']);
  expect(small, small.stderr).toMatchObject({ exitCode: 0 });
  const noise = Buffer.from(Array.from({ length: 2 ** 21 }, (_, at) => (at * 7919 + (at >> 7) * 31) % 251));
  const tip = await user.commit('Grow', { noise });
  const large = await git(['-c', 'core.compression=0', 'push', served.repositoryUrl, 'main']);
  expect(large, large.stderr).toMatchObject({ exitCode: 0 });
  expect(await git(['ls-remote', served.repositoryUrl, 'main'])).toMatchObject({
    stdout: `${tip}\trefs/heads/main\n`,
  });
  // Git 2.46 and later says by itself whose scheme it is.
  expect(served.schemes.size).toBe(1);
  expect(['Basic', 'Nostr']).toContain([...served.schemes][0]);
});

it('a helper installed twice exists once, and helpers that store credentials are neither asked nor told', async () => {
  served.owner = await newKey();
  const stored = join(folder.path, 'stored');
  await writeFile(join(home, '.gitconfig'), `[credential]\n\thelper = store --file='${stored}'\n`);
  await cairn('credential', 'install');
  const first = await readFile(join(home, '.gitconfig'), 'utf8');
  await cairn('credential', 'install');
  expect(await readFile(join(home, '.gitconfig'), 'utf8')).toBe(first);
  const pushed = await git(['push', served.repositoryUrl, 'main']);
  expect(pushed, pushed.stderr).toMatchObject({ exitCode: 0 });
  expect(existsSync(stored)).toBe(false);
});

it('the helper signs with another key if the environment of git names one', async () => {
  served.owner = await newKey();
  const other = join(home, 'other');
  await newKey('--key', other);
  await cairn('credential', 'install');
  const refused = await git(['push', served.repositoryUrl, 'main'], { CAIRN_KEY_FILE: other });
  expect(refused.exitCode).not.toBe(0);
  expect(refused.stderr).toContain('this is the token of somebody else');
});

it('git without a key shows what is missing, and asks nobody for a password', async () => {
  await cairn('credential', 'install');
  const failed = await git(['push', served.repositoryUrl, 'main']);
  expect(failed.exitCode).not.toBe(0);
  expect(failed.stderr).toContain('"cairn key new" creates one');
  expect(failed.stderr).toContain('told us to quit');
});

it('the helper ignores other servers', async () => {
  await newKey();
  await cairn('credential', 'install');
  await using other = await GuardedRepository.start(home);
  const failed = await git(['ls-remote', other.repositoryUrl]);
  expect(failed.exitCode).not.toBe(0);
  expect(other.schemes.size).toBe(0);
});

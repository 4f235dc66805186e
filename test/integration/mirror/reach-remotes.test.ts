import { once } from 'node:events';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { GitCredentialHelper } from '../../../src/mirror/remote/git-credential.ts';
import type { ConnectionOptions } from '../../../src/mirror/remote/open-connection.ts';
import { AddressGuard } from '../../../src/outbound/address-guard.ts';
import { TransferCounts } from '../../../src/outbound/traffic.ts';
import { writeCertificate } from '../../helpers/certificate.ts';
import { GitClient } from '../../helpers/git-client.ts';
import { startGitHttpHost } from '../../helpers/git-http-host.ts';
import { advertised, fetchPack, openSession, pushRef, refsOf } from '../../helpers/mirror-session.ts';
import { advertiseNothing } from '../../helpers/scripted-http-server.ts';
import { noSsh, type SshServer, startSshServer } from '../../helpers/ssh-server.ts';
import { type TempDir, tempDir } from '../../helpers/temp-dir.ts';

let temp: TempDir;
let folder = '';
let head = '';
let ssh: SshServer | undefined;
let targets = 0;

beforeAll(async () => {
  temp = await tempDir();
  folder = temp.path;
  const git = new GitClient(folder);
  const work = await git.init('work');
  for (const name of ['one', 'two', 'three']) head = await work.commit(name, { [name]: name });
  await work.run(['tag', '-a', '-m', 'first', 'v1', 'HEAD~1']);
  await git.run(['clone', '--quiet', '--bare', 'work', 'source.git']);
  ssh = noSsh === undefined ? await startSshServer(join(folder, 'ssh')) : undefined;
});
afterAll(async () => {
  await ssh?.[Symbol.asyncDispose]();
  await temp[Symbol.asyncDispose]();
});

/** A bare copy of the source with a name of its own. */
async function newTarget(): Promise<string> {
  targets += 1;
  const name = `it's target ${targets}!.git`;
  await new GitClient(folder).run(['clone', '--quiet', '--bare', 'source.git', name]);
  return name;
}

interface Transport {
  readonly name: string;
  /** The address of a repository in the folder. */
  readonly addressOf: (name: string) => Promise<string>;
  readonly options?: () => ConnectionOptions;
  readonly missing?: string | undefined;
}

const TRANSPORTS: readonly Transport[] = [
  {
    name: 'smart HTTP',
    addressOf: async (name) => {
      const host = await startGitHttpHost(folder);
      onTestFinished(() => host[Symbol.asyncDispose]());
      return `${host.url}/${encodeURIComponent(name)}/`;
    },
  },
  { name: 'a local folder', addressOf: async (name) => join(folder, name) },
  {
    name: 'SSH, with a URL',
    addressOf: async (name) =>
      `ssh://${ssh?.user}@127.0.0.1:${ssh?.port}${folder}/${encodeURIComponent(name)}`,
    options: () => ({ environment: { ...process.env, GIT_SSH_COMMAND: ssh?.command } }),
    missing: noSsh,
  },
  {
    name: 'SSH, with user@host:path',
    addressOf: async (name) => `${ssh?.user}@127.0.0.1:${folder}/${name}`,
    options: () => ({
      environment: { ...process.env, GIT_SSH_COMMAND: `${ssh?.command} -p ${ssh?.port}` },
    }),
    missing: noSsh,
  },
];

describe.each(TRANSPORTS)('over $name', ({ addressOf, options = () => ({}), missing }) => {
  beforeEach(({ skip }) => skip(missing !== undefined, missing));

  it.each([0, 1, 2] as const)('reads refs and a pack with protocol version %i', async (version) => {
    const session = await openSession(await addressOf('source.git'), 'git-upload-pack', version, options());
    const advertisement = await advertised(session);
    expect(advertisement.version).toBe(version);
    expect((await refsOf(session, advertisement)).get('refs/heads/main')).toBe(head);
    const pack = await fetchPack(session, advertisement, head);
    expect(pack.subarray(0, 4).toString()).toBe('PACK');
  });

  it('pushes to a path with quotes and spaces, with a body in pieces', async () => {
    const name = await newTarget();
    const session = await openSession(await addressOf(name), 'git-receive-pack', 0, options());
    const said = await pushRef(session, 'refs/heads/new', head);
    expect(said).toContain('unpack ok');
    expect(said).toContain('ok refs/heads/new');
    expect(await new GitClient(join(folder, name)).oidOf('refs/heads/new')).toBe(head);
  });

  it('reports a missing repository as not found', async () => {
    const opening = openSession(await addressOf('absent.git'), 'git-upload-pack', 2, options());
    await expect(opening.then(advertised)).rejects.toMatchObject({ kind: 'not-found' });
  });

  it('counts connections, requests and bytes', async () => {
    const traffic = new TransferCounts();
    const more = { ...options(), traffic };
    const session = await openSession(await addressOf('source.git'), 'git-upload-pack', 2, more);
    const pack = await fetchPack(session, await advertised(session), head);
    expect(traffic.connections).toBeGreaterThanOrEqual(1);
    expect(traffic.requests).toBe(2);
    expect(traffic.sentBytes).toBeGreaterThan(80);
    expect(traffic.receivedBytes).toBeGreaterThan(pack.length);
  });

  it('can end a connection before any request', async () => {
    const session = await openSession(await addressOf('source.git'), 'git-upload-pack', 0, options());
    await advertised(session);
    await session[Symbol.asyncDispose]();
  });

  it('ends with the reason of an abort', async () => {
    const abort = new AbortController();
    const session = await openSession(await addressOf('source.git'), 'git-upload-pack', 0, options());
    await advertised(session);
    const stuck = async function* () {
      yield Buffer.from('0032want ');
      await new Promise(() => undefined);
    };
    const asking = session
      .request(stuck(), { last: true, signal: abort.signal })
      .then((answer) => answer.next());
    abort.abort(new Error('enough'));
    await expect(asking).rejects.toThrow('enough');
  });
});

describe('SSH', () => {
  beforeEach(({ skip }) => skip(noSsh !== undefined, noSsh));
  const address = (path = `${folder}/source.git`) => `ssh://${ssh?.user}@127.0.0.1:${ssh?.port}${path}`;
  const using = (variables: Readonly<Record<string, string | undefined>>, more: ConnectionOptions = {}) => {
    const { GIT_SSH_COMMAND: _, GIT_SSH: __, ...rest } = process.env;
    return { ...more, environment: { ...rest, HOME: folder, ...variables } };
  };
  /** A program that runs `ssh` with the options of this server, and keeps what it was called with. */
  async function shim(name: string, body: string): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, `#!/bin/sh\nprintf '%s\\n' "$*" >> '${path}.log'\n${body}\n`);
    await chmod(path, 0o755);
    return path;
  }

  it('refuses an unknown key, in the words of ssh', async () => {
    const options = using({ GIT_SSH_COMMAND: ssh?.strangerCommand });
    await expect(openSession(address(), 'git-upload-pack', 2, options)).rejects.toMatchObject({
      kind: 'unauthenticated',
      message: expect.stringContaining('Permission denied'),
    });
  });

  it('refuses an unknown host key without a question', async () => {
    const options = using({ GIT_SSH_COMMAND: `${ssh?.command} -o HostKeyAlias=nobody` });
    await expect(openSession(address(), 'git-upload-pack', 2, options)).rejects.toMatchObject({
      kind: 'unauthenticated',
    });
  });

  it('reports a missing program', async () => {
    const options = using({ GIT_SSH: join(folder, 'no-such-ssh'), GIT_SSH_VARIANT: 'ssh' });
    await expect(openSession(address(), 'git-upload-pack', 2, options)).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining('no-such-ssh'),
    });
  });

  it('uses core.sshCommand and ssh.variant of git, and GIT_SSH_COMMAND before them', async () => {
    const config = join(folder, 'gitconfig');
    await writeFile(config, `[core]\n\tsshCommand = ${ssh?.command}\n[ssh]\n\tvariant = ssh\n`);
    const session = await openSession(address(), 'git-upload-pack', 2, using({ GIT_CONFIG_GLOBAL: config }));
    expect((await advertised(session)).version).toBe(2);
    const options = using({ GIT_CONFIG_GLOBAL: config, GIT_SSH_COMMAND: 'false' });
    await expect(openSession(address(), 'git-upload-pack', 2, options)).rejects.toThrow();
  });

  it('tries a program with another name, without options that only OpenSSH knows', async () => {
    const openSsh = await shim('like-openssh', `exec ${ssh?.command} "$@"`);
    const session = await openSession(address(), 'git-upload-pack', 2, using({ GIT_SSH: openSsh }));
    expect((await advertised(session)).version).toBe(2);
    const simple = await shim(
      'like-nothing',
      `[ "$1" = -G ] && exit 1\nexec ${ssh?.command} -p ${ssh?.port} "$@"`,
    );
    const scp = `${ssh?.user}@127.0.0.1:${folder}/source.git`;
    const other = await openSession(scp, 'git-upload-pack', 2, using({ GIT_SSH: simple }));
    expect((await advertised(other)).version).toBe(0);
    await expect(
      openSession(address(), 'git-upload-pack', 2, using({ GIT_SSH: simple })),
    ).rejects.toMatchObject({
      kind: 'invalid',
    });
  });

  it('asks a server again without a version if it fails with one', async () => {
    const old = await shim(
      'old',
      `[ -n "$GIT_PROTOCOL" ] && { echo strange >&2; exit 3; }\nexec ${ssh?.command} "$@"`,
    );
    const options = using({ GIT_SSH: old, GIT_SSH_VARIANT: 'ssh' });
    const session = await openSession(address(), 'git-upload-pack', 2, options);
    expect((await advertised(session)).version).toBe(0);
    const broken = await shim('broken', 'echo strange >&2; exit 3');
    const failing = openSession(
      address(),
      'git-upload-pack',
      2,
      using({ GIT_SSH: broken, GIT_SSH_VARIANT: 'ssh' }),
    );
    await expect(failing).rejects.toMatchObject({
      message: expect.stringContaining('strange'),
      facts: { exitCode: 3 },
    });
  });

  it('shows messages of the server without control characters', async () => {
    const loud = await shim('loud', `printf 'hello \\033[31mred\\r\\n' >&2\nexec ${ssh?.command} "$@"`);
    const lines: string[] = [];
    const options = using(
      { GIT_SSH: loud, GIT_SSH_VARIANT: 'ssh' },
      { onMessage: (line) => lines.push(line) },
    );
    await advertised(await openSession(address(), 'git-upload-pack', 2, options));
    expect(lines).toContain('hello red');
  });

  it('connects to the checked address behind a guard, and checks the host key by the host’s name', async () => {
    const program = await shim('guarded', `exec ${ssh?.command} "$@"`);
    const resolve = async () => [{ address: '127.0.0.1', family: 4 }];
    const guard = new AddressGuard({ resolve, allowed: ['127.0.0.1'] });
    const name = `ssh://${ssh?.user}@git.example:${ssh?.port}${folder}/source.git`;
    const options = { GIT_SSH: program, GIT_SSH_VARIANT: 'ssh' };
    const session = await openSession(name, 'git-upload-pack', 2, using(options, { guard }));
    expect((await advertised(session)).version).toBe(2);
    const called = await readFile(`${program}.log`, 'utf8');
    expect(called).toContain('-o HostName=127.0.0.1');
    expect(called).toContain(`-o HostKeyAlias=[git.example]:${ssh?.port}`);
    expect(called).toContain('-o BatchMode=yes');
    const refused = openSession(
      name,
      'git-upload-pack',
      2,
      using(options, { guard: new AddressGuard({ resolve }) }),
    );
    await expect(refused).rejects.toMatchObject({ kind: 'forbidden' });
  });
});

describe('a local folder', () => {
  it('is refused behind a guard, as for mirrors of a server', async () => {
    const opening = openSession(join(folder, 'source.git'), 'git-upload-pack', 2, {
      guard: new AddressGuard(),
    });
    await expect(opening).rejects.toMatchObject({ kind: 'forbidden' });
  });

  it('is read without regard to git variables of the environment, and its hooks run at a push', async () => {
    const name = await newTarget();
    await mkdir(join(folder, name, 'hooks'), { recursive: true });
    const hook = join(folder, name, 'hooks', 'pre-receive');
    await writeFile(hook, '#!/bin/sh\necho "no pushes, $REASON"; exit 1\n');
    await chmod(hook, 0o755);
    const environment = {
      ...process.env,
      GIT_DIR: '/nowhere',
      GIT_OBJECT_DIRECTORY: '/nowhere',
      REASON: 'at night',
    };
    const source = await openSession(join(folder, 'source.git'), 'git-upload-pack', 0, { environment });
    expect((await advertised(source)).listed?.refs.get('refs/heads/main')).toBe(head);
    const session = await openSession(join(folder, name), 'git-receive-pack', 0, { environment });
    const said = await pushRef(session, 'refs/heads/new', head);
    expect(said).toContain('no pushes, at night');
    expect(said).toContain('ng refs/heads/new pre-receive hook declined');
  });
});

describe('a bundle file', () => {
  const bundle = async (name: string, ...args: string[]) => {
    await new GitClient(join(folder, 'work')).run([
      'bundle',
      'create',
      '--quiet',
      join(folder, name),
      ...args,
    ]);
    return join(folder, name);
  };

  it('answers like a repository, any number of times', async () => {
    const path = await bundle('whole.bundle', '--all');
    const session = await openSession(path, 'git-upload-pack', 2);
    const advertisement = await advertised(session);
    expect(advertisement.listed?.refs.get('refs/heads/main')).toBe(head);
    expect(advertisement.listed?.head).toEqual({ target: 'refs/heads/main', oid: head });
    const packs = [
      await fetchPack(session, advertisement, head),
      await fetchPack(session, advertisement, head),
    ];
    expect(packs[0]).toEqual(packs[1]);
    const repository = await new GitClient(folder).init('from-bundle');
    await repository.run(['index-pack', '--stdin'], { input: packs[0] ?? '' });
    expect(await repository.run(['rev-list', '--count', head])).toBe('3');
  });

  it('that begins in the middle of a history needs a target with the rest', async () => {
    const path = await bundle('end.bundle', 'main~1..main');
    const session = await openSession(path, 'git-upload-pack', 0);
    const advertisement = await advertised(session);
    const before = await new GitClient(join(folder, 'work')).run(['rev-parse', 'main~1']);
    await expect(fetchPack(session, advertisement, head)).rejects.toThrow(
      `must have 1 of its commits first, for example ${before}`,
    );
    const pack = await fetchPack(session, advertisement, head, [before]);
    const repository = await new GitClient(folder).clone(
      'source.git',
      'has-the-rest',
      '--no-local',
      '--depth=1000',
    );
    await repository.run(['index-pack', '--fix-thin', '--stdin'], { input: pack });
  });

  it('of SHA-256 objects names its format', async () => {
    const git = await new GitClient(folder).init('work-256', '--object-format=sha256');
    const tip = await git.commit('one', { one: 'one' });
    await git.run(['bundle', 'create', '--quiet', '../256.bundle', 'main']);
    const session = await openSession(join(folder, '256.bundle'), 'git-upload-pack', 2);
    const advertisement = await advertised(session);
    expect(advertisement.objectFormat).toBe('sha256');
    expect(advertisement.listed?.refs.get('refs/heads/main')).toBe(tip);
    expect((await fetchPack(session, advertisement, tip)).subarray(0, 4).toString()).toBe('PACK');
  });

  it('cannot be pushed to, and is corrupt if it is truncated', async () => {
    const path = await bundle('cut.bundle', '--all');
    await expect(openSession(path, 'git-receive-pack', 0)).rejects.toMatchObject({ kind: 'invalid' });
    const whole = await readFile(path);
    await writeFile(path, whole.subarray(0, 60));
    await expect(openSession(path, 'git-upload-pack', 0)).rejects.toMatchObject({ kind: 'corrupt' });
    await writeFile(path, whole.subarray(0, whole.indexOf('PACK')));
    const session = await openSession(path, 'git-upload-pack', 0);
    await expect(fetchPack(session, await advertised(session), head)).rejects.toMatchObject({
      kind: 'corrupt',
    });
  });
});

describe('git credential', () => {
  it('is called by a real git, gets the result, and can answer for the asking host only', async () => {
    const log = join(folder, 'helper.log');
    const helper = join(folder, 'helper');
    await writeFile(
      helper,
      `#!/bin/sh\necho "$1" >> '${log}'\ncat >> '${log}'\n[ "$1" = get ] && printf 'username=me\\npassword=s3cret\\n'\nexit 0\n`,
    );
    await chmod(helper, 0o755);
    const config = join(folder, 'helper-config');
    await writeFile(config, `[credential]\n\thelper = ${helper}\n\tuseHttpPath = true\n`);
    const wanted = `Basic ${Buffer.from('me:s3cret').toString('base64')}`;
    const host = await startGitHttpHost(folder, {
      before: (request, response) => {
        if (request.headers.authorization === wanted) return false;
        response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="here"' }).end();
        return true;
      },
    });
    onTestFinished(() => host[Symbol.asyncDispose]());
    const environment = {
      PATH: process.env['PATH'],
      HOME: folder,
      GIT_CONFIG_GLOBAL: config,
      GIT_TERMINAL_PROMPT: '0',
    };
    const options = { helper: new GitCredentialHelper({ git: 'git', environment }) };
    const name = await newTarget();
    const session = await openSession(
      `${host.url}/${encodeURIComponent(name)}`,
      'git-receive-pack',
      0,
      options,
    );
    expect(await pushRef(session, 'refs/heads/new', head)).toContain('unpack ok');
    const told = (await readFile(log, 'utf8')).split('\n');
    expect(told.filter((line) => /^(get|store|erase)$/.test(line))).toEqual(['get', 'store']);
    expect(told).toContain(`path=${name}`);
    const stored = told.slice(told.indexOf('store'));
    expect(stored).toEqual(expect.arrayContaining(['protocol=http', 'username=me', 'password=s3cret']));
    expect(host.requests.filter((line) => line.startsWith('POST')).length).toBe(1);
    const nobody = new GitCredentialHelper({ git: 'false', environment });
    await expect(
      openSession(`${host.url}/source.git`, 'git-upload-pack', 2, { helper: nobody }),
    ).rejects.toMatchObject({
      kind: 'unauthenticated',
    });
  });
});

describe('a replacement of git credential', () => {
  const ask = { url: new URL('https://host/r'), userName: undefined, challenges: [] };
  const { signal } = new AbortController();
  const program = async (name: string, script: string) => {
    const path = join(folder, name);
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
    return new GitCredentialHelper({
      git: path,
      environment: { PATH: process.env['PATH'], GIT_TERMINAL_PROMPT: '0' },
    });
  };

  it('gets the environment unchanged, and may return more than was asked', async () => {
    const helper = await program(
      'says',
      'echo "username=$GIT_TERMINAL_PROMPT"; echo "password=x=y"; echo "path=/"; echo',
    );
    await expect(helper.fill(ask, signal)).resolves.toMatchObject({ userName: '0', secret: 'x=y' });
  });

  it('that fails or is missing returns nothing', async () => {
    const failing = await program('fails', 'echo password=x; exit 128');
    await expect(failing.fill(ask, signal)).resolves.toBeUndefined();
    const missing = new GitCredentialHelper({ git: join(folder, 'nowhere'), environment: {} });
    await expect(missing.fill(ask, signal)).resolves.toBeUndefined();
    await missing.approve({ description: [], userName: 'me', secret: 'x' });
    await missing.reject({ description: [], userName: 'me', secret: 'x' });
  });

  it('is ended by an abort', async () => {
    const helper = await program('waits', 'exec sleep 1000');
    const abort = new AbortController();
    const asking = helper.fill(ask, abort.signal);
    abort.abort(new Error('enough'));
    await expect(asking).rejects.toThrow('enough');
    // Also while it stores, or erases: nothing depends on that.
    const credential = { description: [], userName: 'me', secret: 'x' };
    for (const operation of ['approve', 'reject'] as const) {
      const stopping = new AbortController();
      const telling = helper[operation](credential, stopping.signal);
      stopping.abort();
      await telling;
    }
  });
});

describe('a trace', () => {
  it('shows the steps of each request, also over TLS, and no secret', async () => {
    const keys = await writeCertificate(folder);
    const server = createServer(
      { cert: await readFile(keys.cert), key: await readFile(keys.key) },
      (request, response) => {
        request.resume();
        if (request.method === 'GET') advertiseNothing(response, 'git-receive-pack');
        else response.writeHead(200, { 'Content-Type': 'application/x-git-receive-pack-result' }).end('0000');
      },
    ).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const lines: string[] = [];
    const address = `https://me:s3cret@localhost:${port}/r.git`;
    const options = { trace: (line: string) => lines.push(line), insecureTls: true };
    const session = await openSession(address, 'git-receive-pack', 0, options);
    await advertised(session);
    await session.request(Buffer.from('0000'), { last: true, signal: new AbortController().signal });
    const trace = lines.join('\n');
    expect(trace).toMatch(/http #1 \+\d+ ms: GET https:\/\/localhost:\d+\/r\.git\/info\/refs$/m);
    for (const event of [
      'connection new',
      'name found: ',
      'connected to ',
      'TLS agreed',
      'request written',
    ]) {
      expect(trace).toContain(event);
    }
    expect(trace).toContain('first byte of the answer, status 200');
    expect(trace).toMatch(/http #2 .*Authorization: Basic <redacted>/);
    expect(trace).not.toMatch(/s3cret|bWU6/);
  });

  it('certificates are checked by default', async () => {
    const keys = await writeCertificate(folder);
    const server = createServer({ cert: await readFile(keys.cert), key: await readFile(keys.key) }).listen(
      0,
      '127.0.0.1',
    );
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const opening = openSession(`https://localhost:${port}/r.git`, 'git-upload-pack', 2);
    await expect(opening).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringMatching(/cannot be reached: .*self.signed/),
      facts: {},
    });
  });
});

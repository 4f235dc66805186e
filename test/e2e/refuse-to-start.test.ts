import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SERVICE_KEY_FILE } from '../helpers/build-once.ts';
import { runCommand, serveCommand } from '../helpers/command.ts';
import { type CommandResult, GitClient, run } from '../helpers/git-client.ts';
import { startR2, type TestBucket } from '../helpers/r2.ts';
import { MAIN, OWNER, repositoryUrl, spawnServer } from '../helpers/server.ts';
import { CEPH, type StubS3, startStubS3 } from '../helpers/stub-s3.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

/** Within this a server that will not run has said so, on a busy machine as well. */
const SOON_MS = 50_000;

/**
 * What an operator gets to see when the server will not run: one line, an exit code, and soon. Most refusals happen in this
 * process, because a process of its own takes a second to load.
 */
async function refusal(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  exitCode = 1,
): Promise<string> {
  const env = { CAIRN_SERVICE_KEY: SERVICE_KEY_FILE, ...environment };
  return onlyLine(await runCommand(['serve', '--port', '0', ...args], env), exitCode);
}

/** The same from a process of its own: that it ends, with the exit code that a supervisor sees. */
async function refusalOfProcess(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  exitCode = 1,
): Promise<string> {
  const signal = AbortSignal.timeout(SOON_MS);
  const env = { PATH: process.env['PATH'] ?? '', CAIRN_SERVICE_KEY: SERVICE_KEY_FILE, ...environment };
  return onlyLine(
    await run(process.execPath, [MAIN, 'serve', '--port', '0', ...args], { env, signal }),
    exitCode,
  );
}

function onlyLine(result: CommandResult, exitCode: number): string {
  expect(result.exitCode, result.stderr).toBe(exitCode);
  expect(result.stdout).toBe('');
  const lines = result.stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
  expect(lines, result.stderr).toHaveLength(1);
  return lines[0] ?? '';
}

let folder: TempDir;
let count = 0;

beforeAll(async () => {
  folder = await tempDir();
});

afterAll(() => folder[Symbol.asyncDispose]());

/** Flags for folders that nobody else uses. */
function ownFolders(): string[] {
  count++;
  return [
    '--store',
    `file:${join(folder.path, `data-${count}`)}`,
    '--cache',
    join(folder.path, `cache-${count}`),
  ];
}

describe('a server does not start with malformed configuration', () => {
  it.each([
    [['--port', '70000'], {}, '--port is "70000"'],
    [['--store', 'ftp://x'], {}, '--store is "ftp://x": expected file:<folder> or s3://<bucket>[/<prefix>]'],
    [['--max-push-size', 'lots'], {}, '--max-push-size is "lots": expected a size such as 512MiB or 8GiB'],
    [[], { CAIRN_ACCESS: 'everybody' }, 'CAIRN_ACCESS is "everybody"'],
    [
      ['--host', '0.0.0.0', '--access', 'open'],
      {},
      '--access open lets anyone push and is allowed on a loopback address only',
    ],
    [['--host', '0.0.0.0'], {}, '--public-url is missing: signatures are made for the URL clients use'],
    [['--public-url', 'https://example.org/git'], {}, '--public-url is "https://example.org/git": expected'],
    [['--tls-cert', '/nowhere.pem'], {}, '--tls-cert and --tls-key go together'],
    [
      ['--tls-cert', '/nowhere.pem', '--tls-key', '/nowhere.key'],
      {},
      '--tls-cert /nowhere.pem cannot be read',
    ],
  ])('such as %j %j: %s', async (args, environment, reason) => {
    expect(await refusal([...ownFolders(), ...args], environment)).toContain(`cairn: ${reason}`);
  });

  it('such as an unknown option', async () => {
    expect(await refusalOfProcess(['--colour', 'red'])).toContain("unknown option '--colour'");
  });
});

describe('a server does not start with a git', () => {
  it('that is missing', async () => {
    expect(await refusal([...ownFolders(), '--git', '/nowhere/git'])).toMatch(
      /git could not be started.*\/nowhere\/git.*: install git 2\.39\.0 or newer, or name it with --git/,
    );
    expect(await refusal([...ownFolders(), '--git', '/bin/true'])).toMatch(
      /git did not print its version \(no answer\): install git .* --git/,
    );
  });

  it('that is too old', async () => {
    const old = join(folder.path, 'old-git');
    await writeFile(old, '#!/bin/sh\necho git version 2.30.2\n');
    await chmod(old, 0o755);
    expect(await refusalOfProcess([...ownFolders(), '--git', old])).toBe(
      'cairn: git 2.30.2 is too old: Cairn needs git 2.39.0 or newer',
    );
  });
});

describe('a server does not start with a folder', () => {
  it('that cannot be written', async () => {
    const file = join(folder.path, 'a-file');
    await writeFile(file, '');
    const [, store = ''] = ownFolders();
    expect(await refusal(['--store', store, '--cache', join(file, 'cache')])).toMatch(
      /cache folder .*a-file\/cache/,
    );
    expect(await refusal(['--store', `file:${join(file, 'data')}`])).toMatch(/data folder .*a-file\/data/);
  });

  it.runIf(process.platform === 'linux').each([
    ['--store', 'file:/proc/x', 'data folder'],
    ['--store', 'file:/proc/x/y/z', 'data folder'],
    ['--cache', '/proc/x', 'cache folder'],
    ['--service-key', '/proc/x/key', 'key file'],
  ])('that cannot be created: %s %s (issue 11, point 25)', async (flag, path, what) => {
    const key = ['--service-key', join(folder.path, `key-${count}`)];
    expect(await refusal([...ownFolders(), ...key, flag, path])).toContain(`the ${what} /proc/x`);
  });

  it('that another server owns, until that server has ended in any way', async () => {
    const flags = ownFolders();
    const [, store = '', , cache = ''] = flags;
    const first = await spawnServer(flags);
    const elsewhere = join(folder.path, 'another-cache');
    await mkdir(elsewhere, { mode: 0o700 });
    expect(await refusal(['--store', store, '--cache', elsewhere])).toMatch(
      new RegExp(`the data folder .* is in use by process ${first.pid}`),
    );
    expect(await refusal([...ownFolders().slice(0, 2), '--cache', cache])).toMatch(
      new RegExp(`the cache folder .* is in use by process ${first.pid}`),
    );
    await first.stop('SIGKILL');
    await using second = await spawnServer(flags);
    expect(second.url).toMatch(/^http:/);
  });

  it('that another server owns, and exactly one of two that start at once gets each', async () => {
    const flags = ownFolders();
    const starts = await Promise.allSettled([spawnServer(flags), spawnServer(flags)]);
    const running = starts.filter((start) => start.status === 'fulfilled');
    expect(running).toHaveLength(1);
    for (const { value } of running) await value.stop();
  });
});

describe('a server does not start with an address', () => {
  it('that is in use', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    expect(await refusal([...ownFolders(), '--port', String(port)])).toContain(
      `--port: cannot listen on 127.0.0.1:${port}: another program uses this port (EADDRINUSE)`,
    );
    other.close();
  });

  it('that is not one of this machine', async () => {
    const away = ['--public-url', 'https://git.example.org', '--host'];
    expect(await refusal([...ownFolders(), ...away, '192.0.2.1'])).toMatch(
      /--host: cannot listen on 192\.0\.2\.1:\d+: this machine does not have this address/,
    );
    expect(await refusal([...ownFolders(), ...away, 'missing.invalid'])).toMatch(/there is no such host/);
  });

  it('of mirrors that is none', async () => {
    expect(await refusal([...ownFolders(), '--mirror-allow', '10.0.0.0/99'])).toContain(
      '--mirror-allow: "10.0.0.0/99" is not a range of addresses',
    );
  });

  it('of a key that is a folder', async () => {
    expect(await refusal([...ownFolders(), '--service-key', folder.path])).toContain(
      `the key file ${folder.path} is not a file`,
    );
  });
});

/** The exit code of what says nothing against the store. */
const UNTRIED = 75;

describe('an object store', () => {
  let bucket: TestBucket;
  beforeAll(async () => {
    bucket = await startR2();
  });
  afterAll(() => bucket.close());

  const s3 = (changes: Partial<Pick<TestBucket, 'bucket' | 'endpoint' | 'credentials'>> = {}) => {
    const { bucket: name, endpoint, credentials } = { ...bucket, ...changes };
    count++;
    return [
      ['--store', `s3://${name}/${bucket.prefix}`, '--cache', join(folder.path, `cache-${count}`)],
      {
        CAIRN_S3_ENDPOINT: endpoint,
        CAIRN_S3_REGION: bucket.region,
        AWS_ACCESS_KEY_ID: credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      },
    ] as const;
  };

  it('is accepted if it keeps its promises', async () => {
    await using server = await serveCommand(...s3());
    expect(await (await fetch(`${server.url}/readyz`)).json()).toEqual({ status: 'ready' });
  });

  const stub = ({ options }: StubS3) => {
    const { endpoint = '', bucket: name, credentials = { accessKeyId: '', secretAccessKey: '' } } = options;
    return s3({ endpoint, bucket: name, credentials });
  };

  it('is refused without conditional writes', async () => {
    await using store = await startStubS3({ ignoreConditions: true });
    expect(await refusal(...stub(store))).toMatch(/cannot be trusted with repositories \(.*create.*\)/);
  });

  it('is refused if it lets two racers win', async () => {
    await using store = await startStubS3({ gapBeforeWrite: 20 });
    expect(await refusal(...stub(store))).toMatch(/cannot be trusted with repositories \(.*at once.*\)/);
  });

  it('is used without a check only if requested, with a warning', async () => {
    await using store = await startStubS3({ ignoreConditions: true });
    const [flags, environment] = stub(store);
    await using server = await serveCommand([...flags, '--probe', 'off'], environment);
    expect(server.log()).toContain('PROBE OFF');
  });

  it('is reported as “could not try” or “broken promise”, by words, exit code and log, at start and by cairn probe (issue 11, point 20)', async () => {
    await using shut = await startStubS3({ refusesAll: [403, 'AccessDenied'] });
    await using broken = await startStubS3({ ignoreConditions: true });
    for (const [store, exitCode, words, verdict] of [
      [shut, UNTRIED, 'could not be tried', 'untried'],
      [broken, 1, 'broke a promise', 'broken'],
    ] as const) {
      const [flags, environment] = stub(store);
      const served = await runCommand(['serve', '--port', '0', ...flags], {
        CAIRN_SERVICE_KEY: SERVICE_KEY_FILE,
        ...environment,
      });
      expect(served.exitCode, served.stderr).toBe(exitCode);
      expect(served.stderr).toContain(words);
      const logged = served.stderr.split('\n').filter((line) => line.includes('"verdict"'));
      expect(logged.map((line) => JSON.parse(line))).toMatchObject([{ verdict }]);
      const probed = await runCommand(['probe', ...flags], environment);
      expect(probed.exitCode, probed.stderr).toBe(exitCode);
      expect(probed.stdout).toMatch(
        verdict === 'untried' ? /^verdict could not be tried/m : /^verdict does not keep/m,
      );
      const json = await runCommand(['probe', '--json', ...flags], environment);
      expect(JSON.parse(json.stdout)).toMatchObject({ ok: false, failure: { is: verdict } });
    }
  });

  it('is not probed again by commands beside a server, for any cache folder and any age of the verdict (issue 11, point 20)', async () => {
    await using store = await startStubS3(CEPH);
    const [flags, environment] = stub(store);
    await using server = await spawnServer(flags, environment);
    expect(server.url).toMatch(/^http:/);
    const probed = () => store.log.filter((line) => /\/(case-|race\/)/.test(decodeURIComponent(line))).length;
    const before = probed();
    expect(before).toBeGreaterThan(50);
    const elsewhere = ['--cache', join(folder.path, 'cache-of-commands')];
    for (const more of [[], elsewhere]) {
      const name = `${OWNER}/beside-${more.length}`;
      const created = await runCommand(['repo', 'create', name, ...flags, ...more], environment);
      expect(created).toMatchObject({ exitCode: 0, stderr: '' });
    }
    expect(probed()).toBe(before);
  });

  it('that behaves like Ceph is accepted, with the profile that the probe finds (issue 11, point 21)', async () => {
    await using store = await startStubS3(CEPH);
    const [flags, environment] = stub(store);
    const created = await runCommand(
      ['repo', 'create', `${OWNER}/made-here`, '--head', 'trunk', ...flags],
      environment,
    );
    expect(created).toMatchObject({ exitCode: 0, stderr: '' });
    const redirected = await runCommand(
      ['repo', 'set-head', `${OWNER}/made-here`, 'main', ...flags],
      environment,
    );
    expect(redirected).toMatchObject({ exitCode: 0, stderr: '' });
    await using server = await serveCommand(flags, environment);
    const work = await new GitClient(folder.path).init('ceph');
    await work.commit('first', { a: '1\n' });
    await work.run(['push', repositoryUrl(server, 'ceph'), 'main']);
    const second = await work.commit('second', { a: '2\n' });
    await work.run(['push', repositoryUrl(server, 'ceph'), 'main']);
    expect(await work.run(['ls-remote', repositoryUrl(server, 'ceph'), 'main'])).toContain(second);
  });

  it('is refused with the wrong bucket', async () => {
    expect(await refusalOfProcess(...s3({ bucket: 'no-such-bucket' }), UNTRIED)).toMatch(
      /could not be tried.*no-such-bucket/,
    );
  });

  it('is refused with the wrong credentials', async () => {
    const credentials = { ...bucket.credentials, secretAccessKey: 'wrong' };
    expect(await refusal(...s3({ credentials }), UNTRIED)).toMatch(
      /credentials|SignatureDoesNotMatch|refused|denied/i,
    );
  });

  it('is refused if it cannot be reached', async () => {
    const said = await refusal(...s3({ endpoint: 'http://127.0.0.1:1' }), UNTRIED);
    expect(said).toMatch(/could not be tried.*127\.0\.0\.1:1/);
  });

  it('is refused if it never answers', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    const said = await refusal(...s3({ endpoint: `http://127.0.0.1:${port}` }), UNTRIED);
    expect(said).toContain(`127.0.0.1:${port}`);
    silent.closeAllConnections();
    silent.close();
  });
});

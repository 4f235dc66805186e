import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GitCommand } from '../../../src/git-process/commands.ts';
import { Git } from '../../../src/git-process/git.ts';
import { gitScript } from '../../helpers/git-script.ts';
import { isAlive } from '../../helpers/is-alive.ts';
import { type TempDir, tempDir } from '../../helpers/temp-dir.ts';
import { until } from '../../helpers/until.ts';

let folder: TempDir;

beforeEach(async () => {
  folder = await tempDir();
});

afterEach(() => folder[Symbol.asyncDispose]());

/** A `git` that is the shell script given. */
async function scripted(script: string): Promise<Git> {
  return new Git({ binary: await gitScript(join(folder.path, 'git'), script), home: folder.path });
}

const command: GitCommand = { name: 'anything', args: ['--option'] };

describe('a git process', () => {
  it('gets its arguments and its input, and returns output and exit code as a result', async () => {
    const git = await scripted('echo "$@"; cat; echo broken >&2; exit 7');
    const result = await git.run(command, { input: 'input' });
    expect(result).toEqual({
      exitCode: 7,
      signal: null,
      cancelled: false,
      stderr: 'broken\n',
      stdout: Buffer.from('anything --option\ninput'),
    });
    expect(git.running).toBe(0);
  });

  it('that does not read its input causes no error', async () => {
    const git = await scripted('exit 0');
    const result = await git.run(command, { input: Buffer.alloc(4 * 1024 * 1024) });
    expect(result.exitCode).toBe(0);
  });

  it('gets its input in pieces, and need not read all of it', async () => {
    const pieces = async function* () {
      for (let n = 0; n < 10_000; n++) yield Buffer.from(`line ${n}\n`);
    };
    const counted = await (await scripted('wc -l')).run(command, { input: pieces() });
    expect(counted.stdout.toString().trim()).toBe('10000');
    const ended = await (await scripted('exit 3')).run(command, { input: pieces() });
    expect(ended.exitCode).toBe(3);
  });

  it('is ended if its input fails', async () => {
    const broken = async function* () {
      yield Buffer.from('a line\n');
      throw new Error('the input is damaged');
    };
    const git = await scripted('cat');
    await expect(git.run(command, { input: broken() })).rejects.toThrow('the input is damaged');
    expect(git.running).toBe(0);
  });

  it('that is ended by a signal returns the signal', async () => {
    const git = await scripted('kill -9 $$');
    expect(await git.run(command)).toMatchObject({ exitCode: null, signal: 'SIGKILL', cancelled: false });
  });

  it('keeps only the end of its standard error', async () => {
    const git = await scripted(
      'i=0; while [ $i -lt 3000 ]; do echo "line $i of a long complaint" >&2; i=$((i+1)); done',
    );
    const { stderr } = await git.run(command);
    expect(Buffer.byteLength(stderr)).toBeLessThanOrEqual(16 * 1024);
    expect(stderr).toMatch(/line 2999 of a long complaint\n$/);
  });

  it('is stopped if it prints more than the limit', async () => {
    const git = await scripted('exec yes');
    await expect(git.run(command, { maxOutput: 100_000 })).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining('more than 100000 bytes'),
    });
    expect(git.running).toBe(0);
  });

  it('is stopped with its children if it prints more than the limit (issue 12, point 5)', async () => {
    const pidFile = join(folder.path, 'pid');
    const git = await scripted(`sleep 600 & echo $! >'${pidFile}'; exec yes`);
    await expect(git.run(command, { maxOutput: 100_000 })).rejects.toMatchObject({ kind: 'unavailable' });
    const child = Number(await readFile(pidFile, 'utf8'));
    await expect.poll(() => isAlive(child)).toBe(false);
  });

  it('that cannot be started is an error', async () => {
    const git = new Git({ binary: join(folder.path, 'absent'), home: folder.path });
    expect(() => git.start(command)).toThrow(expect.objectContaining({ kind: 'unavailable' }));
    await expect(git.run(command)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(git.running).toBe(0);
  });

  it('that the system refuses to start is an error at once', async () => {
    const git = await scripted('exit 0');
    const long = { ...command, args: ['x'.repeat(8 * 1024 * 1024)] };
    await expect(git.run(long)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(git.running).toBe(0);
  });

  it('is observed from its start to its end', async () => {
    const seen: string[] = [];
    const binary = join(folder.path, 'git');
    await writeFile(binary, '#!/bin/sh\nexit 3\n');
    await chmod(binary, 0o755);
    const git = new Git({
      binary,
      home: folder.path,
      observer: {
        started: (name) => seen.push(`started ${name}`),
        ended: (name, seconds, ok) => seen.push(`ended ${name} ${ok} ${seconds >= 0}`),
      },
    });
    await git.run(command);
    expect(seen).toEqual(['started anything', 'ended anything false true']);
  });
});

describe('stopping a git process', () => {
  /** Prints its own process id and that of a child, then waits for a minute. */
  const withChild = 'sleep 60 & echo $$ $!; wait';

  async function pids(git: Git, signal?: AbortSignal) {
    const running = git.start(command, signal === undefined ? {} : { signal });
    running.stderr.resume();
    const [first] = await new Promise<Buffer[]>((resolve) =>
      running.stdout.once('data', (chunk) => resolve([chunk])),
    );
    const [own = 0, child = 0] = String(first).trim().split(' ').map(Number);
    return { running, own, child };
  }

  it('ends its children as well', async () => {
    const git = await scripted(withChild);
    const { running, own, child } = await pids(git);
    expect(isAlive(child)).toBe(true);
    running.stop();
    running.stdout.resume();
    expect(await running.ended).toMatchObject({ cancelled: true, signal: 'SIGTERM' });
    await until(() => !isAlive(own) && !isAlive(child));
    expect(git.running).toBe(0);
    running.stop();
  });

  it('happens if its signal is aborted', async () => {
    const git = await scripted(withChild);
    const gone = new AbortController();
    const { running, child } = await pids(git, gone.signal);
    gone.abort();
    running.stdout.resume();
    expect((await running.ended).cancelled).toBe(true);
    await until(() => !isAlive(child));
  });

  it('is not needed if its signal is aborted before the start', async () => {
    const git = await scripted(withChild);
    const gone = AbortSignal.abort(new Error('the client has gone'));
    expect(() => git.start(command, { signal: gone })).toThrow('the client has gone');
    await expect(git.run(command, { signal: gone })).rejects.toThrow('the client has gone');
    expect(git.running).toBe(0);
  });

  it('kills a process that ignores the first signal', async () => {
    const git = await scripted('trap "" TERM; echo $$ $$; while :; do sleep 0.1; done');
    const { running, own } = await pids(git);
    const began = performance.now();
    running.stop();
    running.stdout.resume();
    expect(await running.ended).toMatchObject({ cancelled: true, signal: 'SIGKILL' });
    expect(performance.now() - began).toBeGreaterThan(1_500);
    expect(isAlive(own)).toBe(false);
  });

  it('happens to all of them at the end', async () => {
    const git = await scripted(withChild);
    const all = await Promise.all([pids(git), pids(git), pids(git)]);
    expect(git.running).toBe(3);
    for (const { running } of all) running.stdout.resume();
    await git.close();
    expect(git.running).toBe(0);
    await until(() => all.every(({ own, child }) => !isAlive(own) && !isAlive(child)));
  });
});

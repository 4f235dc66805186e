/** Processes run briefly, by the launcher and without it: who starts them makes no difference. */

import { readFileSync } from 'node:fs';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GitCommand } from '../../../src/git-process/commands.ts';
import { briefInput, Git } from '../../../src/git-process/git.ts';
import { Launcher } from '../../../src/git-process/launcher.ts';
import { isAlive } from '../../helpers/is-alive.ts';
import { type TempDir, tempDir } from '../../helpers/temp-dir.ts';
import { until } from '../../helpers/until.ts';

const command: GitCommand = { name: 'anything', args: ['--option'], variables: { MARK: 'a b' } };

/** Linux may weigh sessions against each other, and then does not look at what is in them. */
const GROUPS_OF_SESSIONS = isOn('/proc/sys/kernel/sched_autogroup_enabled');

let folder: TempDir;
const opened: Git[] = [];
const launchers: Launcher[] = [];

function newLauncher(): Launcher {
  const launcher = new Launcher();
  launchers.push(launcher);
  return launcher;
}

beforeEach(async () => {
  folder = await tempDir();
});

afterEach(async () => {
  for (const git of opened.splice(0)) await git.close();
  for (const launcher of launchers.splice(0)) await launcher.close();
  await folder[Symbol.asyncDispose]();
});

function isOn(path: string): boolean {
  try {
    return readFileSync(path, 'utf8').trim() === '1';
  } catch {
    return false;
  }
}

/** Looks that a script takes before it gives up: ten seconds. */
const TRIES = 100;

/** Shell: reads how often to look, and waits until a command prints what is wanted. Priority is set after the start. */
function waitsFor(look: string, wanted: string): string {
  return `read tries; while [ "$tries" -gt 0 ] && [ "$(${look})" != "${wanted}" ]; do tries=$((tries - 1)); sleep 0.1; done`;
}

describe.each([
  ['the launcher', true],
  ['this process', false],
])('a git process run briefly by %s', (_by, launched) => {
  const seen: string[] = [];

  /** A `git` that is the shell script given. */
  async function scripted(script: string): Promise<{ git: Git; launcher: Launcher | undefined }> {
    const binary = join(folder.path, 'git');
    await writeFile(binary, `#!/bin/sh\n${script}\n`);
    await chmod(binary, 0o755);
    return gitOf(binary);
  }

  async function gitOf(binary: string) {
    seen.length = 0;
    const observer = {
      started: (name: string) => seen.push(`started ${name}`),
      ended: (name: string, _seconds: number, ok: boolean) => seen.push(`ended ${name} ${ok}`),
    };
    const launcher = launched ? newLauncher() : undefined;
    if (launcher !== undefined) await until(() => launcher.ready);
    const git = new Git({ binary, home: folder.path, observer, ...(launcher && { launcher }) });
    opened.push(git);
    return { git, launcher };
  }

  it('returns output and exit code as a result, and gets arguments, environment and input', async () => {
    const { git } = await scripted('echo "$@ $MARK"; cat; echo broken >&2; exit 7');
    expect(await git.brief(command, { input: 'input' })).toEqual({
      exitCode: 7,
      signal: null,
      cancelled: false,
      stderr: 'broken\n',
      stdout: Buffer.from('anything --option a b\ninput'),
      cut: false,
    });
    expect(git.running).toBe(0);
    expect(seen).toEqual(['started anything', 'ended anything false']);
  });

  it('gets its input bytes unchanged, and is started by this process if they are very many', async () => {
    const { git } = await scripted('cat');
    for (const size of [0, 3, briefInput, briefInput + 1]) {
      const input = Buffer.alloc(size, 'a\0é\xff', 'latin1');
      const { stdout } = await git.brief(command, { input, keepOutput: size });
      expect(stdout.equals(input)).toBe(true);
    }
  });

  it('returns only the beginning of its output, and the end of its standard error', async () => {
    const { git } = await scripted(
      'i=0; while [ $i -lt 3000 ]; do echo "line $i of a long complaint" >&2; i=$((i+1)); done; head -c 3000000 /dev/zero',
    );
    const { stdout, stderr, cut } = await git.brief(command, { keepOutput: 1_000 });
    expect([stdout.length, cut]).toEqual([1_000, true]);
    expect(Buffer.byteLength(stderr)).toBeLessThanOrEqual(16 * 1024);
    expect(stderr).toMatch(/line 2999 of a long complaint\n$/);
  });

  it('is ended when it has printed enough, if requested', async () => {
    // It would print for ever.
    const { git } = await scripted('exec cat /dev/zero');
    const { stdout, cut, exitCode } = await git.brief(command, { keepOutput: 1_000, stopWhenCut: true });
    expect([stdout.length, cut, exitCode === 0]).toEqual([1_000, true, false]);
  });

  it('that does not read its input causes no error', async () => {
    const { git } = await scripted('exit 0');
    expect((await git.brief(command, { input: Buffer.alloc(briefInput) })).exitCode).toBe(0);
  });

  it('yields the processor to others if nobody with a right waits for it', async () => {
    const { git } = await scripted(`${waitsFor('nice', '10')}; exec nice`);
    const niceness = async (more: { readonly niceness?: number }, tries: number) =>
      Number((await git.brief({ ...command, ...more }, { input: `${tries}\n` })).stdout.toString());
    expect(await niceness({}, 0)).not.toBe(10);
    expect(await niceness({ niceness: 10 }, TRIES)).toBe(10);
  });

  it.runIf(GROUPS_OF_SESSIONS)(
    'yields as a whole session, which Linux weighs as one, however many processes it has (issue 11, point 8)',
    async () => {
      const { git } = await scripted(
        `${waitsFor("cat /proc/self/autogroup | sed 's/.* nice //'", '10')}; exec cat /proc/self/autogroup`,
      );
      const group = async (more: Partial<GitCommand>, tries: number) =>
        (await git.brief({ ...command, ...more }, { input: `${tries}\n` })).stdout.toString();
      expect(await group({}, 0)).toMatch(/ nice 0\n$/);
      expect(await group({ niceness: 10, standsBackAsSession: true }, TRIES)).toMatch(/ nice 10\n$/);
    },
  );

  it('that is ended by a signal returns the signal', async () => {
    const { git } = await scripted('kill -9 $$');
    expect(await git.brief(command)).toMatchObject({ exitCode: null, signal: 'SIGKILL', cancelled: false });
  });

  it('that cannot be started is an error', async () => {
    const { git } = await gitOf(join(folder.path, 'absent'));
    await expect(git.brief(command)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(git.running).toBe(0);
  });

  it('ends with its children when its signal is aborted, and is not started after that', async () => {
    const pids = join(folder.path, 'pids');
    const { git } = await scripted(`sleep 60 & echo $$ $! > '${pids}.new'; mv '${pids}.new' '${pids}'; wait`);
    const gone = new AbortController();
    const running = git.brief(command, { signal: gone.signal });
    const [own = 0, child = 0] = await pidsIn(pids);
    expect(git.running).toBe(1);
    gone.abort(new Error('gone'));
    expect(await running).toMatchObject({ cancelled: true, signal: 'SIGTERM', exitCode: null });
    await until(() => !isAlive(own) && !isAlive(child));
    await expect(git.brief(command, { signal: gone.signal })).rejects.toThrow('gone');
    expect(git.running).toBe(0);
  });

  it('ends when all processes are ended', async () => {
    const pids = join(folder.path, 'pids');
    const { git } = await scripted(`echo $$ > '${pids}.new'; mv '${pids}.new' '${pids}'; exec sleep 60`);
    const running = git.brief(command);
    const [own = 0] = await pidsIn(pids);
    await git.close();
    expect((await running).cancelled).toBe(true);
    await until(() => !isAlive(own));
  });
});

describe('the launcher', () => {
  it('is replaced by another one if it was killed', async () => {
    const binary = join(folder.path, 'git');
    const parent = join(folder.path, 'parent');
    await writeFile(binary, `#!/bin/sh\necho $PPID > '${parent}.new'; mv '${parent}.new' '${parent}'\n$1\n`);
    await chmod(binary, 0o755);
    const launcher = newLauncher();
    await until(() => launcher.ready);
    const git = new Git({ binary, home: folder.path, launcher });
    opened.push(git);
    await git.brief({ name: 'true', args: [] });
    const [first = 0] = await pidsIn(parent);
    expect(first).not.toBe(process.pid);
    process.kill(first, 'SIGKILL');
    await until(() => !isAlive(first));
    await until(() => launcher.ready);
    expect((await git.brief({ name: 'true', args: [] })).exitCode).toBe(0);
    const [second = 0] = await pidsIn(parent);
    expect([first, process.pid]).not.toContain(second);
  });

  it('fails its running processes if it is killed, and nothing hangs', async () => {
    const binary = join(folder.path, 'git');
    const pids = join(folder.path, 'pids');
    await writeFile(
      binary,
      `#!/bin/sh\necho $PPID $$ > '${pids}.new'; mv '${pids}.new' '${pids}'; exec sleep 60\n`,
    );
    await chmod(binary, 0o755);
    const launcher = newLauncher();
    await until(() => launcher.ready);
    const git = new Git({ binary, home: folder.path, launcher });
    opened.push(git);
    const running = git.brief(command);
    const [by = 0, own = 0] = await pidsIn(pids);
    process.kill(by, 'SIGKILL');
    await expect(running).rejects.toMatchObject({ kind: 'unavailable' });
    expect(git.running).toBe(0);
    process.kill(own, 'SIGKILL');
  });
});

async function pidsIn(path: string): Promise<number[]> {
  let text = '';
  await until(async () => {
    text = await readFile(path, 'utf8').catch(() => '');
    return text !== '';
  });
  return text.trim().split(' ').map(Number);
}

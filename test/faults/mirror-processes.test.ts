/** Programs in place of `ssh` and git that do what a remote must not do. */
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Session } from '../../src/mirror/remote/connection.ts';
import { type ConnectionOptions, openConnection } from '../../src/mirror/remote/open-connection.ts';
import { textsOf } from '../helpers/mirror-session.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const { signal } = new AbortController();
let temp: TempDir;
let programs = 0;

beforeAll(async () => {
  temp = await tempDir();
});
afterAll(() => temp[Symbol.asyncDispose]());

/** What a repository without refs advertises. */
const NOTHING = '0000';

/** Opens a conversation with a shell script in place of git. */
async function converse(script: string, options: ConnectionOptions = {}): Promise<Session> {
  programs += 1;
  const git = join(temp.path, `program-${programs}`);
  await writeFile(git, `#!/bin/sh\n${script}\n`);
  await chmod(git, 0o755);
  const connection = openConnection({ kind: 'local', path: temp.path }, { ...options, git });
  const session = await connection.open('git-receive-pack', { version: 0, signal });
  onTestFinished(() => session[Symbol.asyncDispose]());
  return session;
}

/** A body without an end, which notes how often it was closed. */
function endless() {
  const body = { closed: 0 };
  const iterator: AsyncIterator<Buffer> = {
    next: async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return { done: false, value: Buffer.alloc(64 * 1024) };
    },
    return: async () => {
      body.closed += 1;
      return { done: true, value: undefined };
    },
  };
  return Object.assign(body, { [Symbol.asyncIterator]: () => iterator });
}

describe('a program', () => {
  it('that advertises without end is ended after 64 MiB', async () => {
    const session = await converse(`while :; do printf 'fff0'; head -c 65516 /dev/zero; done`);
    await expect(textsOf(session.advertisement)).rejects.toMatchObject({ kind: 'too-large' });
  });

  it('that writes nothing for long is ended', async () => {
    const session = await converse('sleep 1000', { waitingTimes: { advertisement: 100 } });
    await expect(textsOf(session.advertisement)).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining('nothing has moved for 0.1 s'),
      facts: { brokenOff: true },
    });
  });

  it('that ignores the first signal is killed', async () => {
    const session = await converse(`trap '' TERM; printf '${NOTHING}'; while :; do sleep 1; done`, {
      waitingTimes: { silence: 100 },
    });
    await session.advertisement.next();
    const answer = await session.request(Buffer.from('0000'), { last: true, signal });
    await expect(answer.next()).rejects.toMatchObject({ kind: 'unavailable' });
    await session[Symbol.asyncDispose]();
  });

  it('that ends within a packet is reported as cut off', async () => {
    const session = await converse(`printf '00ffhalf'`);
    await expect(session.advertisement.next()).rejects.toMatchObject({ kind: 'corrupt' });
  });

  it('that fails is reported with its last lines, without control sequences', async () => {
    const session = await converse(`printf 'one\\ntwo \\033[31mred\\n' >&2; exit 7`);
    await expect(session.advertisement.next()).rejects.toMatchObject({
      message: expect.stringMatching(/: one; two red$/),
      facts: { exitCode: 7 },
    });
  });

  it('that fails during a pack is reported with its own error, and the body is closed once', async () => {
    const session = await converse(
      `printf '${NOTHING}'; head -c 100000 >/dev/null; echo 'fatal: the disk is full' >&2; exit 1`,
    );
    await session.advertisement.next();
    const body = endless();
    const answer = await session.request(body, { last: true, signal });
    await expect(answer.next()).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining('the disk is full'),
      facts: { brokenOff: true, sent: expect.any(Number) },
    });
    await session[Symbol.asyncDispose]();
    expect(body.closed).toBe(1);
  });

  it('whose input fails does not accept half of the input', async () => {
    const log = join(temp.path, 'input');
    const session = await converse(
      // The trap is there before anybody can send the signal.
      `trap 'echo ended > "${log}"; exit' TERM; printf '${NOTHING}'; exec 3<&0; cat <&3 >/dev/null & wait; echo whole > "${log}"`,
    );
    await session.advertisement.next();
    const body = async function* () {
      yield Buffer.from('half');
      throw new Error('the source failed');
    };
    const answer = await session.request(body(), { last: true, signal });
    await expect(answer.next()).rejects.toThrow('the source failed');
    await session[Symbol.asyncDispose]();
    expect(await readFile(log, 'utf8')).toBe('ended\n');
  });

  it('that writes without end to standard error uses bounded memory', async () => {
    let lines = 0;
    let longest = 0;
    const onMessage = (line: string) => {
      lines += 1;
      longest = Math.max(longest, line.length);
    };
    const session = await converse(`head -c 20000000 /dev/zero | tr '\\0' x >&2; printf '${NOTHING}'`, {
      onMessage,
    });
    await session.advertisement.next();
    expect(lines).toBeGreaterThan(100);
    expect(longest).toBeLessThanOrEqual(4_096);
  });
});

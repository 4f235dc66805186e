/**
 * Recorded answers share a disk with the artifact cache and with pushes. When it is full they are the first to go, and an
 * answer that no longer fits on it still reaches everybody who follows it.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { sha256 } from '../../src/lib/digest.ts';
import { messageOf } from '../../src/lib/errors.ts';
import { ResponseCache } from '../../src/transfer/fetch/response-cache.ts';
import { reader, script } from '../helpers/scripted-answers.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const KIB = 1024;

let folder: TempDir;
/** A disk of 4 MiB. */
let disk: string;
let cache: ResponseCache;

beforeEach(async (context) => {
  folder = await tempDir('cairn-full');
  disk = join(folder.path, 'disk');
  await mkdir(disk);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk], { stdio: 'pipe' });
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    const reason = `no small disk can be mounted here: ${messageOf(error).trim()}`;
    console.warn(`skipped: ${reason}`);
    context.skip(reason);
  }
  cache = new ResponseCache({ folder: join(disk, 'answers'), budget: 2 ** 30 });
  await cache.open();
});

afterEach(async () => {
  await cache.close();
  execFileSync('umount', [disk], { stdio: 'pipe' });
  await folder[Symbol.asyncDispose]();
});

async function serve(name: string, bytes: Buffer): Promise<string> {
  const to = reader();
  const question = { repository: 'r', manifest: sha256('m'), request: sha256(name) };
  const from = await cache.serve(question, to, new AbortController().signal, async (sink) => {
    for (let at = 0; at < bytes.length; at += 60_000) await sink.write(bytes.subarray(at, at + 60_000));
  });
  return to.bytes().equals(bytes) ? from : 'something else';
}

async function fillDisk(leave: number): Promise<void> {
  const { bavail, bsize } = await statfs(disk);
  await writeFile(join(disk, 'ballast'), Buffer.alloc(bavail * bsize - leave));
}

it('an answer is recorded until the disk is full, then passed on, and every client gets all of it', async () => {
  // In the middle of a piece, so that the disk takes a part of it.
  await fillDisk(100 * KIB);
  const question = { repository: 'r', manifest: sha256('m'), request: sha256('q') };
  await serve('q', Buffer.from('first'));
  const bytes = randomBytes(900 * KIB);
  const git = script();
  const askings = [reader(), reader({ paused: true }), reader()].map((to) => ({
    to,
    ended: cache.serve(question, to, new AbortController().signal, git.produce),
  }));
  const writing = (async () => {
    for (let at = 0; at < bytes.length; at += 30_000) await git.write(bytes.subarray(at, at + 30_000));
    git.end();
  })();
  await askings[0]?.to.has(100 * KIB);
  askings[1]?.to.resume();
  await writing;
  expect(await Promise.all(askings.map(({ ended }) => ended))).toEqual(['produced', 'followed', 'followed']);
  for (const { to } of askings) expect(to.bytes().equals(bytes)).toBe(true);
  await cache.close();
  expect(await readdir(join(disk, 'answers'))).toEqual([]);
});

it('older answers are removed for a new one', async () => {
  const bytes = randomBytes(1500 * KIB);
  for (const name of ['one', 'two', 'three']) {
    await serve(name, bytes);
    expect(await serve(name, bytes)).toBe('produced');
    expect(await serve(name, bytes)).toBe('cached');
  }
  expect(await serve('one', bytes)).toBe('produced');
});

it('all recordings are removed if others need the space', async () => {
  for (let time = 0; time < 2; time++) await serve('q', randomBytes(1500 * KIB));
  const before = await statfs(disk);
  await cache.relieve();
  const after = await statfs(disk);
  expect((after.bavail - before.bavail) * after.bsize).toBeGreaterThanOrEqual(1500 * KIB);
  await rm(join(disk, 'answers'), { recursive: true });
});

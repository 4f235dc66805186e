/** The disk of the cache folder is full: whoever needs room is told so, the rest goes on, and room is enough to recover. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { messageOf, systemCode } from '../../src/lib/errors.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import type { App } from '../../src/server/app.ts';
import { GitClient } from '../helpers/git-client.ts';
import { repositoryUrl, startServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const MIB = 2 ** 20;
const SMALL = 4;
const ENOUGH = 64;
const NO_SPACE = /no disk space left/;
const PUSH_REFUSED = /! \[remote rejected\] main -> main \(.*no disk space left.*\)/;

let folder: TempDir;
let user: GitClient;
let store: MemoryObjectStore;
/** A server with all the room it wants. */
let roomy: App;

beforeAll(async () => {
  folder = await tempDir('cairn-full-disk');
  user = new GitClient(folder.path);
  store = new MemoryObjectStore();
  roomy = await startServer({ store });
});

afterAll(async () => {
  await roomy.close();
  await folder[Symbol.asyncDispose]();
});

beforeEach(async (context) => {
  const path = await mkdtemp(join(folder.path, 'try-'));
  try {
    mountDisk(path);
    unmountDisk(path);
  } catch (error) {
    const reason = `no small disk can be mounted here: ${messageOf(error).trim()}`;
    console.warn(`skipped: ${reason}`);
    context.skip(reason);
  }
});

function mountDisk(path: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SMALL}m`, 'tmpfs', path], { stdio: 'pipe' });
}

function unmountDisk(path: string): void {
  execFileSync('umount', [path], { stdio: 'pipe' });
}

/** A server over the same store whose cache folder is on a disk of 4 MiB. */
async function startCramped() {
  const disk = await mkdtemp(join(folder.path, 'disk-'));
  mountDisk(disk);
  let server: App | undefined;
  const close = async () => {
    await server?.close();
    unmountDisk(disk);
  };
  try {
    server = await startServer({ store, flags: { cache: join(disk, 'cache') } });
  } catch (error) {
    await close();
    throw error;
  }
  return {
    url: server.url,
    /** Has the disk enlarged. */
    enlarge: () => execFileSync('mount', ['-o', `remount,size=${ENOUGH}m`, disk]),
    /** Fills the disk to the last byte; returns the file that does. */
    fill: () => fill(join(disk, 'filler')),
    /** What is left of pushes. */
    scratch: () => readdir(join(disk, 'cache', 'scratch')),
    [Symbol.asyncDispose]: close,
  };
}

async function fill(path: string): Promise<string> {
  try {
    await writeFile(path, Buffer.alloc(2 * SMALL * MIB));
  } catch (error) {
    if (systemCode(error) === 'ENOSPC') return path;
    throw error;
  }
  throw new Error('the disk took more than it holds');
}

/** Publishes a repository with one file of random bytes through the server that has room; returns its author. */
async function publish(name: string, bytes: number): Promise<GitClient> {
  const author = await user.init(name);
  await author.commit('Begin', { data: randomBytes(bytes) });
  await author.run(['push', '--quiet', repositoryUrl(roomy, name), 'main']);
  return author;
}

let copies = 0;
/** Clones, and checks the copy, or that there is none. */
async function clone(url: string, ...settings: string[]) {
  const copy = `copy-${++copies}`;
  const { exitCode, stderr } = await user.with(...settings).try(['clone', '--quiet', url, copy]);
  if (exitCode === 0) await user.at(copy).run(['fsck', '--full']);
  else expect(existsSync(join(folder.path, copy))).toBe(false);
  return { exitCode, stderr };
}

const CLONED = { exitCode: 0, stderr: '' };

it('a repository larger than the disk is refused with that reason, smaller ones are served, and more space is enough', async () => {
  const author = await publish('large', 6 * MIB);
  await publish('small', 1_000);
  await using cramped = await startCramped();
  const url = repositoryUrl(cramped, 'large');

  for (const version of [0, 1, 2]) {
    const refused = await clone(url, `protocol.version=${version}`);
    expect(refused.exitCode).toBe(128);
    expect(refused.stderr).toMatch(NO_SPACE);
    expect(await clone(repositoryUrl(cramped, 'small'))).toEqual(CLONED);
  }
  // A push needs what it builds on as much as a clone does.
  const idle = await cramped.scratch();
  const tip = await author.commit('Go on', { more: 'more\n' });
  const pushed = await author.try(['push', url, 'main']);
  expect(pushed.exitCode).toBe(1);
  expect(pushed.stderr).toMatch(PUSH_REFUSED);
  await expect.poll(cramped.scratch).toEqual(idle);

  cramped.enlarge();
  expect(await clone(url)).toEqual(CLONED);
  await author.run(['push', '--quiet', url, 'main']);
  expect(await author.run(['ls-remote', repositoryUrl(roomy, 'large'), 'main'])).toContain(tip);
});

it('a push larger than the disk is refused with that reason, and leaves its space to the next one', async () => {
  await using cramped = await startCramped();
  const url = repositoryUrl(cramped, 'pushed');
  const author = await user.init('pushed');
  await author.commit('Little', { README: 'little\n' });
  await author.run(['branch', 'little']);
  await author.commit('Too much', { data: randomBytes(6 * MIB) });
  const idle = await cramped.scratch();

  const refused = await author.try(['push', url, 'main']);
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).toMatch(PUSH_REFUSED);
  await expect.poll(cramped.scratch).toEqual(idle);
  expect((await user.try(['ls-remote', url])).stderr).toContain('repository not found');

  await author.run(['push', '--quiet', url, 'little']);
  expect(await clone(url)).toEqual(CLONED);
  cramped.enlarge();
  await author.run(['push', '--quiet', url, 'main']);
  expect(await clone(url)).toEqual(CLONED);
});

it('a disk filled by others is reported until they free space', async () => {
  const author = await publish('late', 1_000);
  await using cramped = await startCramped();
  const url = repositoryUrl(cramped, 'late');
  const filler = await cramped.fill();

  const refused = await clone(url);
  expect(refused.exitCode).toBe(128);
  expect(refused.stderr).toMatch(NO_SPACE);
  const tip = await author.commit('Go on', { more: 'more\n' });
  const pushed = await author.try(['push', url, 'main']);
  expect(pushed.exitCode).toBe(1);
  expect(pushed.stderr).toMatch(PUSH_REFUSED);
  // What needs no room goes on.
  expect(await user.run(['ls-remote', url, 'main'])).not.toContain(tip);

  await rm(filler);
  expect(await clone(url)).toEqual(CLONED);
  await author.run(['push', '--quiet', url, 'main']);
  expect(await user.run(['ls-remote', url, 'main'])).toContain(tip);
});

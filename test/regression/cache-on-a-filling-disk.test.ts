/**
 * A disk that fills up in the middle of the last write takes a part of it and says nothing: the cache kept such a file
 * as verified, and git read a pack without its end. And a disk that the cache itself had filled stayed full for what is
 * not an artifact: pushes, and the small files of snapshots.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { sha256 } from '../../src/lib/digest.ts';
import { messageOf } from '../../src/lib/errors.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { artifactKey } from '../../src/repository/keys.ts';
import { GitClient } from '../helpers/git-client.ts';
import { ID, RepositoryRig } from '../helpers/repository-rig.ts';
import { repositoryUrl, startServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const MIB = 2 ** 20;

let folder: TempDir;
/** A disk of 8 MiB. */
let disk: string;

beforeEach(async (context) => {
  folder = await tempDir('cairn-filling');
  disk = join(folder.path, 'disk');
  await mkdir(disk);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk], { stdio: 'pipe' });
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    const reason = `no small disk can be mounted here: ${messageOf(error).trim()}`;
    console.warn(`skipped: ${reason}`);
    context.skip(reason);
  }
});

afterEach(async () => {
  execFileSync('umount', [disk], { stdio: 'pipe' });
  await folder[Symbol.asyncDispose]();
});

it('a file is in the cache completely or not at all, wherever the disk is full', async () => {
  const rig = new RepositoryRig({ folder: disk });
  await rig.cache.open();
  const bytes = randomBytes(MIB);
  const ref = { digest: sha256(bytes), size: bytes.length };
  await rig.store.put(artifactKey(ID, { digest: ref.digest, kind: 'pack' }), bytes, { mode: 'create' });
  // The folder of the artifact is there, so that the disk ends in the middle of its last 64 KiB.
  await mkdir(join(disk, 'artifacts', ref.digest.slice(0, 2)));
  const { bavail, bsize } = await statfs(disk);
  const ballast = join(disk, 'ballast');
  await writeFile(ballast, Buffer.alloc(bavail * bsize - (MIB - 32 * 1024)));
  await expect(rig.cache.acquire(ID, 'pack', ref)).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringContaining('no disk space left'),
  });
  await rm(ballast);
  const file = await rig.cache.acquire(ID, 'pack', ref);
  expect(sha256(await readFile(file.path))).toBe(ref.digest);
});

it('the cache frees its space if other work needs it, and a push that has failed succeeds the next time', async () => {
  const store = new MemoryObjectStore();
  await using roomy = await startServer({ store });
  const user = new GitClient(folder.path);
  // Two repositories that fill the disk together, and a third one that does not fit beside them.
  for (const name of ['one', 'two', 'three']) {
    const author = await user.init(name);
    await author.commit('Begin', { data: randomBytes(3 * MIB) });
    await author.run(['push', '--quiet', repositoryUrl(roomy, name), 'main']);
  }
  await using cramped = await startServer({ store, flags: { cache: join(disk, 'cache') } });
  const scratch = () => readdir(join(disk, 'cache', 'scratch'));
  const idle = await scratch();
  for (const name of ['one', 'two']) await user.clone(repositoryUrl(cramped, name), `copy-of-${name}`);
  await user.clone(repositoryUrl(cramped, 'three'), 'copy-of-three');
  await user.clone(repositoryUrl(cramped, 'one'), 'another-copy-of-one');
  // Now `three` and `one` are on the disk, and the push does not fit beside them.
  const author = user.at('one');
  await author.commit('Go on', { more: randomBytes(3 * MIB) });
  const url = repositoryUrl(cramped, 'one');
  const first = await author.try(['push', url, 'main']);
  expect(first.stderr).toMatch(/remote rejected.*no disk space left/);
  // What it has left there is cleared away behind the answer.
  await expect.poll(scratch).toEqual(idle);
  await author.run(['push', '--quiet', url, 'main']);
});

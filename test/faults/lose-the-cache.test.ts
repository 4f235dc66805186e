/** Files of the cache folder are deleted while the server runs: whatever is asked of it afterwards is answered. */
import { randomBytes } from 'node:crypto';
import { readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemCode } from '../../src/lib/errors.ts';
import { formatNpub } from '../../src/nostr/public-key.ts';
import { repositoryId } from '../../src/repository/repository-id.ts';
import { CHECKED_EVERY } from '../../src/repository/snapshot/folder-check.ts';
import { GitClient } from '../helpers/git-client.ts';
import { send } from '../helpers/raw-git.ts';
import { OWNER, repositoryUrl, startServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

/** The server may write into a folder while it is deleted: no visitor waits until a page is on disk. */
const DELETED = { recursive: true, maxRetries: 10 };

let folder: TempDir;

beforeAll(async () => {
  folder = await tempDir('cairn-lost-cache');
});

afterAll(() => folder[Symbol.asyncDispose]());

/** Puts a file where a folder was. The server may make the folder again before that, for a page. */
async function putFileAt(path: string): Promise<void> {
  for (;;) {
    try {
      await writeFile(path, 'a file where the cache folder was\n');
      return;
    } catch (error) {
      if (systemCode(error) !== 'EISDIR') throw error;
      await rm(path, DELETED);
    }
  }
}

/** A server and a repository that has been pushed to, cloned, fetched and looked at, so that all caches have something. */
async function begin(name: string) {
  const server = await startServer({ overrides: { background: false } });
  const url = repositoryUrl(server, name);
  const user = new GitClient(folder.path);
  const author = await user.init(name);
  await author.addRemote(url);
  let copies = 0;
  let follower: GitClient | undefined;
  const rig = {
    cache: server.cacheFolder,
    author,
    page: (path: string) => send(`${server.url}/${formatNpub(OWNER)}/${name}${path}`),
    fold: () => server.fold(repositoryId(OWNER, name)),
    /** Pushes a commit, and has everything read: whole, as far as it is new, and as a page of a file and a history. */
    async useAll(): Promise<void> {
      const said = `round ${++copies}`;
      await author.commit(said, { data: randomBytes(3_000).toString('hex'), said });
      await author.run(['push', '--quiet', 'origin', 'main']);
      await rig.readAll();
    },
    async readAll(): Promise<void> {
      const tip = await author.run(['rev-parse', 'HEAD']);
      const copy = await user.clone(url, `${name}-copy-${++copies}`);
      expect(await copy.run(['rev-parse', 'HEAD'])).toBe(tip);
      await copy.run(['fsck', '--full', '--strict']);
      await user.clone(url, `${name}-shallow-${++copies}`, '--depth=1');
      if (follower !== undefined) {
        await follower.run(['fetch', '--quiet']);
        expect(await follower.run(['rev-parse', 'origin/main'])).toBe(tip);
      }
      follower = copy;
      for (const path of [
        '',
        '/file/main/said',
        `/file/main/data?round=${++copies}`,
        '/raw/main/data',
        `/archive/${tip}.tar.gz`,
        `/archive/${tip}.zip`,
        '/commits/main',
        `/commit/${tip}`,
      ]) {
        expect({ path, status: (await rig.page(path)).status }).toEqual({ path, status: 200 });
      }
    },
    [Symbol.asyncDispose]: server.close,
  };
  await rig.useAll();
  return rig;
}

it('artifacts that were deleted are fetched again, without one failed request', async () => {
  await using rig = await begin('artifacts');
  for (let round = 0; round < 3; round++) {
    await rm(join(rig.cache, 'artifacts'), { ...DELETED, force: true });
    // The first of these clones gets the only pack as it is stored.
    await rig.readAll();
    await rm(join(rig.cache, 'artifacts'), { ...DELETED, force: true });
    await rig.useAll();
  }
});

it.each(['snapshots', 'scratch', 'answers', 'downloads', 'refless', 'pages', 'everything'])(
  'a server goes on without the folder: %s',
  async (name) => {
    await using rig = await begin(name);
    await rig.useAll();
    const lost = name === 'everything' ? await readdir(rig.cache) : [name];
    for (const entry of lost) await rm(join(rig.cache, entry), DELETED);
    await sleep(CHECKED_EVERY);
    await rig.readAll();
    await rig.useAll();
  },
);

it('a fold makes the scratch folder again', async () => {
  await using rig = await begin('fold');
  await rig.useAll();
  await rm(join(rig.cache, 'scratch'), DELETED);
  expect(await rig.fold()).toMatchObject({ outcome: 'folded' });
  await rig.readAll();
});

it('without the cache folder itself a server goes on, and makes it again for itself alone', async () => {
  await using rig = await begin('folder');
  for (const first of [rig.readAll, rig.useAll, rig.fold]) {
    await rm(rig.cache, DELETED);
    await sleep(CHECKED_EVERY);
    await first();
    expect((await stat(rig.cache)).mode & 0o777).toBe(0o700);
    await rig.useAll();
  }
});

it('while no cache folder can be written, requests are told so, and afterwards all is well', async () => {
  await using rig = await begin('in-the-way');
  const aside = join(dirname(rig.cache), 'aside');
  await rename(rig.cache, aside);
  await putFileAt(rig.cache);
  await sleep(CHECKED_EVERY);
  await rig.author.commit('refused', { refused: 'once' });
  const push = await rig.author.try(['push', '--quiet', 'origin', 'main']);
  expect(push.stderr).toMatch(/cannot be written|try again in a moment/);
  const clone = await rig.author.try([
    'clone',
    '--quiet',
    '--depth=1',
    await rig.author.run(['remote', 'get-url', 'origin']),
    'nothing',
  ]);
  expect(clone.stderr).toMatch(/cannot be written|try again in a moment/);
  expect((await rig.page('/archive/main.zip')).status).toBe(503);
  await expect(rig.fold()).rejects.toMatchObject({ kind: 'unavailable' });
  await rm(rig.cache);
  await sleep(CHECKED_EVERY);
  await rig.author.run(['push', '--quiet', 'origin', 'main']);
  await rig.readAll();
  await rig.useAll();
});

/** What pages may cost that nobody has asked for: the git processes that each starts. */
import { readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { formatNpub } from '../../src/nostr/public-key.ts';
import { UNANNOUNCED } from '../../src/repository/manifest.ts';
import { CodeRig, textOf } from '../helpers/code-rig.ts';
import { GitClient } from '../helpers/git-client.ts';
import { OWNER, repositoryUrl, startServer } from '../helpers/server.ts';
import { tempDir } from '../helpers/temp-dir.ts';

let rig: CodeRig;

beforeAll(async () => {
  rig = await CodeRig.open();
});
afterAll(() => rig[Symbol.asyncDispose]());

it('uncached pages start few processes, also after a push, which leaves pages of commits cached', async () => {
  const { client, push, page, get } = await rig.project('budget');
  const spent = async (path: string) => {
    rig.started.length = 0;
    await page(path);
    return [...rig.started];
  };
  await client.commit('Begin', { 'src/a.ts': '1\n', 'src/deep/b.ts': '2\n', 'README.md': '# Budget\n' });
  const commits: string[] = [];
  for (let at = 0; at < 4; at++) commits.push(await client.commit(`Change ${at}`, { 'src/a.ts': `${at}\n` }));
  await push();
  expect(await spent('')).toEqual(['cat-file']);
  expect(await spent('tree/main/src')).toEqual([]);
  expect(await spent('file/main/src/a.ts')).toEqual([]);
  expect(await spent('commits/main')).toEqual([]);
  expect(await spent('commits/main/src')).toEqual(['rev-list']);
  // The first one costs less than the start of a git that stays.
  expect(await spent(`commit/${commits[0]}`)).toEqual(['diff-tree', 'diff-tree']);
  expect(await spent(`commit/${commits[1]}`)).toEqual(['diff-tree']);
  expect(await spent(`commit/${commits[2]}`)).toEqual([]);
  const before = (await get(`commit/${commits[0]}`)).headers.get('etag') ?? '';
  for (let at = 0; at < 3; at++) {
    const oid = await client.commit(`Push ${at}`, { 'src/deep/b.ts': `push ${at}\n` });
    await push();
    expect(await spent('')).toEqual([]);
    expect(await spent('tree/main/src/deep')).toEqual([]);
    expect(await spent(`commit/${oid}`)).toEqual([]);
    expect(await spent(`commit/${commits[0]}`)).toEqual([]);
    expect((await get(`commit/${commits[0]}`, { 'If-None-Match': before })).status).toBe(304);
  }
});

it('a page is made while the store is asked for the current state, and not sent if that has changed or is private', async () => {
  const { client, push, page, get, id } = await rig.project('overlap');
  const oid = await client.commit('Old', { a: '1\n' });
  await push();
  rig.store.reset();
  const paths = ['', 'tree/main', 'file/main/a', 'commits/main', `commit/${oid}`, 'branches'];
  for (const path of paths) await page(path);
  // The server that took the push has everything, and a state that was seen less than a second ago is not asked for. A slow machine
  // may need several seconds for all of them.
  expect(rig.store.count()).toBeLessThan(paths.length);
  await sleep(1_050);
  rig.store.reset();
  await page('');
  // The pointer.
  expect(rig.store.count()).toBe(1);
  await sleep(1_050);
  await client.commit('New', { a: '2\n' });
  rig.started.length = 0;
  const isPointer = ({ operation, key }: { readonly operation: string; readonly key: string }) =>
    operation === 'get' && key.endsWith('/pointer');
  rig.store.next(isPointer, {
    does: 'run',
    before: async () => {
      await expect.poll(() => rig.started).toContain('rev-list');
      await push();
    },
  });
  const shown = await page('commits/main/a');
  expect(shown).toContain('<bdi>New</bdi>');
  expect(rig.started.filter((name) => name === 'rev-list')).toHaveLength(2);
  await sleep(1_050);
  rig.started.length = 0;
  rig.store.next(isPointer, {
    does: 'run',
    before: async () => {
      await expect.poll(() => rig.started).toContain('rev-list');
      await rig.server.announce(id, {
        policy: { ...UNANNOUNCED, writers: [rig.owner.publicKey], private: true },
      });
    },
  });
  const hidden = await get('commits/main/a?skip=1');
  const missing = await (await rig.project('none')).get('commits/main/a?skip=1');
  expect(await textOf(hidden, 404)).toBe(await textOf(missing, 404));
  expect([...hidden.headers]).toEqual([...missing.headers]);
});

it('what pages read is ready after a push, before anybody asks, if pages of the repository are being read', async () => {
  await using folder = await tempDir();
  await using server = await startServer();
  const client = await new GitClient(folder.path).init('r');
  const push = async (identifier: string) => {
    await client.run(['push', '--quiet', repositoryUrl(server, identifier), 'main']);
    return `${server.url}/${formatNpub(OWNER)}/${identifier}`;
  };
  /** Folders of objects, as their numbers of packs. */
  const counts = async () => {
    const paths = await readdir(server.cacheFolder, { recursive: true });
    const packed = paths.filter((path) => /bases\/\d+\/objects\/pack\/.*\.idx$/.test(path));
    const folders = packed.map((path) => path.replace(/\/objects.*/, ''));
    return [...new Set(folders)].map((folder) => folders.filter((one) => one === folder).length);
  };
  await client.commit('One', { a: '1\n' });
  const page = await push('read');
  await push('unread');
  expect(await (await fetch(page)).text()).toContain('One');
  expect(await counts()).toEqual([1]);
  await client.commit('Two', { a: '2\n' });
  await push('unread');
  await push('read');
  // The unread one got the pack of its first push for the second one to work over.
  await expect.poll(async () => (await counts()).toSorted()).toEqual([1, 2]);
});

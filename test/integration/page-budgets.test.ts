/** What pages may cost that nobody has asked for: the git processes that each starts. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CodeRig } from '../helpers/code-rig.ts';

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
  expect(await spent('commits/main')).toEqual(['rev-list']);
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

/** Texts and names of any size, which git takes: pages and answers in JSON stay small, and are made fast. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CodeRig } from '../helpers/code-rig.ts';

const MEBIBYTE = 1024 * 1024;
/** Characters of an answer: those of a list with 10,000 for each of its entries, and some. */
const SMALL = MEBIBYTE;
const ENTRIES = 20;

let rig: CodeRig;
beforeAll(async () => {
  rig = await CodeRig.open();
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
});

it('lists of commits and tags show the beginnings of their messages and names', async () => {
  const { client, push, page, json } = await rig.project('messages', '--initial-branch=main');
  const message = 'm'.repeat(300_000);
  const person = `${'n'.repeat(200_000)} <a@example.org> 1700000000 +0000`;
  const commits = Array.from(
    { length: ENTRIES },
    (_, at) =>
      `commit refs/heads/main\ncommitter ${person}\ndata ${message.length}\n${message}\n` +
      `M 100644 inline ${at}\ndata 2\nx\n\n` +
      `tag v${at}\nfrom refs/heads/main\ntagger ${person}\ndata ${message.length}\n${message}\n` +
      `reset refs/heads/b${at}\nfrom refs/heads/main\n\n`,
  );
  await client.run(['fast-import', '--quiet'], { input: commits.join('') });
  await push('--all');
  await push('--tags');
  const lists = [
    'commits/main',
    'tree/main',
    'search/main?type=commits&q=mm',
    'branches',
    'tags',
    'feed/main',
  ];
  for (const list of lists) {
    expect((await page(list)).length, list).toBeLessThan(SMALL);
    if (list !== 'feed/main') expect(JSON.stringify(await json(list)).length, list).toBeLessThan(SMALL);
  }
  // Alone, a commit is whole.
  const tip = (await client.oidOf('main')).trim();
  expect(JSON.stringify(await json(`commit/${tip}`)).includes(message)).toBe(true);
});

it('extremely long names are cut in links', async () => {
  const { client, push, page, json } = await rig.project('names', '--initial-branch=main');
  const blob = (await client.run(['hash-object', '-w', '--stdin'], { input: 'found' })).trim();
  const entries = Array.from(
    { length: ENTRIES },
    (_, at) => `100644 blob ${blob}\t${10 + at}${'é'.repeat(50_000)}\0`,
  );
  const tree = (await client.run(['mktree', '-z'], { input: entries.join('') })).trim();
  const commit = (await client.run(['commit-tree', tree, '-m', 'Odd'])).trim();
  await client.run(['update-ref', 'refs/heads/main', commit]);
  await push();
  for (const path of ['tree/main', `commit/${commit}`]) {
    expect((await page(path)).length, path).toBeLessThan(2 * SMALL);
    expect(JSON.stringify(await json(path)).length, path).toBeLessThan(2 * SMALL);
  }
});

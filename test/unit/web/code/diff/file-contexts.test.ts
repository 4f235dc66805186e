import { expect, it } from 'vitest';
import { compareTrees } from '../../../../../src/browse/differences.ts';
import { readCommit } from '../../../../../src/browse/objects.ts';
import { colourLines } from '../../../../../src/web/code/diff/colour-lines.ts';
import { readContexts } from '../../../../../src/web/code/diff/file-contexts.ts';
import { highlightPieces } from '../../../../../src/web/render/highlight.ts';
import type { Renderer } from '../../../../../src/web/render/render-pool.ts';
import { BrowseRig } from '../../../../helpers/browse-rig.ts';

const text = (word: string, size: number) => `${`/*\n`.padEnd(size, `${'-'.repeat(99)}\n`)}\n${word} */\n`;

it('only files around hunks that begin later are read, within bounds', async () => {
  await using rig = await BrowseRig.open();
  const first = await rig.client.commit('One', {
    'a.ts': text('one', 100_000),
    'begins.ts': 'one\n',
    'large.ts': text('one', 530_000),
    'm.txt': text('one', 1_000),
    'n.ts': text('one', 300_000),
    'q.ts': text('one', 300_000),
    'o.ts': text('', 1_000),
    'gone.ts': text('one', 1_000),
  });
  const second = await rig.client.commit('Two', {
    'a.ts': text('two', 100_000),
    'begins.ts': 'two\n',
    'large.ts': text('two', 530_000),
    'm.txt': text('two', 1_000),
    'n.ts': text('two', 300_000),
    'q.ts': text('two', 300_000),
    'o.ts': `${text('', 1_000)}more\n`,
    'new.ts': 'const all = 1;\n'.repeat(30),
  });
  await rig.client.run(['rm', '--quiet', 'gone.ts']);
  const third = await rig.client.commit('Three', {});
  const view = await rig.view();
  const trees = await Promise.all(
    [first, third].map(async (oid) => (await readCommit(view, oid)).commit.tree),
  );
  expect(second).not.toBe(third);
  const differences = await compareTrees(view, trees[0], trees[1] ?? '');
  const contexts = await readContexts(view, differences.files);
  const read = [...contexts].map(([{ file }, sides]) => [
    String(file.newPath),
    Object.keys(sides).sort().join(),
  ]);
  // Together they have 800,000 bytes; 300,000 more have no room.
  expect(read).toEqual([
    ['a.ts', 'after,before'],
    ['n.ts', 'after,before'],
    ['o.ts', 'after'],
  ]);
  const coloured = await colourLines(
    { render: (_, question) => Promise.resolve(highlightPieces(question as never) as never) },
    differences,
    {
      contexts: () => Promise.resolve(contexts),
    },
  );
  const htmlOf = (path: string, kind: string) => {
    const lines =
      differences.files.find(({ file }) => String(file.newPath) === path)?.diff?.hunks[0]?.lines ?? [];
    return lines.filter((line) => line.kind === kind).map((line) => coloured.get(line));
  };
  const inComment = (word: string) => [`<span class="hljs-comment">${word} */</span>`];
  expect(htmlOf('a.ts', 'added')).toEqual(inComment('two'));
  expect(htmlOf('a.ts', 'deleted')).toEqual(inComment('one'));
  expect(htmlOf('large.ts', 'added')).toEqual(['two */']);
});

it('nothing is read for a page that is plain anyway', async () => {
  const renderer: Renderer = { render: () => Promise.reject(new Error('rendered')) };
  const contexts = () => Promise.reject(new Error('read'));
  await expect(
    colourLines(renderer, { files: [], first: 0, count: 0, totals: undefined }, { contexts }),
  ).resolves.toEqual(new Map());
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readQuery } from '../../../../src/browse/search/query.ts';
import { searchCode } from '../../../../src/browse/search/search-code.ts';
import { searchCommits } from '../../../../src/browse/search/search-commits.ts';
import { searchPaths } from '../../../../src/browse/search/search-paths.ts';
import { BrowseRig } from '../../../helpers/browse-rig.ts';

let rig: BrowseRig;
let tip: string;
let tree: string;

beforeAll(async () => {
  rig = await BrowseRig.open();
  const many = Array.from({ length: 50 }, (_, at) => `line ${at} needle\n`).join('');
  await rig.client.commit('First commit\n\nTalks about apples.', {
    'src/one.ts': 'before\nconst a = (Needle.*);\nafter\nlast\nmore\n',
    'src/odd\n--\nname.ts': 'needle\n',
    'latin1.txt': Buffer.from('caf\xe9 needle \xe9\xe9\n', 'latin1'),
    'long.js': `${'ä'.repeat(5_000)}needle${'ö'.repeat(200_000)}\n`,
    'binary.bin': Buffer.from('needle\0'),
    'many.txt': many,
    '-options': '--help\n',
    'crlf.txt': 'a needle\r\n',
  });
  tip = await rig.client.commit('Second, of pears', { 'docs/guide.md': 'text\n' });
  tree = await rig.client.run(['rev-parse', 'HEAD^{tree}']);
});
afterAll(() => rig[Symbol.asyncDispose]());

const paths = (files: readonly { readonly path: readonly Buffer[] }[]) =>
  files.map(({ path }) => path.join('/')).sort();

describe('searches of code', () => {
  it('find a text with the lines around it, in files of any name, and skip binary files', async () => {
    const { files, cut } = await searchCode(await rig.view(), tree, 'needle');
    expect(cut).toBe(false);
    expect(paths(files)).toEqual(
      ['crlf.txt', 'latin1.txt', 'long.js', 'many.txt', 'src/odd\n--\nname.ts', 'src/one.ts'].sort(),
    );
    const one = files.find(({ path }) => path.at(-1)?.equals(Buffer.from('one.ts')));
    expect(one?.lines).toEqual([
      { number: 1, text: 'before', found: undefined },
      { number: 2, text: 'const a = (Needle.*);', found: { from: 11, to: 17 } },
      { number: 3, text: 'after', found: undefined },
      { number: 4, text: 'last', found: undefined },
    ]);
    const latin1 = files.find(({ path }) => path.join('') === 'latin1.txt');
    expect(latin1?.lines[0]?.text).toBe('café needle éé');
    const crlf = files.find(({ path }) => path.join('') === 'crlf.txt');
    expect(crlf?.lines[0]?.text).toBe('a needle');
  });

  it('show a part of a very long line, and few lines of each file', async () => {
    const { files } = await searchCode(await rig.view(), tree, 'needle');
    const [line] = files.find(({ path }) => path.join('') === 'long.js')?.lines ?? [];
    expect(line?.text.length).toBeLessThan(250);
    expect(line?.text).toMatch(/^ä+needleö+$/);
    expect(line?.text.slice(line.found?.from, line.found?.to)).toBe('needle');
    const many = files.find(({ path }) => path.join('') === 'many.txt')?.lines ?? [];
    expect(many).toHaveLength(7);
  });

  it('take the text literally: no pattern, no option, and case matters if it has a capital letter', async () => {
    const view = await rig.view();
    expect(paths((await searchCode(view, tree, '(Needle.*)')).files)).toEqual(['src/one.ts']);
    expect(paths((await searchCode(view, tree, '.*needle')).files)).toEqual([]);
    expect(paths((await searchCode(view, tree, 'NEEDLE')).files)).toEqual([]);
    expect(paths((await searchCode(view, tree, '--help')).files)).toEqual(['-options']);
    expect(paths((await searchCode(view, tree, '-f/etc/passwd')).files)).toEqual([]);
  });

  it('accept one line of bounded length', () => {
    expect(readQuery('  x y ')).toBe('x y');
    for (const text of ['a\nb', 'a\0b', 'x'.repeat(201)]) expect(() => readQuery(text)).toThrow(/search/);
  });
});

describe('searches of paths', () => {
  it('find letters in their order, prefer file names, and accept names of any bytes', async () => {
    const view = await rig.view();
    const { paths: found, count } = await searchPaths(view, tree, 'one');
    expect(found[0]?.text).toBe('src/one.ts');
    expect(count).toBe(found.length);
    expect((await searchPaths(view, tree, 'dgm')).paths.map(({ text }) => text)).toEqual(['docs/guide.md']);
    const [odd] = (await searchPaths(view, tree, 'ODD name')).paths;
    expect(odd?.path.map(String)).toEqual(['src', 'odd\n--\nname.ts']);
    expect((await searchPaths(view, tree, 'zzz')).paths).toEqual([]);
  });
});

describe('searches of commits', () => {
  const find = async (parts: { query?: string; author?: string; path?: string }) => {
    const path = parts.path === undefined ? [] : parts.path.split('/').map((name) => Buffer.from(name));
    const question = { from: tip, query: parts.query ?? '', author: parts.author ?? '', path };
    const { commits } = await searchCommits(await rig.view(), question);
    return commits.map(({ commit }) => commit.message.split('\n')[0]);
  };

  it('cover the message, the author, the path and the id', async () => {
    expect(await find({ query: 'ABOUT apples' })).toEqual(['First commit']);
    expect(await find({ query: 'apples pears' })).toEqual([]);
    expect(await find({ query: tip.slice(0, 9) })).toEqual(['Second, of pears']);
    expect(await find({ author: 'user@EXAMPLE' })).toEqual(['Second, of pears', 'First commit']);
    expect(await find({ author: 'nobody' })).toEqual([]);
    expect(await find({ path: 'docs' })).toEqual(['Second, of pears']);
    expect(await find({ path: 'docs', query: 'apples' })).toEqual([]);
    // Git would take this for a pattern.
    expect(await find({ path: 'd*s' })).toEqual([]);
  });
});

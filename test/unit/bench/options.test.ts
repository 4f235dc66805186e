import { describe, expect, it } from 'vitest';
import { parseOptions, select } from '../../../bench/options.ts';
import { allRows } from '../../../bench/rows/index.ts';

const names = (prefixes: string[]) =>
  select(allRows(), prefixes).flatMap(({ rows }) => rows.map((row) => row.name));

describe('parseOptions', () => {
  it('reads what was asked for', () => {
    expect(parseOptions(['--json', '--rows', 'a,b/file', '--runs=3'])).toEqual({
      json: true,
      rows: ['a', 'b/file'],
      runs: 3,
      help: false,
    });
    expect(parseOptions([])).toEqual({ json: false, rows: [], runs: undefined, help: false });
  });

  for (const bad of [['--runs', '0'], ['--runs', '1.5'], ['--runs', 'x'], ['--row', 'a'], ['stray']]) {
    it(`refuses ${bad.join(' ')} and says why`, () => {
      expect(() => parseOptions(bad)).toThrow(
        new RegExp(bad[0] === '--runs' ? 'whole number' : (bad[0] ?? '')),
      );
    });
  }
});

describe('select', () => {
  it('takes every row when none is named', () => {
    expect(names([])).toEqual(allRows().flatMap(({ rows }) => rows.map((row) => row.name)));
  });

  it('takes rows by the beginning of their name, and no others of their group', () => {
    expect(names(['push-one-commit/file'])).toEqual(['push-one-commit/file']);
    expect(names(['clone-1gib-rss', 'ls-remote/'])).toEqual([
      'ls-remote/file',
      'clone-1gib-rss/file',
      'ls-remote/s3',
      'clone-1gib-rss/s3',
    ]);
  });

  it('refuses a name of no row and lists those there are', () => {
    expect(() => names(['ls-remote', 'fetch'])).toThrow(
      /no row begins with "fetch"; there are: ls-remote\/file/,
    );
  });
});

describe('the rows', () => {
  const rows = allRows().flatMap((group) => group.rows);

  it('have names of their own, each for the file store and for S3 but those that memory answers', () => {
    expect(new Set(rows.map((row) => row.name)).size).toBe(rows.length);
    const of = (store: string) =>
      rows.filter((row) => row.name.endsWith(store)).map((row) => row.name.split('/')[0]);
    const fromMemory = of('/file').filter((name) => name?.includes('-100k'));
    expect(fromMemory).toHaveLength(5);
    expect(of('/file').filter((name) => !fromMemory.includes(name))).toEqual(of('/s3'));
    expect(of('/file').length + of('/s3').length).toBe(rows.length);
  });

  it('bound the server’s memory growth on both stores, and time on the local one only', () => {
    const goals = rows
      .filter((row) => row.goal !== undefined)
      .map((row) => `${row.name} ${row.goal} ${row.unit}`);
    expect(goals).toEqual([
      'ls-remote/file 0.5 ms',
      'shallow-clone/file 1.1 ms',
      'push-one-commit/file 1 ms',
      'push-one-commit-small/file 1 ms',
      'push-1gib-rss/file 64 MiB',
      'clone-1gib-rss/file 64 MiB',
      'push-1gib-rss/s3 64 MiB',
      'clone-1gib-rss/s3 64 MiB',
    ]);
  });
});

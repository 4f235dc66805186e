import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkPlottable } from '../../../bench/keep.ts';
import { DEFAULT_PUSHES, parseOptions, select } from '../../../bench/options.ts';
import { allRows } from '../../../bench/rows/index.ts';

const rowGroups = allRows({ pushes: 10 });
const names = (prefixes: string[]) =>
  select(rowGroups, prefixes).flatMap(({ rows }) => rows.map((row) => row.name));

describe('parseOptions', () => {
  it('reads every option', () => {
    expect(parseOptions(['--json', '--rows', 'a,b/file', '--runs=3', '--pushes', '10000', '--plot'])).toEqual(
      {
        json: true,
        rows: ['a', 'b/file'],
        runs: 3,
        pushes: 10_000,
        plot: true,
        help: false,
      },
    );
    expect(parseOptions([])).toEqual({
      json: false,
      rows: [],
      runs: undefined,
      pushes: DEFAULT_PUSHES,
      plot: false,
      help: false,
    });
  });

  for (const [args, why] of [
    [['--runs', '0'], '--runs takes a whole number from 1, not "0"'],
    [['--runs', '1.5'], 'whole number'],
    [['--runs', 'x'], 'whole number'],
    [['--pushes', '9'], '--pushes takes a whole number from 10, not "9"'],
    [['--row', 'a'], '--row'],
    [['stray'], 'stray'],
  ] as const) {
    it(`refuses ${args.join(' ')} and says why`, () => {
      expect(() => parseOptions(args)).toThrow(why);
    });
  }
});

describe('select', () => {
  it('takes every row if none is named', () => {
    expect(names([])).toEqual(rowGroups.flatMap(({ rows }) => rows.map((row) => row.name)));
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

  it('refuses an unknown row name and lists the rows', () => {
    expect(() => names(['ls-remote', 'fetch'])).toThrow(
      /no row begins with "fetch"; there are: ls-remote\/file/,
    );
  });
});

describe('checkPlottable', () => {
  it('requires the rows that are drawn', () => {
    expect(() => checkPlottable(select(rowGroups, []))).not.toThrow();
    expect(() => checkPlottable(select(rowGroups, ['many-pushes', 'many-refs-push/']))).not.toThrow();
    expect(() => checkPlottable(select(rowGroups, ['ls-remote', 'many-pushes']))).toThrow(/many-refs, too/);
  });
});

describe('the rows', () => {
  const rows = rowGroups.flatMap((group) => group.rows);

  it('have unique names, each for the file store and for S3, except those about the server alone or about git’s own work', () => {
    expect(new Set(rows.map((row) => row.name)).size).toBe(rows.length);
    const of = (store: string) =>
      rows.filter((row) => row.name.endsWith(store)).map((row) => row.name.split('/')[0]);
    const fileAlone = of('/file').filter((name) => /-100k|-1m|^many-/.test(name ?? ''));
    expect(of('/file').filter((name) => !fileAlone.includes(name))).toEqual(of('/s3'));
    // Mirrors go between two servers of git's own.
    expect(of('/file').length + of('/s3').length + of('/http-backend').length).toBe(rows.length);
  });

  it('are all on the page about the benchmark, and no others', () => {
    const page = readFileSync('docs/reference/benchmark.md', 'utf8');
    const [, table = ''] = page.split('| row | what is measured | goal |\n');
    const cells = table
      .split('\n\n')[0]
      ?.split('\n')
      .map((line) => line.split('|')[1] ?? '');
    const named = [...(cells?.join(' ') ?? '').matchAll(/`([a-z0-9…-]+)`/g)].map(([, name = '']) => name);
    const patterns = named.map((name) => new RegExp(`^${name.replace('…', '[a-z0-9-]+')}$`));
    const bases = [...new Set(rows.map((row) => row.name.split('/')[0] ?? ''))];
    expect(named.length).toBeGreaterThan(50);
    expect(bases.filter((base) => !patterns.some((pattern) => pattern.test(base)))).toEqual([]);
    expect(named.filter((name) => !name.includes('…') && !bases.includes(name))).toEqual([]);
  });

  it('limit the server’s memory growth on both stores, and time on the local store only', () => {
    const goals = rows
      .filter((row) => row.goal !== undefined)
      .map((row) => `${row.name} ${row.goal} ${row.unit}`);
    expect(goals).toEqual([
      'ls-remote-raw/file 0.5 ms',
      'full-clone-first-byte/file 0.05 ms',
      'full-clone-cpu/file 0.2 ms',
      'full-clone-vs-bitmap-first-byte/file 2 ms',
      'shallow-clone/file 1.1 ms',
      'shallow-clone-repeated/file 0.3 ms',
      'push-one-commit/file 1 ms',
      'push-one-commit-small/file 1 ms',
      'first-push-many/file 1 ms',
      'first-push-midsize/file 1 ms',
      'first-push-large/file 1 ms',
      'import-medium/file 0.45 ms',
      'import-medium-rss/file 128 MiB',
      'import-large/file 0.45 ms',
      'import-large-rss/file 128 MiB',
      'import-big/file 0.45 ms',
      'import-big-rss/file 128 MiB',
      'push-1gib/file 1 s',
      'push-1gib-rss/file 64 MiB',
      'clone-1gib-rss/file 64 MiB',
      'page-overview/file 1 ms',
      'page-overview-repeated/file 0.2 ms',
      'page-tree/file 1 ms',
      'page-tree-repeated/file 0.2 ms',
      'page-file/file 1 ms',
      'page-file-repeated/file 0.2 ms',
      'page-commit/file 1 ms',
      'page-commit-repeated/file 0.2 ms',
      'page-log/file 1 ms',
      'page-log-repeated/file 0.2 ms',
      'archive/file 1.1 s',
      'archive-repeated/file 0.2 s',
      'push-beside-crawler/file 1.3 ms',
      'clone-beside-crawler/file 1.3 ms',
      'fossil-clone-wire/file 1 ms',
      'fossil-clone-wire-cpu/file 1 ms',
      'fossil-clone-wire-rss/file 150 MiB',
      'fossil-clone-wire-16/file 1 s',
      'fossil-clone-wire-16-rss/file 150 MiB',
      'fossil-cold-clone-wire/file 1 ms',
      'fossil-cold-clone-wire-cpu/file 1 ms',
      'fossil-clone/file 1.05 s',
      'fossil-first-push-cpu/file 0.5 ms',
      'fossil-cold-first-push-cpu/file 0.5 ms',
      'fossil-push-one/file 2 ms',
      'fossil-sync-noop/file 1.5 ms',
      'fossil-check-in-requests/file 5 requests',
      'fossil-push-one-requests/file 3 requests',
      'fossil-sync-noop-requests/file 1 requests',
      'many-clients-clone/file 0.3 ms',
      'many-clients-clone-100mib-rss/file 256 MiB',
      'many-pushers-slow-swaps/file 50 pushes/s',
      'many-pushes-clone/file 1.2 ms',
      'many-refs-push/file 0.5 ms',
      'many-refs-loop-delay/file 50 ms',
      'many-refs-bulk-loop-delay/file 50 ms',
      'mirror-medium/http-backend 0.5 s',
      'mirror-medium-rss/http-backend 91 MiB',
      'mirror-large/http-backend 0.5 s',
      'mirror-large-rss/http-backend 91 MiB',
      'mirror-big/http-backend 0.5 s',
      'mirror-big-rss/http-backend 91 MiB',
      'relay-rss-1m/file 512 MiB',
      'import-medium-rss/s3 128 MiB',
      'import-large-rss/s3 128 MiB',
      'import-big-rss/s3 128 MiB',
      'push-1gib-rss/s3 64 MiB',
      'clone-1gib-rss/s3 64 MiB',
      'fossil-clone-wire-rss/s3 150 MiB',
      'fossil-clone-wire-16-rss/s3 150 MiB',
      'fossil-check-in-requests/s3 5 requests',
      'fossil-push-one-requests/s3 3 requests',
      'fossil-sync-noop-requests/s3 1 requests',
    ]);
  });
});

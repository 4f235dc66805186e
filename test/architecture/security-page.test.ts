import { describe, expect, it } from 'vitest';
import { OPTIONS } from '../../src/config/options.ts';
import { readText } from './source-tree.ts';

const PAGE = readText('docs/explanation/security.md');

describe('the page on security (issue 11, point 26)', () => {
  it('names a test for every cost', () => {
    // Rows of the tables that have a column for it.
    const tables = PAGE.split('\n\n').filter((part) => /^\|.*\| test \|$/m.test(part));
    expect(tables.length).toBeGreaterThanOrEqual(4);
    const rows = tables.flatMap((table) => table.split('\n').slice(2)).filter((row) => row.startsWith('|'));
    expect(rows.length).toBeGreaterThan(30);
    expect(rows.filter((row) => !/\.test\.ts\)[^|]*\|$/.test(row) && !row.endsWith('| the same |'))).toEqual(
      [],
    );
  });

  it('names settings that there are, with the defaults they have', () => {
    const flags = new Map<string, string>(OPTIONS.map((option) => [option.name, option.default]));
    for (const [, name = ''] of PAGE.matchAll(/`--([a-z-]+)/g)) {
      expect(flags.has(name), `--${name}`).toBe(true);
    }
    // As `--max-push-size`, 8 GiB: the number behind a setting is its default.
    for (const [, name = '', number = '', unit = ''] of PAGE.matchAll(
      /`--([a-z-]+)`, ([\d,]+)(?: (MiB|GiB|KiB|B))?/g,
    )) {
      expect(flags.get(name), `--${name}`).toBe(number.replaceAll(',', '') + unit);
    }
  });
});

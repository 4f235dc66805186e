import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OPTIONS } from '../../src/config/options.ts';
import { ROOT, readText } from './source-tree.ts';

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

  it('names existing settings with their defaults', () => {
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

describe('proxy configurations in the documents (issue 11, point 19)', () => {
  const blocks = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .flatMap((name) => codeBlocks(readText(join('docs', name))).map((block) => ({ name, block })))
    .filter(({ block }) => /\b(proxy_pass|reverse_proxy|ProxyPass)\b/.test(block));

  it('exist', () => {
    expect(blocks.length).toBeGreaterThanOrEqual(3);
  });

  it.each(blocks)('do not publish /metrics: $name', ({ block }) => {
    expect(block).toMatch(/^ *location = \/metrics \{\s+return 404;|^ *respond \/metrics 404$/m);
  });
});

describe('documents for operators (issue 11, point 26)', () => {
  it('SECURITY.md says how to report a vulnerability, and links to the threat model', () => {
    const policy = readText('SECURITY.md');
    expect(policy).toMatch(/^## How to report$/m);
    expect(policy).toContain('](docs/explanation/security.md)');
  });

  it('the page on several servers says what different clocks cause, with the bounds that are checked', () => {
    const page = readText('docs/how-to/run-several-servers.md');
    const section = page.slice(page.indexOf('## Clocks'), page.indexOf('## Warmth'));
    expect(section).toContain('more than 60 seconds');
    expect(section).toContain('more than 15 minutes');
  });

  it('the page on identity says which receipts have the same signature from every server', () => {
    const page = readText('docs/explanation/identity.md').replaceAll(/\s+/g, ' ');
    expect(page).toContain('the same event, with the same id and the same signature');
    expect(page).toContain('only the signature of a receipt above 512 KiB differs each time');
  });
});

/** Blocks between fences, and indented ones. */
function codeBlocks(page: string): string[] {
  const fenced = [...page.matchAll(/^```[^\n]*\n([\s\S]*?)^```/gm)].map(([, text = '']) => text);
  const indented = page.match(/(?:^ {4,}.*\n|^\n(?= {4,}))+/gm) ?? [];
  return [...fenced, ...indented];
}

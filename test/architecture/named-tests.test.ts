import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT, readText } from './source-tree.ts';

const PAGE = readText('docs/reference/grasp.md');

/** Files by the short names of the page. */
const FILES = new Map(
  [...PAGE.matchAll(/^\| `([a-z]+)` \| `(test\/[^`]+)` \|$/gm)].map(([, name, file]) => [name, file]),
);

/** The tests that the page names: a file or its short name, and a title. */
const NAMED = [...PAGE.matchAll(/`([^`]+)`:((?:,? “[^”]+”)+)/g)].flatMap(([, file = '', titles = '']) =>
  [...titles.matchAll(/“([^”]+)”/g)].map(([, title = '']) => [FILES.get(file) ?? file, title] as const),
);

describe('the tests named on the GRASP page', () => {
  it('are found', () => {
    expect(FILES.size).toBeGreaterThan(5);
    expect(NAMED.length).toBeGreaterThan(15);
    expect([...FILES.values()].filter((file) => !existsSync(join(ROOT, file ?? '')))).toEqual([]);
  });

  it.each(NAMED)('%s has "%s"', (file, title) => {
    const text = readText(file);
    expect(["'", '"', '`'].some((quote) => text.includes(`${quote}${title}${quote}`))).toBe(true);
  });
});

describe.each(['mirror', 'fossil'])('the tests named on the page of %s scenarios', (kind) => {
  it('exist', () => {
    const page = readText(`docs/reference/${kind}-scenarios.md`);
    const named = [...page.matchAll(/`((?:[a-z0-9-]+\/)+[a-z0-9-]+(?:\.test)?\.ts)`/g)].map(
      ([, file = '']) => file,
    );
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((file) => !existsSync(join(ROOT, 'test', file)))).toEqual([]);
  });
});

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT, readText } from './source-tree.ts';

const page = readText('docs/explanation/architecture.md');

/** Files that a reader of each walk opens at most. */
const WALKS = { 'A push': 25, 'A clone': 15, 'An announcement': 12, 'A fold': 12 };

/** The files that a walk names, in its order. */
function walk(title: string): string[] {
  const [, section = ''] = page.split(`### ${title}\n`);
  const [, block = ''] = /\n\n((?: {4}.*\n)+)/.exec(`\n${section}`) ?? [];
  return block.split('\n').flatMap((line) => /^ {4}([a-z0-9/-]+)/.exec(line)?.slice(1, 2) ?? []);
}

describe('the walks of the architecture page', () => {
  it.each(Object.entries(WALKS))('%s: at most %i files, each exists and appears once', (title, most) => {
    const files = walk(title);
    expect(files.length).toBeGreaterThan(5);
    expect(files.length).toBeLessThanOrEqual(most);
    expect(new Set(files).size).toBe(files.length);
    expect(files.filter((file) => !existsSync(join(ROOT, 'src', `${file}.ts`)))).toEqual([]);
  });
});

it.each(['docs/explanation/architecture.md', 'CONTRIBUTING.md'])(
  'every file and folder named in %s exists',
  (path) => {
    const named = [...readText(path).matchAll(/`([a-z-]+\/[a-z0-9/-]*?)(?:\.ts|\/)?`/g)].map(
      ([, path = '']) => path,
    );
    const missing = named.filter((path) => {
      const places = [`src/${path}.ts`, `src/${path}`, `test/${path}`, `${path}.ts`, path];
      return !places.some((place) => existsSync(join(ROOT, place)));
    });
    expect(named.length).toBeGreaterThan(20);
    expect([...new Set(missing)]).toEqual([]);
  },
);

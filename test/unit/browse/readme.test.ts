import { expect, it } from 'vitest';
import { languageNamed } from '../../../src/browse/languages/language-names.ts';
import { chooseReadme } from '../../../src/browse/readme.ts';
import type { TreeEntry } from '../../../src/git/index.ts';

function chosen(...names: readonly string[]): string | undefined {
  const entries = names.map((name): TreeEntry => {
    const kind = name.endsWith('/') ? 'folder' : 'file';
    return { name: Buffer.from(name.replace(/\/$/, '')), kind, oid: '1'.repeat(40) } as TreeEntry;
  });
  return chooseReadme(entries)?.name.toString();
}

it('the best README introduces a folder', () => {
  expect(chosen('README', 'README.md', 'README.rst')).toBe('README.md');
  expect(chosen('readme.txt', 'Readme')).toBe('Readme');
  expect(chosen('README.org')).toBe('README.org');
  expect(chosen('README.md/', 'README.exe', 'README.md.orig', 'my-README.md')).toBeUndefined();
});

it('languages are recognized by file endings, and data files are not counted', () => {
  expect(['a.ts', 'A.PY', 'Makefile', 'x.min.c', 'Dockerfile'].map(languageNamed)).toEqual([
    'TypeScript',
    'Python',
    'Makefile',
    'C',
    'Dockerfile',
  ]);
  expect(['a.json', 'README.md', 'a', '.ts', 'constructor', 'a.constructor'].map(languageNamed)).toEqual(
    Array.from({ length: 6 }),
  );
});

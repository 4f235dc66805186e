import { expect, it } from 'vitest';
import { readText } from './source-tree.ts';

/** Lines with keys, without the names in angle brackets. */
function shapes(text: string): string[] {
  const keys = text.split('\n').filter((line) => /^(?: \* {5}| {4})v1\//.test(line) && !line.includes('{'));
  return keys.map((line) => line.replace(/^[ *]+/, '').replaceAll(/<[^>]*>/g, '<>')).sort();
}

it('the page about the bucket layout lists exactly the keys of repository/keys.ts', () => {
  const keys = shapes(readText('src/repository/keys.ts'));
  expect(keys.length).toBeGreaterThan(10);
  expect(shapes(readText('docs/reference/bucket-layout.md'))).toEqual(keys);
});

import { expect, it } from 'vitest';
import type { RepositoryId } from '../../../../src/repository/repository-id.ts';
import { KnownPages } from '../../../../src/web/code/known-pages.ts';

const path = { id: {} as RepositoryId, word: 'file', segments: [] } as const;

it('a URL has the page that was remembered last', () => {
  const pages = new KnownPages();
  expect(pages.get('html /a')).toBeUndefined();
  pages.remember('html /a', { path, facts: 'state 1', key: 'key 1' });
  pages.remember('json /a', { path, facts: 'state 1', key: 'key 2' });
  expect(pages.get('html /a')).toEqual({ path, facts: 'state 1', key: 'key 1' });
  expect(pages.get('json /a')?.key).toBe('key 2');
  pages.remember('html /a', { path, facts: 'state 2', key: 'key 3' });
  expect(pages.get('html /a')).toEqual({ path, facts: 'state 2', key: 'key 3' });
});

it('URLs are forgotten when there are too many', () => {
  const pages = new KnownPages();
  const long = 'x'.repeat(4_000);
  for (let at = 0; at < 1_000; at++)
    pages.remember(`html /${at}?${long}`, { path, facts: 'state', key: `key ${at}` });
  const kept = Array.from({ length: 1_000 }, (_, at) => pages.get(`html /${at}?${long}`)?.key).filter(
    (key) => key !== undefined,
  );
  expect(kept.length).toBeGreaterThan(100);
  expect(kept.length).toBeLessThan(600);
  expect(kept.at(-1)).toBe('key 999');
});

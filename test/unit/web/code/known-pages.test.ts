import { expect, it } from 'vitest';
import { KnownPages } from '../../../../src/web/code/known-pages.ts';

it('the key of a page is known while the facts that it depends on are the same', () => {
  const pages = new KnownPages();
  expect(pages.keyOf('html /a', 'state 1')).toBeUndefined();
  pages.remember('html /a', 'state 1', 'key 1');
  pages.remember('json /a', 'state 1', 'key 2');
  expect(pages.keyOf('html /a', 'state 1')).toBe('key 1');
  expect(pages.keyOf('json /a', 'state 1')).toBe('key 2');
  expect(pages.keyOf('html /a', 'state 2')).toBeUndefined();
  pages.remember('html /a', 'state 2', 'key 3');
  expect(pages.keyOf('html /a', 'state 2')).toBe('key 3');
  expect(pages.keyOf('html /a', 'state 1')).toBeUndefined();
});

it('URLs are forgotten when there are too many', () => {
  const pages = new KnownPages();
  const long = 'x'.repeat(4_000);
  for (let at = 0; at < 1_000; at++) pages.remember(`html /${at}?${long}`, 'state', `key ${at}`);
  const kept = Array.from({ length: 1_000 }, (_, at) => pages.keyOf(`html /${at}?${long}`, 'state')).filter(
    (key) => key !== undefined,
  );
  expect(kept.length).toBeGreaterThan(100);
  expect(kept.length).toBeLessThan(600);
  expect(kept.at(-1)).toBe('key 999');
});

import { expect, it } from 'vitest';
import { CODE_PAGES } from '../../src/web/code/code-page-list.ts';
import { FOSSIL_PAGES } from '../../src/web/fossil/fossil-page-list.ts';
import { NOSTR_WORDS } from '../../src/web/nostr/load-nostr.ts';
import { NOSTR_PAGES } from '../../src/web/nostr/nostr-page-list.ts';
import { readText } from './source-tree.ts';

it('the API reference lists exactly the pages that exist', () => {
  const rows = [...readText('docs/reference/api.md').matchAll(/^\| `([^`]*)` \| (.*) \|$/gm)];
  const written = rows.map(([, path = '', summary = '']) => [path, summary]);
  const all = [...CODE_PAGES, ...FOSSIL_PAGES, ...NOSTR_PAGES];
  const pages = all.map(({ description }) => [description.path, description.summary]);
  expect(written.filter(([path]) => path !== undefined)).toEqual(pages);
});

it('the URL words of event pages are registered before the pages are loaded', () => {
  const words = [...NOSTR_PAGES.map(({ word }) => word), 'event', 'receipt'];
  expect([...NOSTR_WORDS].sort()).toEqual(words.sort());
});

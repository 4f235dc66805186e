import { expect, it } from 'vitest';
import { CODE_PAGES } from '../../src/web/code/code-page-list.ts';
import { FOSSIL_PAGES } from '../../src/web/fossil/fossil-page-list.ts';
import { readText } from './source-tree.ts';

it('the reference of the API has every page, and no other', () => {
  const rows = [...readText('docs/reference/api.md').matchAll(/^\| `([^`]*)` \| (.*) \|$/gm)];
  const written = rows.map(([, path = '', summary = '']) => [path, summary]);
  const pages = [...CODE_PAGES, ...FOSSIL_PAGES].map(({ description }) => [
    description.path,
    description.summary,
  ]);
  expect(written.filter(([path]) => path !== undefined)).toEqual(pages);
});

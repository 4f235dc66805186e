import { expect, it } from 'vitest';
import { openApi } from '../../../../src/web/api/open-api.ts';
import { CODE_PAGES } from '../../../../src/web/code/code-page-list.ts';
import { FOSSIL_PAGES } from '../../../../src/web/fossil/fossil-page-list.ts';

it('the API description has every page, with each schema once', () => {
  const description = openApi('https://git.example.org/base', CODE_PAGES, FOSSIL_PAGES);
  const paths = description['paths'] as Record<string, { get: { operationId: string; summary: string } }>;
  expect(Object.keys(paths)).toHaveLength(2 + CODE_PAGES.length + FOSSIL_PAGES.length);
  const ids = Object.values(paths).map(({ get }) => get.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  expect(description['servers']).toEqual([{ url: '/base' }]);
  for (const { word, description: said } of [...CODE_PAGES, ...FOSSIL_PAGES])
    expect(said.path.split('/')[0]).toBe(word);
});

import { expect, it } from 'vitest';
import { assetRoutes } from '../../../../src/web/assets/asset-routes.ts';
import { PAGE_SCRIPT, STYLE_SHEET } from '../../../../src/web/assets/assets.ts';

it.each([STYLE_SHEET, PAGE_SCRIPT])('$path may be cached forever', async ({ path, type, body }) => {
  const response = await assetRoutes().request(path);
  expect(response.headers.get('Content-Type')).toBe(type);
  expect(response.headers.get('Cache-Control')).toContain('immutable');
  expect(response.headers.get('X-Content-Type-Options')).toBe('nosniff');
  expect(await response.text()).toBe(body);
});

it('no other files are served', async () => {
  for (const path of ['/assets/page.css', '/assets/', '/assets/../assets', `${STYLE_SHEET.path}/`]) {
    expect((await assetRoutes().request(path)).status, path).toBe(404);
  }
});

it('the script is valid JavaScript', () => {
  // Only parsed: it is made for browsers.
  expect(() => new Function(PAGE_SCRIPT.body)).not.toThrow();
});

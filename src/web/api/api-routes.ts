import { Hono } from 'hono';
import type { ListedPage } from '../code/code-page.ts';
import { JSON_HEADERS } from '../page-headers.ts';
import { openApi } from './open-api.ts';

/** The description of the API. */
export function apiRoutes(base: string, pages: readonly ListedPage[]): Hono {
  // Conversion of all schemas takes some time, and programs ask rarely.
  let description: string | undefined;
  return new Hono().get('/openapi.json', (c) => {
    description ??= JSON.stringify(openApi(base, pages));
    return c.body(description, 200, JSON_HEADERS);
  });
}

import { expect, it } from 'vitest';
import { apiRoutes } from '../../../../src/web/api/api-routes.ts';

it('the API description is compressed, and has a validator', async () => {
  const app = apiRoutes('https://git.example.org');
  const plain = await app.request('/openapi.json');
  const etag = plain.headers.get('etag') ?? '';
  expect(await plain.json()).toMatchObject({ openapi: '3.1.0' });
  expect((await app.request('/openapi.json', { headers: { 'If-None-Match': etag } })).status).toBe(304);
  const zipped = await app.request('/openapi.json', { headers: { 'Accept-Encoding': 'gzip' } });
  expect(zipped.headers.get('content-encoding')).toBe('gzip');
  expect(zipped.headers.get('etag')).not.toBe(etag);
});

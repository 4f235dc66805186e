import { Hono } from 'hono';
import { expect, it } from 'vitest';
import { isKnown } from '../../../src/web/validators.ts';

it.each([
  ['"a"', true],
  ['W/"a"', true],
  ['"b", "a"', true],
  ['*', true],
  [' * ', true],
  ['"b"', false],
  ['a', false],
  ['"*"', false],
  ['', false],
])('If-None-Match %j names the validator "a": %s', async (header, known) => {
  const app = new Hono().get('/', (c) => c.json(isKnown(c, '"a"')));
  const response = await app.request('/', { headers: { 'If-None-Match': header } });
  expect(await response.json()).toBe(known);
});

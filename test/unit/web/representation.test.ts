import { Hono } from 'hono';
import { accepts } from 'hono/accepts';
import { expect, it } from 'vitest';
import { representationOf } from '../../../src/web/representation.ts';

const TYPES = [
  'text/html',
  'application/json',
  'APPLICATION/JSON',
  'application/*',
  'text/*',
  '*/*',
  'image/png',
  'application/xml',
  '',
];
const WEIGHTS = ['', ';q=0', ';q=0.5', ';q=1'];

/** All lists of up to two types with weights, and none. */
function* headers(): Generator<string | undefined> {
  yield undefined;
  const one = TYPES.flatMap((type) => WEIGHTS.map((weight) => `${type}${weight}`));
  yield* one;
  for (const first of one) for (const second of one) yield `${first}, ${second}`;
}

it('whoever asks for a page gets what their `Accept` prefers, also where no type has to be compared', async () => {
  const differing: (string | undefined)[] = [];
  const app = new Hono().get('/', (c) => {
    const type = accepts(c, {
      header: 'Accept',
      supports: ['text/html', 'application/json'],
      default: 'text/html',
    });
    const expected = type === 'application/json' ? 'json' : 'html';
    if (representationOf(c) !== expected) differing.push(c.req.header('Accept'));
    return c.text(expected);
  });
  const found = new Set<string>();
  for (const accept of headers()) {
    const response = await app.request('/', accept === undefined ? {} : { headers: { accept } });
    found.add(await response.text());
  }
  expect(differing).toEqual([]);
  expect(found).toEqual(new Set(['html', 'json']));
});

import { expect, it } from 'vitest';
import { counted } from '../../../src/lib/counted.ts';

it('a number is written with the singular or the plural', () => {
  expect([0, 1, 2].map((count) => counted(count, 'tag'))).toEqual(['0 tags', '1 tag', '2 tags']);
  expect([1, 2].map((count) => counted(count, 'entry', 'entries'))).toEqual(['1 entry', '2 entries']);
});

import { expect, it } from 'vitest';
import { contentRange, readByteRange } from '../../../src/web/byte-range.ts';

it.each([
  [undefined, 10, undefined],
  ['bytes=0-', 10, { start: 0, length: 10 }],
  ['bytes=2-4', 10, { start: 2, length: 3 }],
  ['Bytes= 2-4 ', 10, { start: 2, length: 3 }],
  ['bytes=9-99', 10, { start: 9, length: 1 }],
  ['bytes=-3', 10, { start: 7, length: 3 }],
  ['bytes=-99', 10, { start: 0, length: 10 }],
  ['bytes=10-', 10, 'none'],
  ['bytes=10-20', 10, 'none'],
  ['bytes=-0', 10, 'none'],
  ['bytes=0-', 0, 'none'],
  ['bytes=-1', 0, 'none'],
  [`bytes=${'9'.repeat(400)}-`, 10, 'none'],
  [`bytes=0-${'9'.repeat(400)}`, 10, { start: 0, length: 10 }],
  ['bytes=4-2', 10, undefined],
  ['bytes=-', 10, undefined],
  ['bytes=', 10, undefined],
  ['bytes=0-1,3-4', 10, undefined],
  ['bytes=a-b', 10, undefined],
  ['bytes 0-1', 10, undefined],
  ['lines=0-1', 10, undefined],
] as const)('the range %s of %i bytes is %j', (header, size, range) => {
  expect(readByteRange(header, size)).toEqual(range);
});

it('the Content-Range header has the standard form', () => {
  expect(contentRange({ start: 2, length: 3 }, 10)).toBe('bytes 2-4/10');
  expect(contentRange('none', 10)).toBe('bytes */10');
});

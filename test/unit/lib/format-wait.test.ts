import { expect, it } from 'vitest';
import { roughSize } from '../../../src/lib/format-size.ts';
import { formatWait } from '../../../src/lib/format-wait.ts';

it.each([
  [0, '1 second'],
  [1.2, '2 seconds'],
  [120, '120 seconds'],
  [121, '3 minutes'],
  [7_200, '120 minutes'],
  [7_201, '3 hours'],
])('%d seconds are written as %s', (seconds, text) => {
  expect(formatWait(seconds)).toBe(text);
});

it.each([
  [0, '0 bytes'],
  [1_023.4, '1023 bytes'],
  [1_536, '1.5 KiB'],
  [2 ** 30, '1 GiB'],
  [299.97 * 2 ** 20, '300 MiB'],
])('%d bytes are written as about %s', (bytes, text) => {
  expect(roughSize(bytes)).toBe(text);
});

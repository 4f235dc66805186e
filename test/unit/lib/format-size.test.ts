import { expect, it } from 'vitest';
import { parseSize } from '../../../src/config/plain-values.ts';
import { formatSize, roughSize, roundedSize, sizeAsSetting } from '../../../src/lib/format-size.ts';

it.each([
  [0, '0 bytes', '0 bytes', '0 bytes'],
  [1, '1 byte', '1 byte', '1 byte'],
  [1023, '1023 bytes', '1023 bytes', '1023 bytes'],
  [1024, '1 KiB', '1 KiB', '1.0 KiB'],
  [1025, '1025 bytes', '1 KiB', '1.0 KiB'],
  [1.5 * 1024 ** 2, '1536 KiB', '1.5 MiB', '1.5 MiB'],
  [2048 * 1024 ** 4, '2048 TiB', '2048 TiB', '2048.0 TiB'],
])('%d bytes are a size for people', (bytes, exact, rough, rounded) => {
  expect(formatSize(bytes)).toBe(exact);
  expect(roughSize(bytes)).toBe(rough);
  expect(roundedSize(bytes)).toBe(rounded);
});

it.each([
  [0, '0B'],
  [1, '1B'],
  [1023, '1023B'],
  [64 * 1024, '64KiB'],
  [1.5 * 1024 ** 2, '1536KiB'],
  [2048 * 1024 ** 4, '2048TiB'],
])('%d bytes are a setting, which is read as the same size', (bytes, text) => {
  expect(sizeAsSetting(bytes)).toBe(text);
  expect(parseSize(text)).toEqual({ value: bytes });
});

import { expect, it } from 'vitest';
import { statedLimit } from '../../../src/outbound/stated-limit.ts';

it.each([
  ['body exceeded size limit 104857600', 104_857_600],
  ['the request body is larger than 1048576 bytes', 1_048_576],
  ['fatal: pack exceeds maximum allowed size (2.00 GiB)', 2 * 2 ** 30],
  ['error: the pack exceeds the maximum size of 100 MB', 100_000_000],
  ['too large: the limit is 50 MiB, got 70 MiB', 50 * 2 ** 20],
  ['maximum request length exceeded: 30000000', 30_000_000],
  ['rate limit exceeded, try again in 60 seconds', undefined],
  ['Request Entity Too Large', undefined],
  ['', undefined],
  ['limit 99999999999999999999999', undefined],
  [`limit ${'9'.repeat(10_000)}`, undefined],
  ['API rate limit of 5000 requests per hour exceeded', undefined],
  ['the limit is 104857600.', 104_857_600],
])('%#: %j', (text, expected) => {
  expect(statedLimit(text)).toBe(expected);
});

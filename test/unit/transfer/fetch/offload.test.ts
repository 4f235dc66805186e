import { describe, expect, it } from 'vitest';
import { isSafeUrl } from '../../../../src/transfer/fetch/offload.ts';

describe('an address to which clients may be sent', () => {
  it.each([
    'https://bucket.s3.eu-west-1.amazonaws.com/v1/pack?X-Amz-Signature=00',
    'https://files.example.org:8443/a%20b',
    'http://127.0.0.1:9000/bucket/pack',
    'http://[::1]:9000/bucket/pack',
    'http://localhost/bucket/pack',
  ])('is %s', (url) => {
    expect(isSafeUrl(url)).toBe(true);
  });

  it.each([
    'http://example.org/pack',
    'http://127.0.0.1.example.org/pack',
    'ftp://example.org/pack',
    'file:///etc/passwd',
    'ext::sh -c id',
    'https://user:secret@example.org/pack',
    'https://user@example.org/pack',
    'https://example.org/a b',
    'https://example.org/a\tb',
    'https://example.org/a\nbundle.other.uri=https://elsewhere.org',
    'https://example.org/a\0b',
    'https://example.org/é',
    'https://example.org/pack#part',
    `https://example.org/${'a'.repeat(70_000)}`,
    '/relative',
    '--upload-pack=id',
    '',
  ])('is not %j', (url) => {
    expect(isSafeUrl(url)).toBe(false);
  });
});

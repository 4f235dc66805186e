import { expect, it } from 'vitest';
import { readSettings } from '../../../src/config/settings.ts';

const BUCKET = { store: 's3://bucket' };

it('offload is off by default', () => {
  expect(readSettings(BUCKET, {}).offload).toBeUndefined();
});

it.each([
  ['bundle-uri', { bundleUri: true, packfileUris: false, expiry: 3_600 }],
  ['packfile-uris', { bundleUri: false, packfileUris: true, expiry: 3_600 }],
  ['both', { bundleUri: true, packfileUris: true, expiry: 3_600 }],
])('CAIRN_OFFLOAD=%s', (what, expected) => {
  expect(readSettings(BUCKET, { CAIRN_OFFLOAD: what }).offload).toEqual(expected);
});

it('the bucket’s public address replaces its own address', () => {
  const environment = {
    CAIRN_OFFLOAD: 'both',
    CAIRN_S3_ENDPOINT: 'http://10.0.0.1:9000',
    CAIRN_OFFLOAD_ENDPOINT: 'https://files.example.org',
  };
  expect(readSettings(BUCKET, environment).store).toMatchObject({
    endpoint: 'http://10.0.0.1:9000',
    publicEndpoint: 'https://files.example.org',
  });
});

it.each([
  [{ store: 'file:./data', offload: 'both' }, '--offload both sends clients to a bucket'],
  [
    { ...BUCKET, offload: 'both', 's3-endpoint': 'http://10.0.0.1' },
    'https:// addresses only, not to http://10.0.0.1',
  ],
  [
    { ...BUCKET, offload: 'both', 's3-endpoint': 'https://a.org', 'offload-endpoint': 'http://b.org' },
    'https:// addresses only, not to http://b.org',
  ],
  [{ ...BUCKET, offload: 'everything' }, '--offload is "everything"'],
  [{ ...BUCKET, offload: 'both', 'offload-expiry': '604801' }, '--offload-expiry is "604801"'],
])('%o is refused', (flags, words) => {
  expect(() => readSettings(flags, {})).toThrow(words);
});

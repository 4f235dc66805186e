import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openS3 } from '../../../../src/object-store/s3/s3.ts';
import { presignedUrl } from '../../../../src/object-store/s3/s3-presign.ts';
import { startR2, type TestBucket } from '../../../helpers/r2.ts';

const KEYS = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};

describe('a presigned URL', () => {
  it('equals the example in the documentation of Amazon S3', () => {
    const url = presignedUrl({
      url: new URL('https://examplebucket.s3.amazonaws.com/test.txt'),
      region: 'us-east-1',
      credentials: KEYS,
      now: Date.UTC(2013, 4, 24),
      seconds: 86_400,
    });
    expect(url).toBe(
      'https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256' +
        '&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request' +
        '&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host' +
        '&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
    );
  });
});

it.each([
  [{}, 'https://bucket.s3.eu-west-1.amazonaws.com/some/prefix/a/b.pack'],
  [{ bucket: 'with.dots' }, 'https://s3.eu-west-1.amazonaws.com/with.dots/some/prefix/a/b.pack'],
  [{ endpoint: 'https://s3.example.org' }, 'https://s3.example.org/bucket/some/prefix/a/b.pack'],
  [
    { endpoint: 'http://10.0.0.1:9000', publicEndpoint: 'https://files.example.org/s3/' },
    'https://files.example.org/s3/bucket/some/prefix/a/b.pack',
  ],
  [
    { endpoint: 'https://s3.example.org', forcePathStyle: false },
    'https://bucket.s3.example.org/some/prefix/a/b.pack',
  ],
])('a presigner names the bucket as clients reach it: %o', async (access, expected) => {
  const credentials = { ...KEYS, sessionToken: 'a+token/=' };
  const pair = openS3({
    bucket: 'bucket',
    region: 'eu-west-1',
    prefix: 'some/prefix',
    credentials,
    ...access,
  });
  const url = new URL((await pair.presignGet?.('a/b.pack', 300)) ?? '');
  expect(url.origin + url.pathname).toBe(expected);
  expect(url.searchParams.get('X-Amz-Expires')).toBe('300');
  expect(url.searchParams.get('X-Amz-Security-Token')).toBe('a+token/=');
  await Promise.all([pair.bulk.close(), pair.control.close()]);
});

describe('a presigner', () => {
  let bucket: TestBucket;
  beforeAll(async () => {
    bucket = await startR2();
  });
  afterAll(() => bucket.close());

  it('allows reading one object for a limited time', async () => {
    const { close: _, ...access } = bucket;
    const pair = openS3(access);
    await pair.bulk.put('a/file (1).pack', Buffer.from('content'), { mode: 'create' });
    await pair.bulk.put('other', Buffer.from('other'), { mode: 'create' });
    const url = (await pair.presignGet?.('a/file (1).pack', 60)) ?? '';
    expect(url).not.toContain(access.credentials.secretAccessKey);
    const answer = await fetch(url);
    expect([answer.status, await answer.text()]).toEqual([200, 'content']);
    const elsewhere = await fetch(url.replace('file%20%281%29.pack', 'other'));
    expect(elsewhere.status).toBe(403);
    await elsewhere.body?.cancel();
    await Promise.all([pair.bulk.close(), pair.control.close()]);
  });
});

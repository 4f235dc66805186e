import { randomBytes } from 'node:crypto';
import { Miniflare } from 'miniflare';
import { findS3Profile } from '../../src/object-store/s3/find-s3-profile.ts';
import { openS3, type S3Options } from '../../src/object-store/s3/s3.ts';
import type { S3Credentials } from '../../src/object-store/s3/s3-client.ts';
import { type S3Profile, STANDARD_PROFILE } from '../../src/object-store/s3/s3-profile.ts';

/** A bucket for tests. Tests share nothing as long as each keeps below the prefix it was given. */
export interface TestBucket extends S3Options {
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly credentials: S3Credentials;
  /** Unique to this call. */
  readonly prefix: string;
  /** How it differs from AWS, found as a server finds it. */
  readonly profile: S3Profile;
  close(): Promise<void>;
}

/**
 * A real S3 endpoint: the one in `CAIRN_TEST_S3_URL` if set, `http(s)://<key>:<secret>@<host>/<bucket>?region=<region>`,
 * else Cloudflare's own R2 simulator, started here and gone after `close`.
 */
export async function startR2(): Promise<TestBucket> {
  const prefix = `test-${randomBytes(8).toString('hex')}`;
  const url = process.env['CAIRN_TEST_S3_URL'];
  return url === undefined || url === '' ? startMiniflare(prefix) : useEndpoint(url, prefix);
}

async function startMiniflare(prefix: string): Promise<TestBucket> {
  const credentials = { accessKeyId: 'test-key', secretAccessKey: randomBytes(16).toString('hex') };
  const bucket = 'test-bucket';
  const miniflare = new Miniflare({
    host: '127.0.0.1',
    port: 0,
    modules: true,
    script: 'export default { fetch: () => new Response("a bucket for tests") };',
    r2Buckets: { BUCKET: { id: bucket, s3Credentials: credentials } },
  });
  const endpoint = new URL('cdn-cgi/local/r2/s3', await miniflare.ready).href;
  const access = { endpoint, bucket, region: 'auto', credentials, prefix, profile: STANDARD_PROFILE };
  return { ...access, close: () => miniflare.dispose() };
}

/**
 * A bucket somewhere else. Its profile is found first, as in production: a store such as Ceph takes no replace without.
 * @param text in the form of `CAIRN_TEST_S3_URL`
 */
export async function useEndpoint(text: string, prefix: string): Promise<TestBucket> {
  const url = new URL(text);
  const access = {
    endpoint: url.origin,
    bucket: url.pathname.slice(1),
    region: url.searchParams.get('region') ?? 'us-east-1',
    credentials: {
      accessKeyId: decodeURIComponent(url.username),
      secretAccessKey: decodeURIComponent(url.password),
    },
    prefix,
  };
  const bucket = { ...access, profile: await findS3Profile(access) };
  return { ...bucket, close: () => removeAll(bucket) };
}

async function removeAll(options: S3Options): Promise<void> {
  const { control, bulk } = openS3(options);
  for await (const { key } of control.list('')) await control.delete(key);
  await Promise.all([control.close(), bulk.close()]);
}

import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { concurrently } from '../../src/lib/concurrently.ts';
import { findS3Profile } from '../../src/object-store/s3/find-s3-profile.ts';
import { openS3, type S3Options } from '../../src/object-store/s3/s3.ts';
import type { S3Credentials } from '../../src/object-store/s3/s3-client.ts';
import { type S3Profile, STANDARD_PROFILE } from '../../src/object-store/s3/s3-profile.ts';
import { startSimulator } from './r2-simulator.ts';

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
  /** Removes what was stored, where that stays otherwise. */
  close(): Promise<void>;
}

/**
 * A real S3 endpoint: the one in `CAIRN_TEST_S3_URL` if set, `http(s)://<key>:<secret>@<host>/<bucket>?region=<region>`,
 * else Cloudflare's own R2 simulator. That one is shared by all files of a project that starts it before (start-r2-once.ts);
 * other files get one of their own. What was stored in a simulator is gone when that one stops.
 */
export async function startR2(): Promise<TestBucket> {
  const prefix = `test-${randomBytes(8).toString('hex')}`;
  const url = process.env['CAIRN_TEST_S3_URL'];
  if (url !== undefined && url !== '') return useEndpoint(url, prefix);
  const shared = inject('r2');
  if (shared !== undefined)
    return { ...shared, prefix, profile: STANDARD_PROFILE, close: async () => undefined };
  const own = await startSimulator();
  return { ...own.access, prefix, profile: STANDARD_PROFILE, close: own.stop };
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

/** Others use the bucket, too: what is below a prefix goes. */
async function removeAll(options: S3Options): Promise<void> {
  const { control, bulk } = openS3(options);
  const keys: string[] = [];
  for await (const { key } of control.list('')) keys.push(key);
  await concurrently(keys, 8, (key) => control.delete(key));
  await Promise.all([control.close(), bulk.close()]);
}

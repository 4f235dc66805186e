import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { probeS3 } from '../../../src/object-store/probe-s3.ts';
import { openS3 } from '../../../src/object-store/s3.ts';
import { startR2, type TestBucket } from '../../helpers/r2.ts';
import { type S3Quirks, startStubS3 } from '../../helpers/stub-s3.ts';

/** What Ceph 16 does, together. */
const CEPH: S3Quirks = {
  ifMatchUnquoted: true,
  missingIsPrecondition: true,
  multipartUnconditional: true,
  losersGet500: true,
  latency: 5,
};

describe('the probe of an S3 store', () => {
  it('finds nothing unusual about one that behaves like AWS', async () => {
    await using stub = await startStubS3();
    const report = await probeS3(stub.options, 'stub');
    expect(report.ok, JSON.stringify(report.failure)).toBe(true);
    expect(report.profile).toEqual({ ifMatch: 'quoted', multipart: 'conditional' });
    expect([...stub.objects.keys()]).toEqual([]);
  });

  it('finds the profile of Ceph and passes it, 500 to losers included', async () => {
    await using stub = await startStubS3(CEPH);
    const report = await probeS3(stub.options, 'stub');
    expect(report.ok, JSON.stringify(report.failure)).toBe(true);
    expect(report.profile).toEqual({ ifMatch: 'unquoted', multipart: 'unconditional' });
    expect(report.unanswered).toBeGreaterThan(10);
    expect([...stub.objects.keys()]).toEqual([]);
    const { control, bulk } = openS3({ ...stub.options, profile: report.profile });
    const first = await control.put('k', Buffer.from('1'), { mode: 'create' });
    if (first.outcome !== 'written') throw new Error(first.outcome);
    const replace = { mode: 'replace', version: first.version } as const;
    expect(await control.put('k', Buffer.from('2'), replace)).toMatchObject({ outcome: 'written' });
    await Promise.all([control.close(), bulk.close()]);
  });

  it('refuses one that ignores conditions', async () => {
    await using stub = await startStubS3({ ignoreConditions: true });
    const report = await probeS3(stub.options, 'stub');
    expect(report.ok).toBe(false);
    expect(report.failure?.reason).toContain('was accepted where only');
    expect([...stub.objects.keys()]).toEqual([]);
  });

  it('refuses a bucket that is not there, and says which', async () => {
    await using stub = await startStubS3();
    const report = await probeS3({ ...stub.options, bucket: 'absent' }, 'stub');
    expect(report).toMatchObject({ ok: false, failure: { phase: 'the store answers' } });
    expect(report.failure?.reason).toContain('there is no bucket "absent"');
  });

  it('says that nobody listens', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    const endpoint = `http://127.0.0.1:${port}`;
    const report = await probeS3({ endpoint, bucket: 'b', credentials }, 'nobody');
    expect(report.failure?.reason).toContain(`cannot reach the object store at ${endpoint}`);
    expect(report.seconds).toBeLessThan(5);
  });
});

const credentials = { accessKeyId: 'k', secretAccessKey: 's' };

describe('the probe of a real endpoint', () => {
  let bucket: TestBucket;

  beforeAll(async () => {
    bucket = await startR2();
  });

  afterAll(() => bucket.close());

  it('passes, and leaves nothing behind', async () => {
    const report = await probeS3(bucket, 'a real bucket');
    expect(report.ok, JSON.stringify(report.failure)).toBe(true);
    expect(report.profile.ifMatch).toBe('quoted');
    const { control, bulk } = openS3(bucket);
    for await (const { key } of control.list('')) throw new Error(`${key} was left behind`);
    await Promise.all([control.close(), bulk.close()]);
  });

  it('refuses wrong credentials', async () => {
    const wrong = { ...bucket.credentials, secretAccessKey: 'not-the-secret' };
    const report = await probeS3({ ...bucket, credentials: wrong }, 'a real bucket');
    expect(report.ok).toBe(false);
    expect(report.failure?.reason).toContain('does not accept the credentials');
  });
});

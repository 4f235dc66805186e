import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../../src/lib/clock.ts';
import { probeS3 } from '../../../../src/object-store/probe/probe-s3.ts';
import { findS3Profile } from '../../../../src/object-store/s3/find-s3-profile.ts';
import { openS3 } from '../../../../src/object-store/s3/s3.ts';
import { startR2, type TestBucket } from '../../../helpers/r2.ts';
import { CEPH, type S3Quirks, startStubS3 } from '../../../helpers/stub-s3.ts';

/** Waits take no time: these stores get no better. */
const INSTANT: Clock = {
  ...systemClock,
  now: () => systemClock.now(),
  monotonic: () => systemClock.monotonic(),
  sleep: async () => undefined,
};

describe('the probe of an S3 store', () => {
  it('finds nothing unusual in a store that behaves like AWS', async () => {
    await using stub = await startStubS3();
    const report = await probeS3(stub.options, 'stub');
    expect(report.ok, JSON.stringify(report.failure)).toBe(true);
    expect(report.profile).toEqual({ ifMatch: 'quoted', multipart: 'conditional' });
    expect([...stub.objects.keys()]).toEqual([]);
  });

  it('finds the profile of Ceph and accepts it, with status 500 for losers (issue 11, point 21)', async () => {
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

  it.each<[string, S3Quirks, RegExp]>([
    ['does not let us in', { refusesAll: [403, 'AccessDenied'] }, /does not accept the credentials/],
    ['is down', { refusesAll: [503, 'ServiceUnavailable'] }, /answered 503/],
    ['throttles every write from the third on', { throttlesAfter: 2 }, /SlowDown|answered/],
    ['is no store at all', { refusesAll: [405, ''] }, /refused a request/],
    ['ends on the first write', { endsAt: /^PUT / }, /no answer from/],
  ])('reports that a store that %s could not be tried (issue 11, point 20)', async (_, quirks, reason) => {
    await using stub = await startStubS3(quirks);
    const report = await probeS3(stub.options, 'stub', { clock: INSTANT });
    expect(report).toMatchObject({
      ok: false,
      failure: { is: 'untried', reason: expect.stringMatching(reason) },
    });
    expect(report.phases.filter(({ ok }) => !ok).every(({ untried }) => untried === true)).toBe(true);
  });

  it.each<[string, S3Quirks]>([
    ['ignores conditions', { ignoreConditions: true }],
    ['lets two racers win', { gapBeforeWrite: 20 }],
    ['does not have conditions', { refusesAll: [501, 'NotImplemented'] }],
  ])('reports that a store that %s breaks a promise (issue 11, point 20)', async (_, quirks) => {
    await using stub = await startStubS3(quirks);
    expect(await probeS3(stub.options, 'stub')).toMatchObject({ ok: false, failure: { is: 'broken' } });
  });

  it('tries last what ends weak servers, and reports what that was (issue 11, point 20)', async () => {
    // `sp ace` is one of the odd keys.
    await using stub = await startStubS3({ endsAt: /sp%20ace/ });
    const report = await probeS3(stub.options, 'stub', { clock: INSTANT });
    expect(report.failure).toMatchObject({ is: 'untried', phase: expect.stringContaining('odd keys') });
    const kept = report.phases.filter(({ ok }) => ok).map(({ name }) => name);
    expect(kept).toEqual(
      expect.arrayContaining([
        'of many replaces at once one is written',
        'of many creates at once one is written',
        'replace takes the current version and refuses an old one',
      ]),
    );
  });

  it('accepts a store that crashes on multipart writes: they are tried last, and single writes suffice (issue 11, point 20)', async () => {
    await using stub = await startStubS3({ endsAt: /^POST .*uploads/ });
    const report = await probeS3(stub.options, 'stub', { clock: INSTANT });
    expect(report.ok, JSON.stringify(report.failure)).toBe(true);
    expect(report.profile).toEqual({ ifMatch: 'quoted', multipart: 'unconditional' });
  });

  it('finds the profile even if one answer is lost (issue 11, point 21)', async () => {
    await using stub = await startStubS3({ ...CEPH, throttles: [2, 3] });
    expect(await findS3Profile(stub.options, { clock: INSTANT })).toEqual({
      ifMatch: 'unquoted',
      multipart: 'unconditional',
    });
  });

  it('reports the standard profile for a store that matches neither form of an ETag, and refuses it for that (issue 11, point 21)', async () => {
    await using stub = await startStubS3({ neverMatches: true });
    expect(await findS3Profile(stub.options, { clock: INSTANT })).toMatchObject({ ifMatch: 'quoted' });
    expect(await probeS3(stub.options, 'stub')).toMatchObject({ ok: false, failure: { is: 'broken' } });
  });

  it('accepts a store without multipart uploads, with single writes (issue 11, point 21)', async () => {
    await using stub = await startStubS3({ refusesMultipart: true });
    expect(await findS3Profile(stub.options, { clock: INSTANT })).toEqual({
      ifMatch: 'quoted',
      multipart: 'unconditional',
    });
  });

  it('refuses a store that ignores conditions', async () => {
    await using stub = await startStubS3({ ignoreConditions: true });
    const report = await probeS3(stub.options, 'stub');
    expect(report.ok).toBe(false);
    expect(report.failure?.reason).toContain('was accepted where only');
    expect([...stub.objects.keys()]).toEqual([]);
  });

  it('refuses a missing bucket, and names it', async () => {
    await using stub = await startStubS3();
    const report = await probeS3({ ...stub.options, bucket: 'absent' }, 'stub');
    expect(report).toMatchObject({ ok: false, failure: { phase: 'the store answers' } });
    expect(report.failure?.reason).toContain('there is no bucket "absent"');
  });

  it('reports that nothing listens', async () => {
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

  it('passes, and leaves no object behind', async () => {
    const report = await probeS3(bucket, 'a real bucket');
    expect(report.ok, JSON.stringify(report.failure)).toBe(true);
    expect(report.profile.ifMatch).toBe(bucket.profile.ifMatch);
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

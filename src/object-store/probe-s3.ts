import { systemClock } from '../lib/clock.ts';
import { systemDice } from '../lib/dice.ts';
import { messageOf } from '../lib/errors.ts';
import { readAll } from '../lib/streams.ts';
import type { ObjectStore, ObjectStorePair, VersionToken } from './object-store.ts';
import { failedReport, type ProbeOptions, type ProbeReport, probeStore } from './probe.ts';
import { openS3, type S3Options } from './s3.ts';
import { type S3Profile, STANDARD_PROFILE } from './s3-profile.ts';
import { StoreRefusedError } from './store-refused.ts';

const ATTEMPTS = 3;
const MOST_BYTES = 4096;

/**
 * Finds how an S3 store differs from AWS, then probes it as it will be used. Give the profile of the report to
 * `openS3`.
 * @param store what to call the store in the report
 */
export async function probeS3(
  options: S3Options,
  store: string,
  probe: ProbeOptions = {},
): Promise<ProbeReport & { readonly profile: S3Profile }> {
  const clock = probe.clock ?? systemClock;
  const started = clock.monotonic();
  const key = `probe/${(probe.dice ?? systemDice).hex(8)}/profile`;
  let profile: S3Profile;
  try {
    profile = await findProfile(options, key);
  } catch (error) {
    const seconds = (clock.monotonic() - started) / 1000;
    return { ...failedReport(store, key, messageOf(error), seconds), profile: STANDARD_PROFILE };
  }
  return {
    ...(await withPair({ ...options, profile }, ({ control, bulk }) =>
      probeStore([control, bulk], store, probe),
    )),
    profile,
  };
}

/**
 * Tries the standard way first, then the others; a question that stays open is left to the probe, which fails with
 * the reason.
 * @throws when the store does not take the first write
 */
async function findProfile(options: S3Options, key: string): Promise<S3Profile> {
  return withPair(options, async ({ control: store }) => {
    const first = await store.put(key, Buffer.from('first'), { mode: 'create' });
    if (first.outcome === 'unknown') throw first.cause;
    if (first.outcome !== 'written') throw new Error(`the first write was answered "${first.outcome}"`);
    try {
      const ifMatch = await findIfMatch(options, store, key, first.version);
      return { ifMatch, multipart: await findMultipart(options, key) };
    } finally {
      await store.delete(key);
    }
  });
}

async function findIfMatch(
  options: S3Options,
  store: ObjectStore,
  key: string,
  version: VersionToken,
): Promise<S3Profile['ifMatch']> {
  const replace = { mode: 'replace', version } as const;
  const quoted = await store.put(key, Buffer.from('by quoted tag'), replace);
  if (quoted.outcome !== 'changed') return 'quoted';
  const bare = { ...options, profile: { ...STANDARD_PROFILE, ifMatch: 'unquoted' as const } };
  return withPair(bare, async ({ control }) => {
    const unquoted = await control.put(key, Buffer.from('by bare tag'), replace);
    return unquoted.outcome === 'written' ? 'unquoted' : 'quoted';
  });
}

/** Sends a small body the way large ones go, to a key that exists: it has to be refused. */
async function findMultipart(options: S3Options, key: string): Promise<S3Profile['multipart']> {
  return withPair({ ...options, profile: STANDARD_PROFILE, multipartAbove: 0 }, async ({ bulk }) => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const body = Buffer.from(`in parts, ${attempt}`);
      try {
        const { outcome } = await bulk.put(key, body, { mode: 'create' });
        if (outcome === 'exists') return 'conditional';
        if (outcome === 'written') return 'unconditional';
      } catch (error) {
        // No multipart at all; anything else may be a bad moment.
        if (error instanceof StoreRefusedError) return 'unconditional';
      }
      const stored = await bulk.get(key);
      // Ceph answers with an empty ETag, which says nothing, and has written.
      if (stored.found && (await readAll(stored.body, MOST_BYTES)).equals(body)) return 'unconditional';
    }
    // Single writes serve every store, up to 5 GiB.
    return 'unconditional';
  });
}

async function withPair<T>(options: S3Options, use: (pair: ObjectStorePair) => Promise<T>): Promise<T> {
  const pair = openS3(options);
  try {
    return await use(pair);
  } finally {
    await Promise.all([pair.control.close(), pair.bulk.close()]);
  }
}

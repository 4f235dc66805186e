import { type Clock, systemClock } from '../../lib/clock.ts';
import { CairnError, messageOf } from '../../lib/errors.ts';
import { type Random, systemRandom } from '../../lib/random.ts';
import { readAll } from '../../lib/streams.ts';
import type { ObjectStore, ObjectStorePair, PutOutcome, VersionToken } from '../object-store.ts';
import { StoreRefusedError } from '../store-refused.ts';
import { openS3, type S3Options } from './s3.ts';
import { type S3Profile, STANDARD_PROFILE } from './s3-profile.ts';

export interface ProfileOptions {
  readonly clock?: Clock;
  readonly random?: Random;
}

const ATTEMPTS = 3;
const BACK_OFF_MS = 400;
const MOST_BYTES = 4096;

/**
 * Finds how an S3 store differs from AWS, with a few requests below `probe/<random>/`. It does not test the promises
 * of the store.
 * @throws CairnError when the store does not answer, or refuses a first write
 */
export async function findS3Profile(
  options: S3Options,
  { clock, random }: ProfileOptions = {},
): Promise<S3Profile> {
  const finding = { options, clock: clock ?? systemClock, random: random ?? systemRandom };
  return { ifMatch: await findIfMatch(finding), multipart: await findMultipart(finding) };
}

/** What is needed to find a profile. */
export interface Finding {
  readonly options: S3Options;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Tries a replace with a quoted ETag first, then with an unquoted one. A store that refuses both is called standard:
 * the probe reports what is wrong with it.
 * @throws CairnError when the store does not answer
 */
export async function findIfMatch(finding: Finding): Promise<S3Profile['ifMatch']> {
  return withKey(finding, async (store, key, version) => {
    const replace = { mode: 'replace', version } as const;
    const quoted = await answered(finding, () => store.put(key, Buffer.from('by quoted tag'), replace));
    if (quoted.outcome !== 'changed') return 'quoted';
    const bare = { ...finding.options, profile: { ...STANDARD_PROFILE, ifMatch: 'unquoted' as const } };
    await withPair(bare, ({ control }) =>
      answered(finding, () => control.put(key, Buffer.from('by bare tag'), replace)),
    );
    // Judge by the stored body: an attempt without an answer may have succeeded.
    return (await isStored(store, key, 'by bare tag')) ? 'unquoted' : 'quoted';
  });
}

/**
 * Sends a small body by multipart upload to an existing key: the store must refuse it. Some stores crash on this.
 * Whatever goes wrong, single writes work with every store, up to 5 GiB.
 * @throws CairnError when the store refuses a first write
 */
export async function findMultipart(finding: Finding): Promise<S3Profile['multipart']> {
  const inParts = { ...finding.options, profile: STANDARD_PROFILE, multipartAbove: 0 };
  return withKey(finding, (_, key) =>
    withPair(inParts, async ({ bulk }) => {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const text = `in parts, ${attempt}`;
        try {
          const { outcome } = await bulk.put(key, Buffer.from(text), { mode: 'create' });
          if (outcome === 'exists') return 'conditional';
          if (outcome === 'written') return 'unconditional';
          // Ceph answers with an empty ETag, which tells nothing, although it has written.
          if (await isStored(bulk, key, text)) return 'unconditional';
        } catch (error) {
          // A refusal means no multipart at all. Any other error may be temporary.
          if (error instanceof StoreRefusedError) return 'unconditional';
        }
        await finding.clock.sleep(BACK_OFF_MS);
      }
      return 'unconditional';
    }),
  );
}

/** Provides a new key, and deletes it afterwards if possible. */
async function withKey<T>(
  { options, random }: Finding,
  use: (store: ObjectStore, key: string, version: VersionToken) => Promise<T>,
): Promise<T> {
  const key = `probe/${random.hex(8)}/profile`;
  return withPair({ ...options, profile: STANDARD_PROFILE }, async ({ control: store }) => {
    // One attempt, so that a dead endpoint is reported at once.
    const first = await store.put(key, Buffer.from('first'), { mode: 'create' });
    if (first.outcome === 'unknown') throw errorOf(first.cause);
    if (first.outcome !== 'written') {
      throw new CairnError('unavailable', `${key}: the first write was answered "${first.outcome}"`);
    }
    const result = await use(store, key, first.version);
    // An object left in a store that has crashed does no harm.
    await store.delete(key).catch(() => undefined);
    return result;
  });
}

/** Repeats a write until it is answered. @throws CairnError `unavailable` when it never is */
async function answered(
  { clock }: { readonly clock: Clock },
  put: () => Promise<PutOutcome>,
): Promise<Exclude<PutOutcome, { readonly outcome: 'unknown' }>> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await put();
    if (outcome.outcome !== 'unknown') return outcome;
    if (attempt === ATTEMPTS) throw errorOf(outcome.cause);
    await clock.sleep(BACK_OFF_MS);
  }
}

function errorOf(cause: unknown): Error {
  return cause instanceof CairnError ? cause : new CairnError('unavailable', messageOf(cause), { cause });
}

async function isStored(store: ObjectStore, key: string, text: string): Promise<boolean> {
  const stored = await store.get(key);
  return stored.found && String(await readAll(stored.body, MOST_BYTES)) === text;
}

async function withPair<T>(options: S3Options, use: (pair: ObjectStorePair) => Promise<T>): Promise<T> {
  const pair = openS3(options);
  try {
    return await use(pair);
  } finally {
    await Promise.all([pair.control.close(), pair.bulk.close()]);
  }
}

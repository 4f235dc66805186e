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
 * Finds how an S3 store differs from AWS, with a few requests below `probe/<random>/`. It says nothing about the store's
 * promises.
 * @throws CairnError when the store does not answer, or does not take a first write
 */
export async function findS3Profile(
  options: S3Options,
  { clock, random }: ProfileOptions = {},
): Promise<S3Profile> {
  const finding = { options, clock: clock ?? systemClock, random: random ?? systemRandom };
  return { ifMatch: await findIfMatch(finding), multipart: await findMultipart(finding) };
}

/** What to find a profile with. */
export interface Finding {
  readonly options: S3Options;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Tries a replace in the standard way first, then with the bare tag. A store that takes neither is called standard: the
 * probe says what is wrong with it.
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
    // By what is stored: an attempt that was not answered may have been the one that was taken.
    return (await isStored(store, key, 'by bare tag')) ? 'unquoted' : 'quoted';
  });
}

/**
 * Sends a small body the way large ones go, to a key that exists: it has to be refused. Stores have come to their ends over
 * this: whatever goes wrong, single writes serve every store, up to 5 GiB.
 * @throws CairnError when the store does not take a first write
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
          // Ceph answers with an empty ETag, which says nothing, and has written.
          if (await isStored(bulk, key, text)) return 'unconditional';
        } catch (error) {
          // No multipart at all; anything else may be a bad moment.
          if (error instanceof StoreRefusedError) return 'unconditional';
        }
        await finding.clock.sleep(BACK_OFF_MS);
      }
      return 'unconditional';
    }),
  );
}

/** Gives a new key to work on, and deletes it as well as that goes. */
async function withKey<T>(
  { options, random }: Finding,
  use: (store: ObjectStore, key: string, version: VersionToken) => Promise<T>,
): Promise<T> {
  const key = `probe/${random.hex(8)}/profile`;
  return withPair({ ...options, profile: STANDARD_PROFILE }, async ({ control: store }) => {
    // Once: whoever has named a dead endpoint is told so at once.
    const first = await store.put(key, Buffer.from('first'), { mode: 'create' });
    if (first.outcome === 'unknown') throw errorOf(first.cause);
    if (first.outcome !== 'written') {
      throw new CairnError('unavailable', `${key}: the first write was answered "${first.outcome}"`);
    }
    const result = await use(store, key, first.version);
    // What stays in a store that has ended meanwhile harms nobody.
    await store.delete(key).catch(() => undefined);
    return result;
  });
}

/** Sends a write until it is answered. @throws CairnError `unavailable` when it never is */
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

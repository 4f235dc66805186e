/** Records used one-time proofs for signing in: an object for each, created at its first use. */
import { CairnError, messageOf } from '../../lib/errors.ts';
import type { Random } from '../../lib/random.ts';
import { readAll } from '../../lib/streams.ts';
import type { ObjectStore } from '../../object-store/object-store.ts';
import { usedSignInKey } from '../keys.ts';

/** Something that is good for one sign-in. */
export interface OneTime {
  /** 32 hex characters that nothing else has. */
  readonly name: string;
  /** Seconds since 1970: from then on it is refused in any case. */
  readonly expires: number;
}

const ATTEMPTS = 3;
/** 16 random bytes in hex. */
const CLAIM_CHARACTERS = 32;

/**
 * Uses something that can be used once, whichever of several servers is asked.
 * @returns whether this call has used it; false if it had been used before
 * @throws CairnError `unavailable` when the store does not say
 */
export async function useOnce(
  store: ObjectStore,
  random: Random,
  { name, expires }: OneTime,
): Promise<boolean> {
  const key = usedSignInKey(expires, name);
  const claim = random.hex(CLAIM_CHARACTERS / 2);
  let cause: unknown;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const put = await store.put(key, Buffer.from(claim), { mode: 'create' });
    if (put.outcome === 'written') return true;
    // A lost answer may have been ours: the object says whose it is.
    const found = await store.get(key);
    if (found.found) return (await readAll(found.body, CLAIM_CHARACTERS)).toString('latin1') === claim;
    cause = put.outcome === 'unknown' ? put.cause : put.outcome;
  }
  throw new CairnError('unavailable', `${key} cannot be written: ${messageOf(cause)}`, { cause });
}

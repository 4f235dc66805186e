/**
 * The commit: one conditional write of the pointer, and the certainty about its outcome.
 *
 * An answer may be lost, or say "precondition failed" about our own earlier attempt. So only `written` is believed
 * without a check. The rules:
 * - While the pointer is what the attempt was predicated on, send the same bytes again under the same condition.
 * - Remember every digest ever sent. If the pointer is one of them, or one of them is in the parent chain above the
 *   state we built on, we won: others may already have built on our publish.
 * - An attempt is lost only when the pointer has moved past the version it was predicated on: after that the store
 *   can no longer apply a late copy of it.
 * - The swap has failed only when every attempt is known to have failed. One doubtful answer is enough to rule that
 *   out.
 * - If the outcome cannot be found out in time, or the data below the pointer is damaged, the outcome is unknown, and
 *   the caller says exactly that.
 */
import type { Clock } from '../lib/clock.ts';
import type { Digest } from '../lib/digest.ts';
import { becauseOf, CairnError, isCairnError, publicError } from '../lib/errors.ts';
import type { Random } from '../lib/random.ts';
import type { ObjectStore, PutOutcome, VersionToken } from '../object-store/object-store.ts';
import { pointerKey } from './keys.ts';
import type { Manifest, PublishedState } from './manifest.ts';
import { type PointerReading, readPointer } from './pointer.ts';
import type { RepositoryId } from './repository-id.ts';

export interface SwapContext {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  /** Loads a manifest by digest, verified. */
  readonly load: (digest: Digest) => Promise<Pick<Manifest, 'parent' | 'depth'>>;
  /** Milliseconds to ask for the outcome, before it is called unknown. */
  readonly patience: number;
}

/** The part of the published state that a swap is predicated on. */
type PredicatedOn = Pick<PublishedState<Manifest>, 'version' | 'digest'> & {
  readonly manifest: Pick<Manifest, 'depth'>;
};

/**
 * `won`: `current` names our manifest, or a descendant of it. `lost`: `current` is the state that won. `unknown`: the
 * outcome cannot be found out.
 */
export type SwapResult =
  | {
      readonly swap: 'won';
      readonly digest: Digest;
      readonly current: { readonly version: VersionToken; readonly digest: Digest };
    }
  | { readonly swap: 'lost'; readonly current: { readonly version: VersionToken; readonly digest: Digest } }
  | { readonly swap: 'unknown'; readonly cause: unknown };

/** What {@link settle} finds out. */
type Settled = Extract<SwapResult, { swap: 'won' | 'lost' }> | 'unchanged' | 'unanswered';

/** `refused`: the write certainly did not happen (a `put` that throws, by the store's contract). */
type Attempt = PutOutcome | { readonly outcome: 'refused'; readonly cause: unknown };

/** Answers after which our write may have happened, or may still happen. */
const DOUBTFUL: readonly Attempt['outcome'][] = ['unknown', 'exists', 'changed'];

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 2_000;
/** How often the store may refuse a write (a full disk, nothing listening) before the publish fails. */
const REFUSALS = 5;

/**
 * Swaps the pointer of a repository from `parent` (undefined: none yet) to the manifest `next`.
 * @param sent every digest this publisher has ever tried on this repository; `next` is added
 * @throws CairnError when it certainly did not happen: `unavailable` when the store goes on refusing, `corrupt` when the
 *   repository turns out to be damaged
 */
export async function swapPointer(
  context: SwapContext,
  id: RepositoryId,
  parent: PredicatedOn | undefined,
  next: Digest,
  sent: Set<Digest>,
): Promise<SwapResult> {
  const deadline = context.clock.monotonic() + context.patience;
  const body = Buffer.from(next, 'latin1');
  sent.add(next);
  let doubtful = false;
  let refused = 0;
  for (let attempt = 0; ; attempt++) {
    const put = await tryPut(context, id, parent, body);
    if (put.outcome === 'written') {
      return { swap: 'won', digest: next, current: { version: put.version, digest: next } };
    }
    doubtful ||= DOUBTFUL.includes(put.outcome);
    if (put.outcome === 'refused') refused++;
    let cause: unknown = 'cause' in put ? put.cause : `the object store answered "${put.outcome}"`;
    let settled: Settled;
    try {
      settled = await settle(context, id, parent, sent, deadline, (trouble) => {
        cause = trouble;
      });
    } catch (damage) {
      if (!doubtful) throw damage;
      return { swap: 'unknown', cause: damage };
    }
    if (typeof settled === 'object') return settled;
    const late = settled === 'unanswered' || context.clock.monotonic() >= deadline;
    if (doubtful && late) return { swap: 'unknown', cause };
    if (!doubtful && (late || refused === REFUSALS)) {
      throw becauseOf('unavailable', 'nothing was changed', cause);
    }
    await pause(context, attempt);
  }
}

async function tryPut(
  context: SwapContext,
  id: RepositoryId,
  parent: PredicatedOn | undefined,
  body: Buffer,
): Promise<Attempt> {
  const mode =
    parent === undefined
      ? ({ mode: 'create' } as const)
      : ({ mode: 'replace', version: parent.version } as const);
  try {
    return await context.store.put(pointerKey(id), body, mode);
  } catch (error) {
    // Errors outside the contract say nothing about the outcome.
    return { outcome: error instanceof CairnError ? 'refused' : 'unknown', cause: error };
  }
}

/**
 * Reads the pointer and the chain below it to find out the outcome of everything sent.
 * @throws CairnError `corrupt` when pointer or chain are damaged
 */
async function settle(
  context: SwapContext,
  id: RepositoryId,
  parent: PredicatedOn | undefined,
  sent: ReadonlySet<Digest>,
  deadline: number,
  onTrouble: (error: unknown) => void,
): Promise<Settled> {
  for (let attempt = 0; ; attempt++) {
    try {
      const reading = await readPointer(context.store, id);
      return await judge(context, id, parent, sent, reading);
    } catch (error) {
      if (isCairnError(error, 'corrupt')) throw error;
      onTrouble(error);
    }
    if (context.clock.monotonic() >= deadline) return 'unanswered';
    await pause(context, attempt);
  }
}

async function judge(
  context: SwapContext,
  id: RepositoryId,
  parent: PredicatedOn | undefined,
  sent: ReadonlySet<Digest>,
  reading: PointerReading,
): Promise<Exclude<Settled, 'unanswered'>> {
  if (reading.is !== 'found') {
    if (parent === undefined) return 'unchanged';
    throw publicError('corrupt', `the pointer ${pointerKey(id)} has vanished; Cairn never deletes one`);
  }
  const current = { version: reading.version, digest: reading.digest };
  if (sent.has(reading.digest)) return { swap: 'won', digest: reading.digest, current };
  // The same digest under another version: somebody else wrote the pointer again, and no attempt can match it any
  // more.
  if (reading.digest === parent?.digest) {
    return reading.version === parent.version ? 'unchanged' : { swap: 'lost', current };
  }
  // Another publisher's manifest. If ours is below it, it was built on our publish, and we won.
  let manifest = await context.load(reading.digest);
  const floor = parent === undefined ? 0 : parent.manifest.depth + 1;
  while (manifest.parent !== null && manifest.depth > floor) {
    if (sent.has(manifest.parent)) return { swap: 'won', digest: manifest.parent, current };
    manifest = await context.load(manifest.parent);
  }
  return { swap: 'lost', current };
}

/** Exponential pause with full jitter, so that losers do not retry together. */
function pause(context: SwapContext, attempt: number): Promise<void> {
  return context.clock.sleep(
    Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt) * context.random.fraction(),
  );
}

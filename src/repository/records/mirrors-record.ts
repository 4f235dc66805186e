/** The record of the mirrors of a repository that servers keep: what is wanted, and how it goes. */
import { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import { isDigest } from '../../lib/digest.ts';
import type { Random } from '../../lib/random.ts';
import type { ObjectStore } from '../../object-store/object-store.ts';
import { MIRROR_NAME } from '../git/git-manifest.ts';
import { mirrorsKey } from '../keys.ts';
import type { RepositoryPlace } from '../repository-id.ts';
import type { RecordPlace } from './shared-record.ts';

/** Most mirrors of a repository. */
export const MOST_MIRRORS = 16;
/** Longest address, in characters. */
export const MAX_ADDRESS = 2_048;
/** Longest text of an error that is kept, in characters. */
export const MAX_ERROR_TEXT = 500;

const digest = z.string().refine(isDigest);
const seconds = z.int().min(0);

/** How a mirror has gone so far. All dates are in seconds. */
const progress = z.strictObject({
  /** When it is to run next. */
  due: seconds,
  /** Runs that failed since the last one that did not. */
  failures: z.int().min(0),
  lastRun: seconds.nullable(),
  lastSuccess: seconds.nullable(),
  /** Why the last run failed; null when it did not. */
  lastError: z
    .strictObject({ at: seconds, kind: z.string().max(32), text: z.string().max(MAX_ERROR_TEXT) })
    .nullable(),
  /** The published state that both sides were known to share last. */
  mirrored: z.strictObject({ digest, depth: z.int().min(0) }).nullable(),
  /** Since when there is a publish that a push mirror has not sent on; null when it has sent all that is known. */
  behindSince: seconds.nullable(),
});

const common = {
  /** Random: a mirror that is removed and added again under its name is another one. */
  id: z.string().regex(/^[0-9a-f]{16}$/),
  name: z.string().regex(MIRROR_NAME),
  /** An HTTP(S) URL without a user, a query or a fragment. */
  address: z.string().max(MAX_ADDRESS),
  /** Seconds between two runs. */
  every: z.int().min(1),
  /** The key that added it, which must be one that may push at each run; null for an operator. */
  by: digest.nullable(),
  /** Of the repository it was added to. It ends with that. */
  incarnation: z.string().regex(/^[0-9a-f]{32}$/),
  paused: z.boolean(),
  /** True from the moment its removal began. */
  removing: z.boolean(),
  /** Encrypted, for this host only. */
  credential: z.strictObject({ host: z.string(), sealed: z.string() }).nullable(),
  progress,
};

const mirror = z.discriminatedUnion('direction', [
  z.strictObject({
    ...common,
    direction: z.literal('pull'),
    refs: z.enum(['follow', 'namespace']),
    /** Whether a mirror that follows may take over a repository that has refs. */
    overwrite: z.boolean().default(false),
    /** True once a manifest has named it. When none does any more, it has been removed. */
    marked: z.boolean(),
  }),
  z.strictObject({
    ...common,
    direction: z.literal('push'),
    /** Whether refs of the target that are not here are deleted there. */
    prune: z.boolean(),
    /** Whether the first run may delete and replace what only the target has. */
    overwrite: z.boolean().default(false),
  }),
]);

const format = z.strictObject({
  version: z.literal(1),
  /** Increases with each write, so that no body ever repeats. */
  revision: z.int().min(0),
  /** In the order of their names. */
  mirrors: z.array(mirror).max(MOST_MIRRORS),
});

export type MirrorsRecord = z.infer<typeof format>;
export type KeptMirror = z.infer<typeof mirror>;
export type KeptPull = Extract<KeptMirror, { direction: 'pull' }>;
export type KeptPush = Extract<KeptMirror, { direction: 'push' }>;
export type MirrorProgress = z.infer<typeof progress>;

export interface MirrorRecordsContext {
  readonly control: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
}

export function mirrorsRecord(
  context: MirrorRecordsContext,
  place: RepositoryPlace,
): RecordPlace<MirrorsRecord> {
  const { control: store, clock, random } = context;
  return { store, key: mirrorsKey(place), format, clock, random };
}

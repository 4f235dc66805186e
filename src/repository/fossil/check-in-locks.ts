/**
 * Warnings of forks: which user is about to check in on top of which check-in. A lock refuses nothing, and lasts a minute, as in stock
 * Fossil. All servers share the locks of a repository in one small record, so the second user is warned whichever server answers.
 */
import { z } from 'zod';
import type { ArtifactName } from '../../fossil/artifact-name.ts';
import { parseArtifactName } from '../../fossil/artifact-name.ts';
import type { Clock } from '../../lib/clock.ts';
import { LruMap } from '../../lib/lru.ts';
import type { Random } from '../../lib/random.ts';
import type { ObjectStore } from '../../object-store/object-store.ts';
import { checkInLocksKey } from '../keys.ts';
import { type KnownRecord, updateKnownRecord } from '../records/shared-record.ts';
import type { RepositoryPlace } from '../repository-id.ts';

/** A user who is about to check in on top of a check-in. */
export interface CheckInLock {
  readonly parent: ArtifactName;
  /** A name that the client's checkout made up. */
  readonly client: string;
  readonly login: string;
  /** Seconds since 1970. */
  readonly since: number;
}

/** What one request says about its locks: to take one, or to release all that a client has. */
export type LockStep =
  | { readonly step: 'take'; readonly parent: ArtifactName; readonly client: string }
  | { readonly step: 'release'; readonly client: string };

/** Seconds after which a lock means nothing, as in stock Fossil. */
export const LOCK_SECONDS = 60;

/** Locks of one repository, and of one user in it. The oldest ones go. */
const LOCKS_PER_REPOSITORY = 200;
const LOCKS_PER_USER = 20;
/** Bytes of the name of a client, or of a user. Longer ones get no lock. */
const NAME_BYTES = 200;
/** Locks in the records that a server remembers. */
const LOCKS_REMEMBERED = 10_000;
/** How often a record is tried that others change at the same time. A lock that is not taken only warns nobody. */
const ATTEMPTS = 4;

const format = z.strictObject({
  version: z.literal(1),
  /** Increases with each write, so that no body ever repeats. */
  revision: z.int().min(0),
  /** The oldest first. */
  locks: z.array(
    z.strictObject({
      parent: z.string().transform((text, context) => {
        const name = parseArtifactName(text);
        if (name !== undefined) return name;
        context.addIssue('no name of an artifact');
        return z.NEVER;
      }),
      client: z.string(),
      login: z.string(),
      since: z.int().min(0),
    }),
  ),
});

type LocksRecord = z.output<typeof format>;

export interface CheckInLocksContext {
  readonly control: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
}

/** The locks of all repositories of a bucket. */
export class CheckInLocks {
  private readonly context: CheckInLocksContext;
  /** By key. One that others have changed is found out when it is written. */
  private readonly known = new LruMap<string, KnownRecord<LocksRecord>>(LOCKS_REMEMBERED);

  constructor(context: CheckInLocksContext) {
    this.context = context;
  }

  /**
   * Takes and releases locks of one user. A lock is renewed for the same client; it is released for the same login alone.
   * @param isOver whether a lock of this check-in means nothing any more, because somebody has checked in on top of it. To release it
   *   costs no request
   * @returns the locks of others that stand in the way, which stay
   * @throws CairnError `unavailable` when the store does not answer; `busy` when others keep changing the record
   */
  async change(
    repository: RepositoryPlace,
    login: string,
    steps: readonly LockStep[],
    isOver: (parent: ArtifactName) => boolean,
  ): Promise<readonly CheckInLock[]> {
    const { control: store, clock, random } = this.context;
    const key = checkInLocksKey(repository);
    const known = this.known.get(key);
    if (steps.every((step) => isReleased(step, known?.record.locks ?? [], login, isOver))) return [];
    let held: readonly CheckInLock[] = [];
    const record = await updateKnownRecord(
      { store, key, format, clock, random },
      known,
      (current) => {
        const now = Math.floor(clock.now() / 1000);
        const after = takeSteps(current?.locks ?? [], login, steps, now);
        held = after.held;
        return after.changed ? { locks: after.locks } : undefined;
      },
      ATTEMPTS,
    );
    if (record !== undefined) this.known.set(key, record, 1 + record.record.locks.length);
    return held;
  }
}

/** Whether the lock that a client releases is known, and over. */
function isReleased(
  step: LockStep,
  locks: readonly CheckInLock[],
  login: string,
  isOver: (parent: ArtifactName) => boolean,
): boolean {
  const own = locks.filter((lock) => lock.client === step.client && lock.login === login);
  return step.step === 'release' && own.length > 0 && own.every(({ parent }) => isOver(parent));
}

/** The locks after the steps of a user, and the locks of others that were in the way. */
function takeSteps(
  before: readonly CheckInLock[],
  login: string,
  steps: readonly LockStep[],
  now: number,
): { locks: CheckInLock[]; held: CheckInLock[]; changed: boolean } {
  // The clock of another server may be ahead, but not much.
  let locks = before.filter(({ since }) => Math.abs(now - since) < LOCK_SECONDS);
  const held: CheckInLock[] = [];
  let changed = false;
  for (const step of steps) {
    const { client } = step;
    if (Buffer.byteLength(client) > NAME_BYTES || Buffer.byteLength(login) > NAME_BYTES) continue;
    if (step.step === 'release') {
      const left = locks.filter((lock) => lock.client !== client || lock.login !== login);
      changed ||= left.length < locks.length;
      locks = left;
      continue;
    }
    const { parent } = step;
    const other = locks.find((lock) => lock.parent === parent && lock.client !== client);
    if (other !== undefined) {
      held.push(other);
      continue;
    }
    locks = withRoom(
      locks.filter((lock) => lock.parent !== parent),
      login,
    );
    locks.push({ parent, client, login, since: now });
    changed = true;
  }
  return { locks, held, changed };
}

/** The oldest lock goes if there are many: of the same user if that user has many. */
function withRoom(locks: CheckInLock[], login: string): CheckInLock[] {
  const own = locks.filter((lock) => lock.login === login);
  const goes =
    own.length >= LOCKS_PER_USER ? own[0] : locks.length >= LOCKS_PER_REPOSITORY ? locks[0] : undefined;
  return goes === undefined ? locks : locks.filter((lock) => lock !== goes);
}

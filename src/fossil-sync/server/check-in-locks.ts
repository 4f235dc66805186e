import type { ArtifactName } from '../../fossil/artifact-name.ts';

/** A user who is about to check in on top of a check-in. */
export interface CheckInLock {
  /** A name that the client's checkout made up. */
  readonly client: string;
  readonly login: string;
  /** Seconds since 1970. */
  readonly since: number;
}

/** Seconds after which a lock means nothing, as in stock Fossil. */
export const LOCK_SECONDS = 60;

/** Locks that one repository, and one user in it, may have at once. */
const LOCKS_PER_REPOSITORY = 1_000;
const LOCKS_PER_USER = 100;
/** Repositories with locks at once. Each lock lasts a minute, so there are seldom many. */
const REPOSITORIES = 10_000;

/**
 * Warnings of forks: which user is about to check in on top of which check-in. A lock blocks nothing, and lasts a minute. It is kept in the
 * memory of one server: a record in the store would cost every check-in a request more (decision 57).
 */
export class CheckInLocks {
  private readonly repositories = new Map<string, Map<ArtifactName, CheckInLock>>();

  /**
   * Takes the lock of a check-in, or renews it for the same client.
   * @param now seconds since 1970
   * @returns the lock of somebody else, which stays
   */
  take(
    repository: string,
    parent: ArtifactName,
    wanted: Omit<CheckInLock, 'since'>,
    now: number,
  ): CheckInLock | undefined {
    const locks = this.current(repository, now);
    const held = locks.get(parent);
    if (held !== undefined && held.client !== wanted.client) return held;
    locks.delete(parent);
    this.makeRoom(locks, wanted.login);
    locks.set(parent, { ...wanted, since: now });
    return undefined;
  }

  /** Gives up the locks that the same login took for a client. */
  release(repository: string, client: string, login: string): void {
    const locks = this.repositories.get(repository);
    if (locks === undefined) return;
    for (const [parent, lock] of locks) {
      if (lock.client === client && lock.login === login) locks.delete(parent);
    }
    if (locks.size === 0) this.repositories.delete(repository);
  }

  /** Drops the locks of check-ins that somebody has checked in on top of. */
  drop(repository: string, parents: Iterable<ArtifactName>): void {
    const locks = this.repositories.get(repository);
    if (locks === undefined) return;
    for (const parent of parents) locks.delete(parent);
    if (locks.size === 0) this.repositories.delete(repository);
  }

  /** Locks that are held in all repositories, expired ones included. */
  get size(): number {
    let sum = 0;
    for (const locks of this.repositories.values()) sum += locks.size;
    return sum;
  }

  private current(repository: string, now: number): Map<ArtifactName, CheckInLock> {
    const locks = this.repositories.get(repository) ?? new Map<ArtifactName, CheckInLock>();
    // Insertion order is the order of age: a renewed lock is deleted and set again.
    this.repositories.delete(repository);
    this.repositories.set(repository, locks);
    for (const [parent, { since }] of locks) {
      if (since > now - LOCK_SECONDS) break;
      locks.delete(parent);
    }
    for (const oldest of this.repositories.keys()) {
      if (this.repositories.size <= REPOSITORIES) break;
      this.repositories.delete(oldest);
    }
    return locks;
  }

  /** The oldest lock goes, of the same user if that user has many. */
  private makeRoom(locks: Map<ArtifactName, CheckInLock>, login: string): void {
    const own = [...locks].filter(([, lock]) => lock.login === login).map(([parent]) => parent);
    const goes = own.length >= LOCKS_PER_USER ? own[0] : undefined;
    if (goes !== undefined) locks.delete(goes);
    if (locks.size < LOCKS_PER_REPOSITORY) return;
    for (const parent of locks.keys()) {
      locks.delete(parent);
      return;
    }
  }
}

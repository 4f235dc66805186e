import type { Clock } from '../lib/clock.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import {
  parseSignOutKey,
  parseUsedSignInKey,
  signOutsPrefix,
  usedSignInsPrefix,
} from '../repository/keys.ts';
import { LONGEST_SESSION, periodOf } from './sessions.ts';

/** Most objects that one run deletes of each kind. What is left comes with the next one: strangers make fewer in a minute. */
const MOST_DELETED = 2_000;
/** Milliseconds between two looks when there was little to delete: a listing costs money. */
const BETWEEN_MS = 60 * 60 * 1000;
/** Seconds that an object stays after its last use, to allow for clock differences between servers. */
const SLACK = 60 * 60;

export interface SessionUpkeepContext {
  readonly control: ObjectStore;
  readonly clock: Clock;
}

/**
 * Deletes what says that links and challenges were used, once they have expired, and which sessions were ended, once none of
 * them could stand. Both have names that never come back.
 */
export class SessionUpkeep {
  readonly name = 'sessions';
  private readonly context: SessionUpkeepContext;
  /** Monotonic milliseconds. */
  private due = Number.NEGATIVE_INFINITY;

  constructor(context: SessionUpkeepContext) {
    this.context = context;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.context;
    if (clock.monotonic() < this.due) return;
    const now = Math.floor(clock.now() / 1000);
    const isUsed = (key: string) => (parseUsedSignInKey(key) ?? now) < now - SLACK;
    const used = await this.sweep(usedSignInsPrefix, signal, isUsed);
    const oldest = periodOf(now - LONGEST_SESSION - SLACK);
    const isEnded = (key: string) => (parseSignOutKey(key) ?? oldest) < oldest;
    const ended = await this.sweep(signOutsPrefix, signal, isEnded);
    if (Math.max(used, ended) < MOST_DELETED) this.due = clock.monotonic() + BETWEEN_MS;
  }

  /** Deletes the first objects of a prefix, as long as they are over. Listings have the oldest first. @returns how many */
  private async sweep(
    prefix: string,
    signal: AbortSignal,
    isOver: (key: string) => boolean,
  ): Promise<number> {
    const { control } = this.context;
    const over: string[] = [];
    for await (const { key } of control.list(prefix, { signal })) {
      if (!isOver(key) || over.length >= MOST_DELETED) break;
      over.push(key);
    }
    for (const key of over) await control.delete(key, { signal });
    return over.length;
  }
}

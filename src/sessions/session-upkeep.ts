import type { Clock } from '../lib/clock.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import {
  parseSignOutKey,
  parseUsedSignInKey,
  signOutsPrefix,
  usedSignInsPrefix,
} from '../repository/keys.ts';
import { LONGEST_SESSION, periodOf } from './sessions.ts';

/** Most objects that one run deletes of each kind: more than strangers can make between two runs. */
const MOST_DELETED = 2_000;
/** Seconds that something stays after nobody can use it any more, whatever the clock of another server says. */
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

  constructor(context: SessionUpkeepContext) {
    this.context = context;
  }

  async run(signal: AbortSignal): Promise<void> {
    const now = Math.floor(this.context.clock.now() / 1000);
    await this.sweep(usedSignInsPrefix, signal, (key) => (parseUsedSignInKey(key) ?? now) < now - SLACK);
    const oldest = periodOf(now - LONGEST_SESSION - SLACK);
    await this.sweep(signOutsPrefix, signal, (key) => (parseSignOutKey(key) ?? oldest) < oldest);
  }

  /** Deletes the first objects of a prefix, as long as they are over. Listings have the oldest first. */
  private async sweep(prefix: string, signal: AbortSignal, isOver: (key: string) => boolean): Promise<void> {
    const { control } = this.context;
    const over: string[] = [];
    for await (const { key } of control.list(prefix, { signal })) {
      if (!isOver(key) || over.length >= MOST_DELETED) break;
      over.push(key);
    }
    for (const key of over) await control.delete(key, { signal });
  }
}

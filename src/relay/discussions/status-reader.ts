/**
 * Which status a thread has (NIP-34): the newest one that its author or a maintainer has set. A maintainer is a key whose
 * word counts in the repository (decision 37): the owner trusts it, and it accepts that.
 */
import { cooperate } from '../../lib/cooperative.ts';
import { latestFirst } from '../../nostr/collaboration/references.ts';
import { parseStatus, STATUS_KINDS, type StatusChange } from '../../nostr/collaboration/status.ts';
import type { NostrEvent } from '../../nostr/event.ts';
import type { Filter } from '../../nostr/filter.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';
import { type DiscussionContext, keysThatCount, nowOf } from './discussion-context.ts';

const KINDS: ReadonlySet<number> = new Set(STATUS_KINDS.keys());

/** Statuses that are looked at for one question; the newest first. A repository has no more by strangers (event quota). */
const MOST_LOOKS = 100_000;
const FEW = 64;

export class StatusReader {
  private readonly context: DiscussionContext;

  constructor(context: DiscussionContext) {
    this.context = context;
  }

  /** The status in force of each of some threads; a thread without one is open, and is left out. */
  async newest(
    repository: RepositoryId,
    threads: ReadonlySet<string>,
  ): Promise<ReadonlyMap<string, StatusChange>> {
    const found = new Map<string, StatusChange>();
    await this.each(repository, threads, (change) => {
      const known = found.get(change.thread);
      if (known === undefined || latestFirst(change, known) < 0) found.set(change.thread, change);
    });
    return found;
  }

  /** All valid statuses of one thread, newest first. @param most how many are returned */
  async history(
    repository: RepositoryId,
    thread: string,
    most: number,
  ): Promise<{ readonly changes: readonly StatusChange[]; readonly count: number }> {
    const changes: StatusChange[] = [];
    let count = 0;
    await this.each(repository, new Set([thread]), (change) => {
      count++;
      // One more, because of two at the same second the larger id counts.
      if (changes.length <= most) changes.push(change);
    });
    return { changes: changes.sort(latestFirst).slice(0, most), count };
  }

  /** Calls `take` for each valid status of the threads, newest first. Keeps none of the events in memory. */
  private async each(
    repository: RepositoryId,
    threads: ReadonlySet<string>,
    take: (change: StatusChange) => void,
  ): Promise<void> {
    const { events } = this.context;
    const maintainers = new Set(keysThatCount(this.context, repository));
    const authors = new Map<string, string | undefined>();
    const authorOf = (thread: string) => {
      if (!authors.has(thread)) authors.set(thread, events.get(thread)?.pubkey);
      return authors.get(thread);
    };
    const visible = (event: NostrEvent) => {
      const change = parseStatus(event);
      if (change === undefined || !threads.has(change.thread)) return false;
      if (maintainers.has(change.author) || change.author === authorOf(change.thread)) take(change);
      return false;
    };
    const all: Filter = { kinds: KINDS, tags: new Map([['e', threads]]) };
    // Of few threads the authors are read first. Then statuses by others cost nothing, however many there are.
    const keys = [...threads].flatMap((thread) => (threads.size > FEW ? [] : (authorOf(thread) ?? [])));
    const filter = threads.size > FEW ? all : { ...all, authors: new Set([...maintainers, ...keys]) };
    await cooperate(
      events.querying([filter], { limit: 1, now: nowOf(this.context), visible, looks: MOST_LOOKS }),
    );
  }
}

/** The lists of a repository's issues, patches and pull requests, with their statuses. */
import { cooperate } from '../../lib/cooperative.ts';
import { SingleFlight } from '../../lib/single-flight.ts';
import { subjectOf } from '../../nostr/collaboration/references.ts';
import { STATUS_KINDS, type ThreadStatus } from '../../nostr/collaboration/status.ts';
import { eventKindOf, type ThreadKind, threadKindOf } from '../../nostr/collaboration/thread-kind.ts';
import type { NostrEvent } from '../../nostr/event.ts';
import type { Filter } from '../../nostr/filter.ts';
import { kinds } from '../../nostr/kinds.ts';
import { values } from '../../nostr/tags.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';
import type { ListedEvent } from '../events.ts';
import { type DiscussionContext, keysThatCount, nowOf, repositoryAddress } from './discussion-context.ts';
import { StatusReader } from './status-reader.ts';

/** A thread in a list. Its text is not read for it. */
export interface ListedThread {
  readonly id: string;
  /** Seconds. */
  readonly at: number;
  readonly status: ThreadStatus;
}

export interface ThreadPage {
  /** Newest first. */
  readonly threads: readonly ListedThread[];
  /** How many there are of each status. */
  readonly counts: Readonly<Record<ThreadStatus, number>>;
  /** True when there are more threads than are listed at all: {@link MOST_THREADS}, the newest. */
  readonly cut: boolean;
}

/** How many threads of a kind are listed for a repository. */
export const MOST_THREADS = 20_000;
/** Lists that are kept in memory, and threads in all of them together: some 250 bytes each. */
const KEPT_LISTS = 500;
const KEPT_THREADS = 200_000;
/** Seconds after which a list is made anew: events may have expired. Reading the index costs little. */
const FRESH_SECONDS = 60;

/** The list of one kind of thread of one repository, as last made. */
interface List {
  readonly kind: ThreadKind;
  readonly address: string;
  readonly threads: Map<string, ListedEvent>;
  /** By thread; a thread whose status is not known is looked up when the list is shown. */
  readonly statuses: Map<string, Decided>;
  /** By the event that set a status: the thread. */
  readonly deciders: Map<string, string>;
  cut: boolean;
  /** Seconds. */
  madeAt: number;
  isStale: boolean;
  /** Who could set a status when the statuses were looked up. */
  maintainers: string;
}

interface Decided {
  readonly status: ThreadStatus;
  /** Seconds; from then on it does not count any more. */
  readonly expires?: number | undefined;
}

/**
 * Lists come from the index of events: no thread is read to list it, and no status twice. What arrives later changes only
 * what it is about.
 */
export class ThreadLists {
  private readonly context: DiscussionContext;
  private readonly statuses: StatusReader;
  /** The least recently used one first. */
  private readonly lists = new Map<string, List>();
  private readonly making = new SingleFlight<string, List>();

  constructor(context: DiscussionContext) {
    this.context = context;
    this.statuses = new StatusReader(context);
    context.events.onEvent((event) => this.heard(event));
  }

  /**
   * A part of a list. The caller has decided that the reader may see the repository, and checks each event that is shown.
   * @param status only threads with this one; undefined: all
   */
  async page(
    repository: RepositoryId,
    kind: ThreadKind,
    part: { readonly status: ThreadStatus | undefined; readonly skip: number; readonly count: number },
  ): Promise<ThreadPage> {
    const list = await this.current(repository, kind);
    const counts = { open: 0, applied: 0, closed: 0, draft: 0 };
    const threads: ListedThread[] = [];
    let left = part.skip;
    for (const { id, at } of list.threads.values()) {
      const status = list.statuses.get(id)?.status ?? 'open';
      counts[status]++;
      if (part.status !== undefined && status !== part.status) continue;
      if (left-- > 0 || threads.length === part.count) continue;
      threads.push({ id, at, status });
    }
    return { threads, counts, cut: list.cut };
  }

  private current(repository: RepositoryId, kind: ThreadKind): Promise<List> {
    const address = repositoryAddress(repository);
    const name = `${kind} ${address}`;
    return this.making.run(name, async () => {
      const list = this.lists.get(name) ?? newList(kind, address);
      // From now on it hears of events.
      this.keep(name, list);
      try {
        await this.renew(repository, list);
      } catch (error) {
        this.lists.delete(name);
        throw error;
      }
      this.keep(name, list);
      return list;
    });
  }

  private async renew(repository: RepositoryId, list: List): Promise<void> {
    const now = nowOf(this.context);
    if (list.isStale || now - list.madeAt >= FRESH_SECONDS) await this.relist(list, now);
    for (const [thread, { expires }] of list.statuses) {
      if (expires !== undefined && expires <= now) list.statuses.delete(thread);
    }
    const maintainers = keysThatCount(this.context, repository).join();
    if (list.maintainers !== maintainers) forgetStatuses(list);
    list.maintainers = maintainers;
    await this.decide(repository, list);
  }

  private keep(name: string, list: List): void {
    this.lists.delete(name);
    this.lists.set(name, list);
    let threads = 0;
    for (const { threads: some } of this.lists.values()) threads += some.size;
    for (const [oldest, { threads: some }] of this.lists) {
      if (oldest === name || (this.lists.size <= KEPT_LISTS && threads <= KEPT_THREADS)) return;
      this.lists.delete(oldest);
      threads -= some.size;
    }
  }

  /** Reads from the index which threads there are. */
  private async relist(list: List, now: number): Promise<void> {
    // What arrives from now on makes it stale again.
    list.isStale = false;
    list.madeAt = now;
    const about: Filter = {
      kinds: new Set([eventKindOf(list.kind)]),
      tags: new Map([['a', new Set([list.address])]]),
    };
    const found = await this.listed(list.kind === 'patch' ? withMark(about, 'root') : about);
    list.threads.clear();
    for (const thread of found.slice(0, MOST_THREADS)) list.threads.set(thread.id, thread);
    list.cut = found.length > MOST_THREADS;
    if (list.kind === 'patch') {
      // The first patch of a revision belongs to the thread of the patch that it revises.
      for (const mark of ['root-revision', 'revision-root'])
        for (const { id } of await this.listed(withMark(about, mark))) list.threads.delete(id);
    }
    for (const id of [...list.statuses.keys()]) if (!list.threads.has(id)) list.statuses.delete(id);
  }

  private listed(filter: Filter): Promise<ListedEvent[]> {
    return cooperate(
      this.context.events.listing(filter, { limit: MOST_THREADS + 1, now: nowOf(this.context) }),
    );
  }

  /** Looks up the statuses that are not known. */
  private async decide(repository: RepositoryId, list: List): Promise<void> {
    // Those of statuses that do not count any more stay, but not for ever.
    if (list.deciders.size > 2 * MOST_THREADS) forgetStatuses(list);
    const unknown = [...list.threads.keys()].filter((id) => !list.statuses.has(id));
    if (unknown.length === 0) return;
    for (const id of unknown) list.statuses.set(id, { status: 'open' });
    const found = await this.statuses.newest(repository, new Set(unknown));
    for (const [thread, { status, id, expires }] of found) {
      // Removed meanwhile: another one has arrived, and is looked up the next time.
      if (!list.statuses.has(thread)) continue;
      list.statuses.set(thread, { status, expires });
      list.deciders.set(id, thread);
    }
  }

  private heard(event: NostrEvent): void {
    const kind = threadKindOf(event.kind);
    const isStatus = STATUS_KINDS.has(event.kind);
    if (kind === undefined && !isStatus && event.kind !== kinds.deletion) return;
    const addresses = new Set(values(event, 'a'));
    const subject = isStatus ? subjectOf(event) : undefined;
    const deleted = event.kind === kinds.deletion ? new Set(values(event, 'e')) : undefined;
    for (const list of this.lists.values()) {
      if (kind !== undefined) list.isStale ||= list.kind === kind && addresses.has(list.address);
      else if (subject !== undefined) list.statuses.delete(subject);
      else if (deleted !== undefined) forget(list, deleted);
    }
  }
}

/** Takes a deletion into account: of threads, and of what set their statuses. */
function forget(list: List, ids: ReadonlySet<string>): void {
  for (const id of ids) {
    list.isStale ||= list.threads.has(id);
    const thread = list.deciders.get(id);
    if (thread !== undefined) list.statuses.delete(thread);
  }
}

function forgetStatuses({ statuses, deciders }: List): void {
  statuses.clear();
  deciders.clear();
}

function newList(kind: ThreadKind, address: string): List {
  return {
    kind,
    address,
    threads: new Map(),
    statuses: new Map(),
    deciders: new Map(),
    cut: false,
    madeAt: 0,
    isStale: true,
    maintainers: '',
  };
}

function withMark(filter: Filter, mark: string): Filter {
  return { ...filter, tags: new Map([...filter.tags, ['t', new Set([mark])]]) };
}

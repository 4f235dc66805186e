/** One thread: an issue, a patch or a pull request, with everything that was said about it. */
import { cooperate } from '../../lib/cooperative.ts';
import { type Comment, parseComment } from '../../nostr/collaboration/comment.ts';
import { type Labelling, parseLabelling } from '../../nostr/collaboration/label.ts';
import { type PullRequestVersion, parsePullRequestVersion } from '../../nostr/collaboration/pull-request.ts';
import { latestFirst, subjectOf, threadOf } from '../../nostr/collaboration/references.ts';
import type { StatusChange, ThreadStatus } from '../../nostr/collaboration/status.ts';
import type { ThreadKind } from '../../nostr/collaboration/thread-kind.ts';
import { labelsOf, parseThreadStart, type ThreadStart } from '../../nostr/collaboration/thread-start.ts';
import type { NostrEvent } from '../../nostr/event.ts';
import type { Filter } from '../../nostr/filter.ts';
import { kinds } from '../../nostr/kinds.ts';
import { values } from '../../nostr/tags.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';
import type { ListedEvent } from '../events.ts';
import type { Authenticated } from '../publication.ts';
import {
  type DiscussionContext,
  keysThatCount,
  nowOf,
  repositoryAddress,
  seenEvent,
} from './discussion-context.ts';
import { type PatchThread, readPatchThread, rootOfPatch } from './patch-series.ts';
import { StatusReader } from './status-reader.ts';

/** A note that its author or a maintainer has put above a thread. */
export interface CoverNote {
  readonly id: string;
  readonly author: string;
  /** Seconds. */
  readonly at: number;
  readonly content: string;
}

/** A thread in a list. */
export interface ThreadHead extends ThreadStart {
  /** How many comments it has, counted up to {@link MOST_COUNTED}. */
  readonly comments: number;
}

export interface Thread {
  /** With the subject and the labels that are in force. */
  readonly start: ThreadStart;
  /** The subject it began with; absent if that is in force. */
  readonly formerSubject?: string;
  readonly event: NostrEvent;
  readonly status: ThreadStatus;
  /** Valid statuses, newest first. */
  readonly statuses: readonly StatusChange[];
  /** How many there are. */
  readonly statusCount: number;
  readonly coverNote?: CoverNote;
  /** Oldest first. */
  readonly comments: readonly Comment[];
  readonly commentCount: number;
  /** The tips of a pull request, newest first; empty for other threads. */
  readonly versions: readonly PullRequestVersion[];
  /** The patches; for other threads absent. */
  readonly patches?: PatchThread;
}

/** Bounds of one thread on one page. */
export const MOST_COMMENTS = 5_000;
/** Comments that are counted for a list of threads. */
export const MOST_COUNTED = 500;
const MOST_STATUSES = 30;
const MOST_VERSIONS = 50;
/** What is said in a thread, and the tag that names it: comments, and the replies of old clients. */
const COMMENTS = [
  [kinds.comment, 'E'],
  [kinds.oldReply, 'e'],
] as const;
/** Labels and cover notes that are looked at: the newest. */
const MOST_LOOKS = 500;

export class ThreadReader {
  private readonly context: DiscussionContext;
  private readonly statuses: StatusReader;

  constructor(context: DiscussionContext) {
    this.context = context;
    this.statuses = new StatusReader(context);
  }

  /**
   * Finds the event that begins a thread of a repository.
   * @returns undefined if it is not here, not for this reader, of another kind, or about other repositories
   */
  find(
    repository: RepositoryId,
    kind: ThreadKind,
    id: string,
    reader: Authenticated,
  ): NostrEvent | undefined {
    const event = seenEvent(this.context, id, reader);
    if (event === undefined || parseThreadStart(event)?.kind !== kind) return undefined;
    const root = kind === 'patch' ? rootOfPatch(this.context, event, reader) : event;
    const address = repositoryAddress(repository);
    return values(root, 'a').includes(address) || values(event, 'a').includes(address) ? event : undefined;
  }

  /** The patch that begins the thread of a patch: itself, if it begins one. */
  rootOf(patch: NostrEvent, reader: Authenticated): NostrEvent {
    return rootOfPatch(this.context, patch, reader);
  }

  /** Reads a thread. @param event the one that {@link find} has found */
  async read(
    repository: RepositoryId,
    event: NostrEvent,
    reader: Authenticated,
    part: { readonly skip: number; readonly count: number },
  ): Promise<Thread | undefined> {
    const start = parseThreadStart(event);
    if (start === undefined) return undefined;
    // Only their events are read, so others cannot push them out of the limit.
    const changers = new Set([event.pubkey, ...keysThatCount(this.context, repository)]);
    const history = await this.statuses.history(repository, event.id, MOST_STATUSES);
    const labellings = (await this.about(event.id, kinds.label, reader, changers, parseLabelling)).sort(
      latestFirst,
    );
    const notes = await this.about(event.id, kinds.coverNote, reader, changers, coverNoteOf);
    const [coverNote] = notes.sort(latestFirst);
    const { comments, count } = await this.comments(event.id, reader, part);
    const subject = labellings.find((labelling) => labelling.subject !== undefined)?.subject;
    return {
      start: { ...start, subject: subject ?? start.subject, labels: allLabels(start, labellings) },
      ...(subject === undefined || subject === start.subject ? {} : { formerSubject: start.subject }),
      event,
      status: history.changes[0]?.status ?? 'open',
      statuses: history.changes,
      statusCount: history.count,
      ...(coverNote === undefined ? {} : { coverNote }),
      comments,
      commentCount: count,
      versions: start.kind === 'pull' ? await this.versions(event, reader, changers) : [],
      ...(start.kind === 'patch'
        ? { patches: await readPatchThread(this.context, event, reader, changers) }
        : {}),
    };
  }

  /** How many comments a thread has, without reading them. @returns at most {@link MOST_COUNTED} */
  async commentCount(thread: string): Promise<number> {
    return (await this.commentIds(thread, MOST_COUNTED)).length;
  }

  /**
   * Heads of threads for a list, with the subjects and labels that are in force, in the given order. A thread that the reader
   * may not see, or that is not here any more, is left out.
   */
  async heads(
    repository: RepositoryId,
    ids: readonly string[],
    reader: Authenticated,
  ): Promise<readonly ThreadHead[]> {
    const starts = ids.flatMap((id) => {
      const event = seenEvent(this.context, id, reader);
      return (event === undefined ? undefined : parseThreadStart(event)) ?? [];
    });
    const byId = new Map(starts.map((start) => [start.id, start]));
    const maintainers = keysThatCount(this.context, repository);
    const filter = {
      kinds: new Set([kinds.label]),
      authors: new Set([...maintainers, ...starts.map(({ author }) => author)]),
      tags: new Map([['e', new Set(byId.keys())]]),
    };
    const labellings = await this.valid(filter, reader, (event) => {
      const labelling = parseLabelling(event);
      const start = labelling === undefined ? undefined : byId.get(labelling.thread);
      if (start === undefined) return undefined;
      const isValid = event.pubkey === start.author || maintainers.includes(event.pubkey);
      return isValid ? labelling : undefined;
    });
    labellings.sort(latestFirst);
    const heads: ThreadHead[] = [];
    for (const start of starts) {
      const own = labellings.filter(({ thread }) => thread === start.id);
      const subject = own.find((labelling) => labelling.subject !== undefined)?.subject ?? start.subject;
      const comments = await this.commentCount(start.id);
      heads.push({ ...start, subject, labels: allLabels(start, own), comments });
    }
    return heads;
  }

  private async comments(
    thread: string,
    reader: Authenticated,
    { skip, count }: { readonly skip: number; readonly count: number },
  ): Promise<{ readonly comments: readonly Comment[]; readonly count: number }> {
    const ids = await this.commentIds(thread, MOST_COMMENTS);
    const comments = ids
      .reverse()
      .slice(skip, skip + count)
      .flatMap((id) => {
        const event = seenEvent(this.context, id, reader);
        const comment = event === undefined ? undefined : parseComment(event);
        return comment?.thread === thread ? comment : [];
      });
    return { comments, count: ids.length };
  }

  /** Newest first. */
  private async commentIds(thread: string, limit: number): Promise<string[]> {
    const { events } = this.context;
    const listed: ListedEvent[] = [];
    for (const [kind, tag] of COMMENTS) {
      const filter: Filter = { kinds: new Set([kind]), tags: new Map([[tag, new Set([thread])]]) };
      listed.push(...(await cooperate(events.listing(filter, { limit, now: nowOf(this.context) }))));
    }
    return listed
      .sort(latestFirst)
      .slice(0, limit)
      .map(({ id }) => id);
  }

  /** What those who may change a thread have said about it in events of one kind. */
  private about<T>(
    thread: string,
    kind: number,
    reader: Authenticated,
    changers: ReadonlySet<string>,
    parse: (event: NostrEvent) => T | undefined,
  ): Promise<T[]> {
    const filter: Filter = {
      kinds: new Set([kind]),
      authors: changers,
      tags: new Map([['e', new Set([thread])]]),
    };
    return this.valid(filter, reader, (event) => (subjectOf(event) === thread ? parse(event) : undefined));
  }

  private async versions(
    event: NostrEvent,
    reader: Authenticated,
    changers: ReadonlySet<string>,
  ): Promise<PullRequestVersion[]> {
    const filter: Filter = {
      kinds: new Set([kinds.pullRequestUpdate]),
      authors: changers,
      tags: new Map([['E', new Set([event.id])]]),
    };
    const updates = await this.valid(filter, reader, (update) =>
      threadOf(update) === event.id ? parsePullRequestVersion(update) : undefined,
    );
    const first = parsePullRequestVersion(event);
    const newest = updates.sort(latestFirst).slice(0, MOST_VERSIONS);
    return first === undefined ? newest : [...newest, first];
  }

  private async valid<T>(
    filter: Filter,
    reader: Authenticated,
    parse: (event: NostrEvent) => T | undefined,
  ): Promise<T[]> {
    const found: T[] = [];
    const visible = (event: NostrEvent) => {
      const value = parse(event);
      if (value !== undefined && this.context.visible(event, reader)) found.push(value);
      return false;
    };
    const now = nowOf(this.context);
    await cooperate(this.context.events.querying([filter], { limit: 1, now, visible, looks: MOST_LOOKS }));
    return found;
  }
}

function coverNoteOf(event: NostrEvent): CoverNote {
  const { id, pubkey: author, created_at: at, content } = event;
  return { id, author, at, content };
}

function allLabels(start: ThreadStart, labellings: readonly Labelling[]): string[] {
  return labelsOf([...start.labels, ...labellings.flatMap(({ labels }) => labels)]);
}

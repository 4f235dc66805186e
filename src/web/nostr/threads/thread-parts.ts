/** What pages of issues, patches and pull requests have in common: reading. */
import { isDigest } from '../../../lib/digest.ts';
import { CairnError } from '../../../lib/errors.ts';
import type { Comment } from '../../../nostr/collaboration/comment.ts';
import type { ThreadKind } from '../../../nostr/collaboration/thread-kind.ts';
import type { NostrEvent } from '../../../nostr/event.ts';
import type { Check } from '../../../relay/discussions/check-runs.ts';
import type { Thread } from '../../../relay/discussions/thread-reader.ts';
import { markdownPlace } from '../../code/markdown-place.ts';
import { readNumber } from '../../code/read-query.ts';
import type { Html } from '../../layout.ts';
import { THREAD_WORDS } from '../lists/thread-words.ts';
import type { NostrRequest } from '../nostr-page.ts';

export interface ThreadContent {
  readonly thread: Thread;
  /** Comments left out before the first one. */
  readonly skip: number;
  readonly checks: readonly Check[];
  readonly texts: ThreadTexts;
}

/** Rendered texts; empty for programs. */
export interface ThreadTexts {
  readonly body: Html | '';
  readonly coverNote: Html | '';
  readonly comments: readonly Html[];
}

/** Comments on a page. */
export const COMMENTS = 50;

/** The event that a page is about. @throws CairnError `not-found` */
export function requestedEvent(
  { sources, found, reader, segments }: NostrRequest,
  kind: ThreadKind,
): NostrEvent {
  const [id = '', ...rest] = segments;
  const event =
    rest.length === 0 && isDigest(id)
      ? sources.discussions.threads.find(found.id, kind, id, reader)
      : undefined;
  if (event === undefined) throw new CairnError('not-found', `there is no such ${THREAD_WORDS[kind].name}`);
  return event;
}

/**
 * Reads a thread and renders what was written in it.
 * @param body what the thread begins with, as Markdown; undefined: nothing that is Markdown
 */
export async function readThread(
  request: NostrRequest,
  event: NostrEvent,
  body: string | undefined,
): Promise<ThreadContent> {
  const { sources, found, reader, query } = request;
  const skip = readNumber(query, 'skip');
  const thread = await sources.discussions.threads.read(found.id, event, reader, { skip, count: COMMENTS });
  if (thread === undefined) throw new CairnError('not-found', 'this event begins no thread');
  const checks =
    thread.start.kind === 'issue'
      ? []
      : await sources.discussions.checks.ofPullRequest(found.id, event.id, reader);
  return { thread, skip, checks, texts: await renderTexts(request, thread, body) };
}

async function renderTexts(
  { sources, code, representation }: NostrRequest,
  thread: Thread,
  body: string | undefined,
): Promise<ThreadTexts> {
  if (representation === 'json') return { body: '', coverNote: '', comments: [] };
  const place = markdownPlace(code.links, 'HEAD', []);
  const texts = [
    body ?? '',
    thread.coverNote?.content ?? '',
    ...thread.comments.map(({ content }) => content),
  ];
  const [first = '', coverNote = '', ...comments] = await sources.texts.render(texts, place);
  return { body: first, coverNote, comments };
}

/** A comment and how many levels of replies on the same page are above it. */
export interface PlacedComment {
  readonly comment: Comment;
  /** From 0; never more than {@link DEEPEST}. */
  readonly depth: number;
  /** Place among the comments of the page. */
  readonly at: number;
}

/** Comments are indented no more than this. */
export const DEEPEST = 4;

/** Puts answers behind what they answer, as far as both are on this page; otherwise oldest first. */
export function placeComments(comments: readonly Comment[]): PlacedComment[] {
  const here = new Set(comments.map(({ id }) => id));
  const answers = new Map<string, number[]>();
  const tops: number[] = [];
  for (const [at, { id, parent }] of comments.entries()) {
    if (parent !== id && here.has(parent)) answers.set(parent, [...(answers.get(parent) ?? []), at]);
    else tops.push(at);
  }
  const placed: PlacedComment[] = [];
  const stack = tops.reverse().map((at) => ({ at, depth: 0 }));
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const comment = comments[next.at];
    if (comment === undefined) continue;
    placed.push({ comment, depth: Math.min(next.depth, DEEPEST), at: next.at });
    const own = answers.get(comment.id) ?? [];
    answers.delete(comment.id);
    for (const at of own.reverse()) stack.push({ at, depth: next.depth + 1 });
  }
  return placed;
}

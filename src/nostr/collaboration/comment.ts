/** Comments (NIP-22, kind 1111), also on lines of a patch or pull request, and the replies (kind 1622) that NIP-34 had before. */
import type { NostrEvent } from '../event.ts';
import { kinds } from '../kinds.ts';
import { firstValue } from '../tags.ts';
import { oneLine } from './clean-text.ts';
import { parentOf, predecessorOf, subjectOf, threadOf } from './references.ts';

export interface Comment {
  readonly id: string;
  readonly author: string;
  /** Seconds. */
  readonly at: number;
  /** Id of the event that begins the thread. */
  readonly thread: string;
  /** Id of the event that it answers: the beginning of the thread, or another comment. */
  readonly parent: string;
  /** Markdown or plain text. */
  readonly content: string;
  /** The place in a file that it is about. */
  readonly place?: { readonly path: string; readonly lines?: string };
}

const PATH = 300;

/** Reads a comment or an old reply. @returns undefined for another event */
export function parseComment(event: NostrEvent): Comment | undefined {
  const place = placeInThread(event);
  if (place === undefined) return undefined;
  const { thread, parent } = place;
  const path = oneLine(firstValue(event, 'f') ?? '', PATH);
  const lines = /^\d{1,9}(?:-\d{1,9})?$/.exec(firstValue(event, 'line') ?? '')?.[0];
  return {
    id: event.id,
    author: event.pubkey,
    at: event.created_at,
    thread,
    parent,
    content: event.content,
    ...(path === '' ? {} : { place: { path, ...(lines === undefined ? {} : { lines }) } }),
  };
}

/** The thread that an event belongs to, and the event that it answers. Old replies have `e` tags with markers (NIP-10). */
function placeInThread(event: NostrEvent): Pick<Comment, 'thread' | 'parent'> | undefined {
  const isOld = event.kind === kinds.oldReply;
  if (!isOld && event.kind !== kinds.comment) return undefined;
  const thread = isOld ? subjectOf(event) : threadOf(event);
  if (thread === undefined) return undefined;
  return { thread, parent: (isOld ? predecessorOf(event) : parentOf(event)) ?? thread };
}

/** Comments (NIP-22, kind 1111), also on lines of a patch or pull request. */
import type { NostrEvent } from '../event.ts';
import { kinds } from '../kinds.ts';
import { firstValue } from '../tags.ts';
import { oneLine } from './clean-text.ts';
import { parentOf, threadOf } from './references.ts';

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

/** Reads a comment. @returns undefined for another event */
export function parseComment(event: NostrEvent): Comment | undefined {
  const thread = threadOf(event);
  if (event.kind !== kinds.comment || thread === undefined) return undefined;
  const path = oneLine(firstValue(event, 'f') ?? '', PATH);
  const lines = /^\d{1,9}(?:-\d{1,9})?$/.exec(firstValue(event, 'line') ?? '')?.[0];
  return {
    id: event.id,
    author: event.pubkey,
    at: event.created_at,
    thread,
    parent: parentOf(event) ?? thread,
    content: event.content,
    ...(path === '' ? {} : { place: { path, ...(lines === undefined ? {} : { lines }) } }),
  };
}

/**
 * Labels that are put on a thread after it began (NIP-32, kind 1985): `#t` adds labels, `#subject` gives it another subject.
 * Both are conventions of the Nostr git clients.
 */
import type { NostrEvent } from '../event.ts';
import { kinds } from '../kinds.ts';
import { tagsNamed } from '../tags.ts';
import { oneLine } from './clean-text.ts';
import { subjectOf } from './references.ts';

export interface Labelling {
  readonly id: string;
  readonly author: string;
  /** Seconds. */
  readonly at: number;
  /** Id of the event that begins the thread. */
  readonly thread: string;
  readonly labels: readonly string[];
  /** The new subject, one line; absent when it does not change. */
  readonly subject?: string;
}

const SUBJECT = 200;

/** Reads labels. @returns undefined for an event that puts none on a thread */
export function parseLabelling(event: NostrEvent): Labelling | undefined {
  const thread = subjectOf(event);
  if (event.kind !== kinds.label || thread === undefined) return undefined;
  const labels: string[] = [];
  let subject: string | undefined;
  for (const [, value = '', space] of tagsNamed(event, 'l')) {
    if (space === '#t') labels.push(value);
    if (space === '#subject') subject ??= oneLine(value, SUBJECT);
  }
  if (labels.length === 0 && !subject) return undefined;
  const { id, pubkey: author, created_at: at } = event;
  return { id, author, at, thread, labels, ...(subject ? { subject } : {}) };
}

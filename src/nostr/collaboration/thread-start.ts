/** The event that begins a thread (NIP-34): an issue (1621), a patch (1617) or a pull request (1618). */
import type { NostrEvent } from '../event.ts';
import { firstValue, values } from '../tags.ts';
import { oneLine } from './clean-text.ts';
import { PATCH_MARKS, type ThreadKind, threadKindOf } from './thread-kind.ts';

export interface ThreadStart {
  readonly id: string;
  readonly kind: ThreadKind;
  /** Public key in hex. */
  readonly author: string;
  /** Seconds. */
  readonly at: number;
  /** One line; never empty. */
  readonly subject: string;
  /** What the author has labelled it with. */
  readonly labels: readonly string[];
}

const SUBJECT = 200;
export const LABEL_LENGTH = 50;
export const MOST_LABELS = 20;

/** Reads the head of a thread. @returns undefined for an event that begins none */
export function parseThreadStart(event: NostrEvent): ThreadStart | undefined {
  const kind = threadKindOf(event.kind);
  if (kind === undefined) return undefined;
  return {
    id: event.id,
    kind,
    author: event.pubkey,
    at: event.created_at,
    subject: subjectText(event, kind),
    labels: labelsOf(values(event, 't').filter((label) => !PATCH_MARKS.has(label))),
  };
}

/** Labels fit to be shown, each once, sorted. */
export function labelsOf(texts: Iterable<string>): string[] {
  const labels = new Set<string>();
  for (const text of texts) {
    const label = oneLine(text, LABEL_LENGTH);
    if (label !== '') labels.add(label);
    if (labels.size === MOST_LABELS) break;
  }
  return [...labels].sort();
}

function subjectText(event: NostrEvent, kind: ThreadKind): string {
  const stated = oneLine(firstValue(event, 'subject') ?? firstValue(event, 'name') ?? '', SUBJECT);
  if (stated !== '') return stated;
  const found = kind === 'patch' ? patchSubject(event) : firstLine(event.content);
  const clean = oneLine(found, SUBJECT);
  return clean === '' ? 'No subject' : clean;
}

/** The subject of the mail, without `[PATCH …]`; clients may state it in a `description` tag instead. */
function patchSubject(event: NostrEvent): string {
  const subject = /^Subject: (.*(?:\r?\n[ \t].*)*)/m.exec(event.content.slice(0, 16_384))?.[1] ?? '';
  const stated = subject.replace(/^\s*(?:\[[^\]]{0,100}\]\s*)+/, '');
  return stated === '' ? firstLine(firstValue(event, 'description') ?? '') : stated;
}

/** The first line with text, without the marks of a Markdown heading. */
function firstLine(text: string): string {
  const line = text
    .slice(0, 4_096)
    .split('\n')
    .find((each) => each.trim() !== '');
  return (line ?? '').replace(/^\s*#{1,6}\s+/, '');
}

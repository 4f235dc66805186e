/** How events of a thread name one another: marked `e` tags (NIP-10), and `E` and `e` of comments (NIP-22). */
import { isDigest } from '../../lib/digest.ts';
import type { EventTemplate } from '../event.ts';
import { tagsNamed } from '../tags.ts';

type Tagged = Pick<EventTemplate, 'tags'>;

/** The event that a status, label or cover note is about: the `e` tag marked `root`, or else the first one. */
export function subjectOf(event: Tagged): string | undefined {
  const tags = tagsNamed(event, 'e').filter(([, id]) => id !== undefined && isDigest(id));
  return (tags.find(([, , , marker]) => marker === 'root') ?? tags[0])?.[1];
}

/** The event that a patch follows: the `e` tag marked `reply`, or `root`, or else the last one that is no mention. */
export function predecessorOf(event: Tagged): string | undefined {
  const tags = tagsNamed(event, 'e').filter(([, id, , marker]) => isId(id) && marker !== 'mention');
  const marked = (wanted: string) => tags.find(([, , , marker]) => marker === wanted);
  return (marked('reply') ?? marked('root') ?? tags.at(-1))?.[1];
}

/** The event that begins the thread of a comment or an update (NIP-22, `E`). */
export function threadOf(event: Tagged): string | undefined {
  return tagsNamed(event, 'E').find(([, id]) => isId(id))?.[1];
}

/** The event that a comment answers (NIP-22, `e`). */
export function parentOf(event: Tagged): string | undefined {
  return tagsNamed(event, 'e').find(([, id]) => isId(id))?.[1];
}

/** Newer first; of one second, the larger id first. So it is decided which of several statuses or notes counts. */
export function latestFirst(
  a: { readonly at: number; readonly id: string },
  b: { readonly at: number; readonly id: string },
): number {
  if (a.at !== b.at) return b.at - a.at;
  if (a.id === b.id) return 0;
  return a.id > b.id ? -1 : 1;
}

function isId(text: string | undefined): text is string {
  return text !== undefined && isDigest(text);
}

import { type Differences, FILES_ON_A_PAGE, type FileDifference } from '../../../browse/differences.ts';
import { parsePatchMail } from '../../../git/index.ts';
import { LruMap } from '../../../lib/lru.ts';
import { oneLine } from '../../../nostr/collaboration/clean-text.ts';
import { parseThreadStart } from '../../../nostr/collaboration/thread-start.ts';
import type { NostrEvent } from '../../../nostr/event.ts';
import type { DiffView } from '../../code/diff/diff-view.ts';

/** One patch, read from its mail. */
export interface ShownPatch {
  readonly id: string;
  readonly subject: string;
  /** Who made it and when, as the mail says. */
  readonly sender: string;
  readonly date: string;
  readonly message: string;
  readonly differences: Differences;
}

/** Lines of a file among others, of a file alone, and of all files. */
const FILE_LINES = 1_000;
const SINGLE_LINES = 20_000;
const PAGE_LINES = 6_000;
/** Files of a patch: an event has room for no more. */
const MOST_FILES = 5_000;

/** Patches in memory; each may have a megabyte of lines. */
const KEPT = 16;

/** By event and view: an event never changes. Whoever asks may see it. */
const kept = new LruMap<string, ShownPatch>(KEPT);

/** The same as {@link readPatch}, from memory if it is there. */
export function keptPatch(event: NostrEvent, view: DiffView): ShownPatch {
  const key = JSON.stringify([event.id, view]);
  const known = kept.get(key);
  if (known !== undefined) return known;
  const patch = readPatch(event, view);
  kept.set(key, patch, 1);
  return patch;
}

/** Reads a patch as the query of its page asks for it. */
export function readPatch(event: NostrEvent, view: DiffView): ShownPatch {
  const lines = view.file === undefined ? FILE_LINES : SINGLE_LINES;
  const mail = parsePatchMail(event.content, { files: MOST_FILES, lines });
  return {
    id: event.id,
    subject: parseThreadStart(event)?.subject ?? 'No subject',
    sender: oneLine(mail.sender, 200),
    date: oneLine(mail.date, 60),
    message: mail.message,
    differences: partOf(mail.files, mail.count, view),
  };
}

/** The files that a page shows, with as many lines as it has room for. */
function partOf(all: readonly FileDifference[], count: number, { file, page }: DiffView): Differences {
  const first = file === undefined ? (page - 1) * FILES_ON_A_PAGE : file - 1;
  const some = all.slice(first, first + (file === undefined ? FILES_ON_A_PAGE : 1));
  let left = file === undefined ? PAGE_LINES : SINGLE_LINES;
  const files = some.map((one) => {
    const lines = one.diff?.hunks.reduce((sum, hunk) => sum + hunk.lines.length, 0) ?? 0;
    left -= lines;
    return left < 0 ? { file: one.file, diff: undefined } : one;
  });
  const sum = (side: 'added' | 'deleted') => all.reduce((total, one) => total + (one.file[side] ?? 0), 0);
  return { files, first, count, totals: { added: sum('added'), deleted: sum('deleted') } };
}

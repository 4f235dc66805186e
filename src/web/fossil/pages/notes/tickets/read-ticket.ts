import { type FossilView, readArtifact } from '../../../../../browse/fossil/fossil-view.ts';
import { attachmentsOf, type ShownAttachment } from '../../../../../browse/fossil/notes/attachments.ts';
import {
  LARGEST_NOTE,
  type ProjectNotes,
  type Ticket,
} from '../../../../../browse/fossil/notes/project-notes.ts';
import type { ArtifactName } from '../../../../../fossil/artifact-name.ts';
import { parseProjectNote } from '../../../../../fossil/project-note.ts';
import { CairnError } from '../../../../../lib/errors.ts';
import type { Renderer } from '../../../../render/render-pool.ts';
import type { FossilLinks } from '../../../fossil-links.ts';
import { linkTargets } from '../link-targets.ts';
import { type NoteText, type ShownText, showTexts } from '../note-texts.ts';

/** A ticket with some of its changes. */
export interface ShownTicket {
  readonly ticket: Ticket;
  /** Oldest first. */
  readonly changes: readonly ShownChange[];
  readonly attachments: readonly ShownAttachment[];
}

export interface ShownChange {
  readonly artifact: ArtifactName;
  readonly user: string;
  /** Seconds since the epoch. */
  readonly time: number;
  /** What it sets, but for comments. With a `+` before the name, the value is added to what was there. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** Its comments. */
  readonly texts: readonly ShownText[];
}

/** Changes on a page. */
export const CHANGES = 50;
/** Fields of a change that are shown. */
const MOST_FIELDS = 30;

/** What Fossil writes into its comments (`icomment`) and into the description (`comment`). */
const COMMENTS: ReadonlySet<string> = new Set(['comment', '+comment', 'icomment']);
/** About comments, and what Fossil shows to nobody: the address of who made the ticket. */
const HIDDEN: ReadonlySet<string> = new Set(['mimetype', 'login', 'username', 'private_contact']);

/** @param skip changes to leave out before the first one @throws CairnError `not-found`; `corrupt`; `unavailable` */
export async function readTicket(
  view: FossilView,
  notes: ProjectNotes,
  name: string,
  skip: number,
  renderer: Renderer | undefined,
  links: FossilLinks,
): Promise<ShownTicket> {
  const ticket = notes.tickets.find((one) => one.name === name);
  if (ticket === undefined) throw new CairnError('not-found', 'there is no such ticket');
  const read: { readonly change: Omit<ShownChange, 'texts'>; readonly texts: readonly NoteText[] }[] = [];
  for (const artifact of ticket.changes.slice(skip, skip + CHANGES)) {
    const note = parseProjectNote(await readArtifact(view, artifact, LARGEST_NOTE));
    if (note?.is !== 'ticket') continue;
    const { user, time } = note;
    const type = note.fields.find(([field]) => field === 'mimetype')?.[1] ?? 'text/x-fossil-wiki';
    const texts = note.fields.filter(([field]) => COMMENTS.has(field)).map(([, text]) => ({ text, type }));
    const fields = note.fields.filter(
      ([field]) => !COMMENTS.has(field) && !HIDDEN.has(field.replace(/^\+/, '')),
    );
    read.push({ change: { artifact, user, time, fields: fields.slice(0, MOST_FIELDS) }, texts });
  }
  const shown = await showTexts(
    renderer,
    links,
    read.flatMap(({ texts }) => texts),
    linkTargets(view, notes, links),
  );
  let at = 0;
  const changes = read.map(({ change, texts }) => {
    at += texts.length;
    return { ...change, texts: shown.slice(at - texts.length, at) };
  });
  return { ticket, changes, attachments: attachmentsOf(view, notes, name) };
}

import type { ArtifactName } from '../../../fossil/artifact-name.ts';
import { parseProjectNote } from '../../../fossil/project-note.ts';
import { CairnError } from '../../../lib/errors.ts';
import { type FossilView, readArtifact } from '../fossil-view.ts';
import { type AttachedFile, LARGEST_NOTE, type ProjectNotes } from './project-notes.ts';

/** An attached file as a page shows it. */
export interface ShownAttachment extends AttachedFile {
  /** Bytes; undefined if the content is missing or private. */
  readonly size: number | undefined;
}

/** Attachments of one thing that a page shows. */
export const MOST_ATTACHMENTS = 200;

/** What is attached to something. @param target title of a page of the wiki, or name of a ticket, technote or forum post */
export function attachmentsOf(
  view: FossilView,
  { attachments }: ProjectNotes,
  target: string,
): ShownAttachment[] {
  return (attachments.get(target) ?? []).slice(0, MOST_ATTACHMENTS).map((attached) => {
    const content = view.bag.find(attached.source);
    return { ...attached, size: content === undefined || content.isPrivate ? undefined : content.size };
  });
}

/**
 * What an artifact attaches.
 * @throws CairnError `not-found` if it attaches nothing; `too-large`; `corrupt`; `unavailable`
 */
export async function readAttachment(
  view: FossilView,
  name: ArtifactName,
): Promise<{ readonly file: string; readonly source: ArtifactName }> {
  const note = parseProjectNote(await readArtifact(view, name, LARGEST_NOTE));
  if (note?.is !== 'attachment' || note.source === undefined) {
    throw new CairnError('not-found', 'this artifact attaches no file');
  }
  return { file: note.file, source: note.source };
}

import { type FossilView, readArtifact } from '../../../../../browse/fossil/fossil-view.ts';
import { attachmentsOf, type ShownAttachment } from '../../../../../browse/fossil/notes/attachments.ts';
import type { ForumThread, ShownPost } from '../../../../../browse/fossil/notes/forum.ts';
import { LARGEST_NOTE, type ProjectNotes } from '../../../../../browse/fossil/notes/project-notes.ts';
import { parseProjectNote } from '../../../../../fossil/project-note.ts';
import { CairnError } from '../../../../../lib/errors.ts';
import type { Renderer } from '../../../../render/render-pool.ts';
import type { FossilLinks } from '../../../fossil-links.ts';
import { linkTargets } from '../link-targets.ts';
import { type ShownText, showTexts } from '../note-texts.ts';

/** A thread with some of its posts. */
export interface ShownThread {
  readonly thread: ForumThread;
  readonly posts: readonly (ShownPost & {
    readonly text: ShownText;
    readonly attachments: readonly ShownAttachment[];
  })[];
}

/** Posts on a page. */
export const POSTS = 50;

const NO_TEXT: ShownText = { text: '', type: 'text/plain', rendered: undefined };

/** @param skip posts to leave out before the first one @throws CairnError `not-found`; `corrupt`; `unavailable` */
export async function readThread(
  view: FossilView,
  notes: ProjectNotes,
  name: string,
  skip: number,
  renderer: Renderer | undefined,
  links: FossilLinks,
): Promise<ShownThread> {
  const thread = notes.threads.find((one) => one.name === name);
  if (thread === undefined) throw new CairnError('not-found', 'there is no such thread');
  const posts = thread.posts.slice(skip, skip + POSTS);
  const versions = [];
  for (const { artifact } of posts) {
    const note = parseProjectNote(await readArtifact(view, artifact, LARGEST_NOTE));
    versions.push(note?.is === 'forum' ? note : NO_TEXT);
  }
  const texts = await showTexts(renderer, links, versions, linkTargets(view, notes, links));
  return {
    thread,
    posts: posts.map((post, at) => ({
      ...post,
      text: texts[at] ?? NO_TEXT,
      // Clients may name the first version or the newest one.
      attachments: [...new Set([post.name, post.artifact])].flatMap((target) =>
        attachmentsOf(view, notes, target),
      ),
    })),
  };
}

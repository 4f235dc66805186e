import { html } from 'hono/html';
import { pager } from '../../../code/pager.ts';
import type { Html } from '../../../layout.ts';

/** Notes on a page. */
export const SHOWN_NOTES = 100;

export interface NoteListParts {
  readonly title: string;
  /** What is said if there is none. */
  readonly none: string;
  /** URL of the list. */
  readonly url: string;
  readonly skip: number;
  readonly count: number;
  /** Whether there are artifacts that nobody has looked at. */
  readonly cut: boolean;
  /** Those that are shown. */
  readonly items: readonly Html[];
}

/** A list of what a project keeps beside its files. */
export function noteListHtml({ title, none, url, skip, count, cut, items }: NoteListParts): Html {
  return html`<h1 class="subject">${title}</h1>
${cut ? html`<p class="note">Not all artifacts of this project have been looked at: there may be more. Try again in a minute.</p>` : ''}
${items.length === 0 ? html`<p>${count === 0 ? none : 'There are no more.'}</p>` : html`<ul class="listed refs">${items}</ul>`}
${pager({ url, skip, size: SHOWN_NOTES, more: skip + items.length < count && items.length > 0 })}`;
}

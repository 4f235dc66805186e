import { html, raw } from 'hono/html';
import type { Html } from '../../../layout.ts';
import type { Renderer } from '../../../render/render-pool.ts';
import { cut } from '../../../user-text.ts';
import type { FossilLinks } from '../../fossil-links.ts';
import { TIP } from '../../read-artifact-name.ts';

/** A text of a note. */
export interface NoteText {
  readonly text: string;
  /** Its media type. */
  readonly type: string;
}

/** A text, and its HTML if it is Markdown or Fossil's own markup, and could be rendered. */
export interface ShownText extends NoteText {
  readonly rendered: string | undefined;
}

/** Characters of one text, and of all texts of a page; the rest is not shown. */
export const MOST_TEXT = 200_000;
const PAGE_TEXT = 512 * 1024;
/** Links of one text that lead to other pages. */
const MOST_LINKS = 1_000;
/** Fossil's own markup. */
const FOSSIL_WIKI = 'text/x-fossil-wiki';
/** Milliseconds for all texts of a page; what is not rendered by then is shown as it is. */
const PAGE_MS = 3_000;

/**
 * Renders the texts of one page in their order. Each has ids of its own: links lead to headings of the same text.
 * @param renderer absent: none is rendered
 * @param urlOf where a link of a text leads to another page; absent: such links are text
 */
export async function showTexts(
  renderer: Renderer | undefined,
  links: FossilLinks,
  texts: readonly NoteText[],
  urlOf: (target: string) => string | undefined = () => undefined,
): Promise<ShownText[]> {
  const files = { files: links.at('file', TIP), raw: links.at('raw', TIP), folder: [] };
  const timeout = AbortSignal.timeout(PAGE_MS);
  let left = PAGE_TEXT;
  const shown: ShownText[] = [];
  for (const [at, { text: whole, type }] of texts.entries()) {
    const place = at === 0 ? files : { ...files, ids: `${at}-` };
    const room = Math.max(0, Math.min(MOST_TEXT, left));
    const text = cut(whole, room);
    left -= text.length;
    const isRendered = renderer !== undefined && room > 0 && text.trim() !== '' && !timeout.aborted;
    const rendered = !isRendered
      ? undefined
      : isMarkdown(type)
        ? await renderer.render('markdown', { text, place })
        : type === FOSSIL_WIKI
          ? await renderer.render('fossilWiki', { text, place, known: knownTargets(text, urlOf) })
          : undefined;
    shown.push({ text, type, rendered });
  }
  return shown;
}

/** A text between others. */
export function textHtml({ text, rendered }: ShownText): Html {
  if (text.trim() === '') return html``;
  return rendered === undefined
    ? html`<p class="said" dir="auto">${text}</p>`
    : html`<div class="markdown" dir="auto">${raw(rendered)}</div>`;
}

/** The text of a page that has one. */
export function pageTextHtml({ text, type, rendered }: ShownText): Html {
  if (rendered !== undefined) return html`<article class="markdown" dir="auto">${raw(rendered)}</article>`;
  const source =
    type === 'text/plain'
      ? ''
      : html`
<p class="quiet">The source of this page, in <bdi>${cut(type, 100)}</bdi>: <code>fossil ui</code> shows it formatted in a clone.</p>`;
  return html`<pre class="plain-text" tabindex="0">${text}</pre>${source}`;
}

/** Where the links of a text lead that have a page here, by their targets as they are written. */
function knownTargets(
  text: string,
  urlOf: (target: string) => string | undefined,
): ReadonlyMap<string, string> {
  const known = new Map<string, string>();
  for (const [, inside = ''] of text.matchAll(/\[([^\]|[]{1,300})(?=[\]|])/g)) {
    const target = inside.trim();
    const url = known.has(target) ? undefined : urlOf(target);
    if (url !== undefined) known.set(target, url);
    if (known.size === MOST_LINKS) break;
  }
  return known;
}

function isMarkdown(type: string): boolean {
  return /^text\/(?:x-)?markdown$/.test(type);
}

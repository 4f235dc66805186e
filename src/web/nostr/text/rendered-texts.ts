import { html, raw } from 'hono/html';
import type { Differences } from '../../../browse/differences.ts';
import type { Clock } from '../../../lib/clock.ts';
import { sha256 } from '../../../lib/digest.ts';
import { LruMap } from '../../../lib/lru.ts';
import { type ColouredLines, type ColouringOptions, colourLines } from '../../code/diff/colour-lines.ts';
import type { Html } from '../../layout.ts';
import type { MarkdownPlace } from '../../render/markdown-links.ts';
import type { Renderer } from '../../render/render-pool.ts';
import { userText } from '../../user-text.ts';

/** Bytes of rendered texts in memory. */
const KEPT = 32 * 1024 * 1024;
/** Characters of one text, and of all texts of a page; the rest is not shown. */
export const TEXT_LENGTH = 64 * 1024;
const PAGE_LENGTH = 512 * 1024;
/** Milliseconds for all texts of a page; what is not rendered by then is shown as it is. */
const PAGE_MS = 3_000;

/** Renders what people wrote, within bounds. A text always renders to the same, so it is kept. */
export class RenderedTexts {
  private readonly renderer: Renderer;
  private readonly clock: Clock;
  private readonly kept = new LruMap<string, string>(KEPT);
  private readonly coloured = new WeakMap<Differences, Promise<ColouredLines>>();

  constructor(renderer: Renderer, clock: Clock) {
    this.renderer = renderer;
    this.clock = clock;
  }

  /**
   * Marks the words of differences. Those that stay in memory are marked once.
   * @param contexts reads the files around them, if they are here
   */
  colour(differences: Differences, contexts?: ColouringOptions['contexts']): Promise<ColouredLines> {
    const known = this.coloured.get(differences);
    if (known !== undefined) return known;
    const forget = () => void this.coloured.delete(differences);
    const colouring = colourLines(this.renderer, differences, {
      ...(contexts === undefined ? {} : { contexts }),
      onCut: forget,
    });
    this.coloured.set(differences, colouring);
    colouring.catch(forget);
    return colouring;
  }

  /**
   * Renders the texts of one page in their order, as Markdown. They are by different people, so that each has ids of its own: links
   * lead to headings of the same text.
   * @param place where links to files lead
   */
  async render(texts: readonly string[], place: MarkdownPlace): Promise<Html[]> {
    const began = this.clock.monotonic();
    let left = PAGE_LENGTH;
    const rendered: Html[] = [];
    for (const [at, text] of texts.entries()) {
      const length = Math.min(TEXT_LENGTH, Math.max(left, 0));
      const shown = text.slice(0, length).toWellFormed();
      left -= shown.length;
      const isLate = this.clock.monotonic() - began > PAGE_MS;
      const found = await this.one(shown, at === 0 ? place : { ...place, ids: `${at}-` }, isLate);
      const rest = text.length > length ? html`<p class="quiet">The rest of this text is not shown.</p>` : '';
      rendered.push(html`${found}${rest}`);
    }
    return rendered;
  }

  private async one(text: string, place: MarkdownPlace, isLate: boolean): Promise<Html> {
    if (text.trim() === '') return html``;
    const key = sha256(JSON.stringify([text, place]));
    const known = this.kept.get(key);
    if (known !== undefined) return html`<div class="markdown">${raw(known)}</div>`;
    const made = isLate ? undefined : await this.renderer.render('markdown', { text, place });
    if (made === undefined) return html`<p class="said">${userText(text, TEXT_LENGTH)}</p>`;
    this.kept.set(key, made, 2 * made.length + 256);
    return html`<div class="markdown">${raw(made)}</div>`;
  }
}

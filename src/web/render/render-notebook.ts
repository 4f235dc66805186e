import { escapeHtml } from '../escape-html.ts';
import { highlightCode } from './highlight.ts';
import { type MarkdownQuestion, renderMarkdown } from './markdown.ts';
import { MOST_MARKED } from './marked-lines.ts';
import { type NotebookOutput, readNotebook } from './notebook.ts';
import { TextIds } from './text-ids.ts';

/** A cell of a notebook as a page shows it. */
export interface RenderedCell {
  readonly is: 'code' | 'markdown' | 'raw';
  /** HTML: marked code, rendered Markdown, or text as it is. */
  readonly html: string;
  readonly count: number | undefined;
  readonly outputs: readonly NotebookOutput[];
}

export interface RenderedNotebook {
  readonly language: string;
  readonly cells: readonly RenderedCell[];
  readonly cut: boolean;
}

/** Characters of the HTML of all cells. */
const MOST_HTML = 4 * 1024 * 1024;

/**
 * Renders a Jupyter notebook. May take very long, so it runs in a thread that can be ended.
 * @returns undefined if it is not a notebook, or one whose HTML would be very large
 */
export function renderNotebook({ text, place }: MarkdownQuestion): RenderedNotebook | undefined {
  const notebook = readNotebook(text);
  if (notebook === undefined) return undefined;
  const { language, cut } = notebook;
  // Cells link to headings of other cells.
  const ids = new TextIds();
  let [marked, size] = [0, 0];
  const render = (is: RenderedCell['is'], source: string): string => {
    if (is === 'markdown') return renderMarkdown({ text: source, place }, ids);
    marked += source.length;
    const html = is === 'code' && marked <= MOST_MARKED ? highlightCode(source, language) : undefined;
    return html ?? escapeHtml(source);
  };
  const cells: RenderedCell[] = [];
  for (const { is, source, count, outputs } of notebook.cells) {
    const html = render(is, source);
    size += html.length;
    if (size > MOST_HTML) return undefined;
    cells.push({ is, html, count, outputs });
  }
  return { language, cells, cut };
}

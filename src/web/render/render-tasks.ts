import type { WikiQuestion } from './fossil-wiki.ts';
import type { CodeQuestion, PiecesQuestion } from './highlight.ts';
import type { MarkdownQuestion } from './markdown.ts';

/**
 * What a render worker does, by name. Each task goes from plain data to plain data. A renderer is loaded by the first text that
 * needs it: all of them take longer than a page.
 */
export const RENDER_TASKS = {
  /** HTML of each line of source code; undefined where it is better shown plain. */
  code: async (question: CodeQuestion) => (await import('./highlight.ts')).highlightLines(question),
  /** The same for each of several texts, or for some of their lines. */
  pieces: async (question: PiecesQuestion) => (await import('./highlight.ts')).highlightPieces(question),
  /** HTML of Markdown. */
  markdown: async (question: MarkdownQuestion) => (await import('./markdown.ts')).renderMarkdown(question),
  /** HTML of Fossil's wiki markup. */
  fossilWiki: async (question: WikiQuestion) => (await import('./fossil-wiki.ts')).renderFossilWiki(question),
  /** The cells of a Jupyter notebook; undefined if it is not one. */
  notebook: async (question: MarkdownQuestion) =>
    (await import('./render-notebook.ts')).renderNotebook(question),
};

export type RenderTaskName = keyof typeof RENDER_TASKS;
export type RenderQuestion<Name extends RenderTaskName> = Parameters<(typeof RENDER_TASKS)[Name]>[0];
export type RenderAnswer<Name extends RenderTaskName> = Awaited<ReturnType<(typeof RENDER_TASKS)[Name]>>;

/** What a worker is sent. */
export interface RenderRequest {
  readonly task: RenderTaskName;
  readonly question: unknown;
}

/** Its messages: first `ready`, then one for each request. */
export type RenderReply =
  | { readonly is: 'ready' }
  | { readonly is: 'rendered'; readonly answer: unknown }
  | { readonly is: 'failed'; readonly reason: string };

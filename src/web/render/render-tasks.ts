import { highlightCode } from './highlight.ts';
import { type MarkdownQuestion, renderMarkdown } from './markdown.ts';

/**
 * What a render worker does, by name. Each task is a pure function from plain data to plain data. Only the worker imports
 * this file; all others import its types, so that the server itself does not load the renderers.
 */
export const RENDER_TASKS = {
  /** HTML of source code; undefined for a language that is not known. */
  code: ({ text, language }: { readonly text: string; readonly language: string }) =>
    highlightCode(text, language),
  /** HTML of Markdown. */
  markdown: (question: MarkdownQuestion) => renderMarkdown(question),
};

export type RenderTaskName = keyof typeof RENDER_TASKS;
export type RenderQuestion<Name extends RenderTaskName> = Parameters<(typeof RENDER_TASKS)[Name]>[0];
export type RenderAnswer<Name extends RenderTaskName> = ReturnType<(typeof RENDER_TASKS)[Name]>;

/** What a worker is sent. */
export interface RenderRequest {
  readonly task: RenderTaskName;
  readonly question: unknown;
}

/** What it sends back: first `ready`, then one message for each request. */
export type RenderReply =
  | { readonly is: 'ready' }
  | { readonly is: 'rendered'; readonly answer: unknown }
  | { readonly is: 'failed'; readonly reason: string };

import { html } from 'hono/html';
import { z } from 'zod';
import { readFileText } from '../code/file-text.ts';
import { linesHtml } from '../code/lines-html.ts';
import { type ShownLines, shownLines } from '../code/shown-lines.ts';
import type { Html } from '../layout.ts';
import type { Renderer } from '../render/render-pool.ts';

/** Most bytes of an artifact that is shown as lines. */
export const SHOWN_SIZE = 1024 * 1024;

/** The shown part of a content. */
export type ShownContent =
  | { readonly is: 'text'; readonly lines: ShownLines }
  | { readonly is: 'binary' | 'too-large' };

export const shownSchema = {
  encoding: z.string().nullable().describe('null if it is not shown as text'),
  lines: z.array(z.string()).nullable().describe('null if it is not shown as text'),
  cut: z.boolean().describe('whether lines, or parts of them, were left out'),
};

/**
 * @param marking absent: lines are plain. Otherwise who marks them, and the name of the file, which tells the language
 */
export async function shownContent(
  content: Buffer,
  marking?: { readonly renderer: Renderer; readonly name: string },
): Promise<ShownContent> {
  const read = readFileText(content);
  return read.is === 'binary' ? read : { is: 'text', lines: await shownLines(read, marking) };
}

export function shownJson(shown: ShownContent): {
  readonly encoding: string | null;
  readonly lines: string[] | null;
  readonly cut: boolean;
} {
  if (shown.is !== 'text') return { encoding: null, lines: null, cut: false };
  const { encoding, lines, cut } = shown.lines;
  return { encoding, lines: [...lines], cut };
}

/** Lines with numbers that can be linked to, or why there are none. */
export function shownHtml(shown: ShownContent): Html {
  if (shown.is === 'text') return linesHtml(shown.lines);
  return html`<p>This is ${shown.is === 'binary' ? 'binary' : 'too large'}: it is not shown here.</p>`;
}

import type { FoundReadme } from '../../../browse/readme.ts';
import type { MarkdownPlace } from '../../render/markdown-links.ts';
import type { Renderer } from '../../render/render-pool.ts';
import { encodeSegment } from '../code-links.ts';
import { readFileText } from '../file-text.ts';

/** The shown part of a README. */
export interface ShownReadme {
  readonly path: readonly Buffer[];
  readonly shown:
    | { readonly is: 'html'; readonly html: string }
    | { readonly is: 'text'; readonly text: string }
    | { readonly is: 'binary' | 'too-large' };
}

/** Renders a README. @param place of the revision */
export async function showReadme(
  renderer: Renderer,
  { path, format, content }: FoundReadme,
  place: Omit<MarkdownPlace, 'folder'>,
): Promise<ShownReadme> {
  if (content === undefined) return { path, shown: { is: 'too-large' } };
  const read = readFileText(content);
  if (read.is === 'binary') return { path, shown: { is: 'binary' } };
  const { text } = read;
  if (format === 'plain') return { path, shown: { is: 'text', text } };
  const folder = path.slice(0, -1).map(encodeSegment);
  const html = await renderer.render('markdown', { text, place: { ...place, folder } });
  return { path, shown: html === undefined ? { is: 'text', text } : { is: 'html', html } };
}

import type { MarkdownPlace } from '../render/markdown-links.ts';
import { type CodeLinks, encodeSegment } from './code-links.ts';

/**
 * Where links and pictures of a Markdown file lead: to files of the same revision.
 * @param folder in which the file lies
 */
export function markdownPlace(links: CodeLinks, revision: string, folder: readonly Buffer[]): MarkdownPlace {
  // Folders are found there, too.
  return {
    files: links.at('file', revision),
    raw: links.at('raw', revision),
    folder: folder.map(encodeSegment),
  };
}

import type { MarkdownPlace } from '../render/markdown-links.ts';
import { type CodeLinks, encodeSegment } from './code-links.ts';

/** Where links and pictures of the texts of a revision lead, whatever folder they are in. */
export function revisionPlace(links: CodeLinks, revision: string): Omit<MarkdownPlace, 'folder'> {
  // Folders are found below the files, too.
  return {
    files: links.at('file', revision),
    raw: links.at('raw', revision),
    repository: links.repository,
  };
}

/**
 * Where links and pictures of a Markdown file lead: to files of the same revision, and to other pages of the repository.
 * @param folder in which the file lies
 */
export function markdownPlace(links: CodeLinks, revision: string, folder: readonly Buffer[]): MarkdownPlace {
  return { ...revisionPlace(links, revision), folder: folder.map(encodeSegment) };
}

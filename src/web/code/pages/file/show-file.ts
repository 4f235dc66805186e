import { readBlob } from '../../../../browse/objects.ts';
import { LFS_POINTER_SIZE, parseLfsPointer } from '../../../../git/index.ts';
import { readDelimited } from '../../../render/delimited.ts';
import type { MarkdownPlace } from '../../../render/markdown-links.ts';
import type { Renderer } from '../../../render/render-pool.ts';
import type { PageSources } from '../../code-page.ts';
import { readFileText } from '../../file-text.ts';
import { shownLines } from '../../shown-lines.ts';
import { type FileKind, fileKind } from './file-kind.ts';
import type { FoundEntry } from './find-file.ts';
import type { Preview, ShownFile } from './shown-file.ts';
import { readLink, readSubmodule } from './special-files.ts';

/** Most bytes of a file whose lines are shown. */
export const SHOWN_SIZE = 1024 * 1024;
/** Most bytes of a notebook: its pictures are in it. */
const NOTEBOOK_SIZE = 4 * 1024 * 1024;
/** A symbolic link is a path. */
const LINK_SIZE = 8_192;

/** A file that is to be shown. */
export interface FileToShow extends FoundEntry {
  readonly path: readonly Buffer[];
  /** Bytes; undefined for a submodule, which is in another repository. */
  readonly size: number | undefined;
  /** Whether the lines are requested instead of a preview. */
  readonly plain: boolean;
  /** Where links of Markdown lead. */
  readonly place: MarkdownPlace;
}

/** Reads what a page shows of a file. Programs get the lines alone. */
export async function showFile(sources: PageSources, file: FileToShow): Promise<ShownFile> {
  const { view, renderer, representation } = sources;
  const { kind, oid, path, size, plain, place } = file;
  if (size === undefined) return { special: await readSubmodule(view, file) };
  if (kind === 'symlink' && size <= LINK_SIZE) return { special: await readLink(view, file) };
  const name = path.at(-1)?.toString('utf8') ?? '';
  const is = fileKind(name);
  const media = isShownByBrowser(is) ? { is } : undefined;
  // An SVG is text, too. Of all others nothing is read, but for what may be a pointer of Git LFS.
  const isUnread = media !== undefined && !/\.svg$/i.test(name) && size >= LFS_POINTER_SIZE;
  if (isUnread || size > (is === 'notebook' ? NOTEBOOK_SIZE : SHOWN_SIZE)) return whole(media, 'too-large');
  const content = await readBlob(view, oid, NOTEBOOK_SIZE);
  const pointer = size < LFS_POINTER_SIZE ? parseLfsPointer(content) : undefined;
  if (pointer !== undefined) return { special: { is: 'lfs', ...pointer } };
  const read = readFileText(content);
  if (read.is === 'binary' || is === 'document') return whole(media, 'binary');
  if (representation === 'json') return { lines: await shownLines(read) };
  const preview = plain ? undefined : (media ?? (await renderText(renderer, is, name, read.text, place)));
  return preview === undefined
    ? { lines: await shownLines(read, { renderer, name }) }
    : { lines: await shownLines(read), preview };
}

/** Content that is not read: the browser shows it, or nothing does. */
function whole(media: Preview | undefined, is: 'binary' | 'too-large'): ShownFile {
  return media === undefined ? { special: { is } } : { preview: media };
}

function isShownByBrowser(is: FileKind): is is 'picture' | 'sound' | 'film' | 'document' {
  return is === 'picture' || is === 'sound' || is === 'film' || is === 'document';
}

/** @returns undefined for a text that is shown as lines */
async function renderText(
  renderer: Renderer,
  is: FileKind,
  name: string,
  text: string,
  place: MarkdownPlace,
): Promise<Preview | undefined> {
  switch (is) {
    case 'markdown': {
      const html = await renderer.render('markdown', { text, place });
      return html === undefined ? undefined : { is, html };
    }
    case 'notebook': {
      const notebook = await renderer.render('notebook', { text, place });
      return notebook === undefined ? undefined : { is, notebook };
    }
    case 'table': {
      const table = readDelimited(text, /\.tsv$/i.test(name) ? '\t' : undefined);
      return table === undefined ? undefined : { is, table };
    }
    default:
      return undefined;
  }
}

/** Where links and pictures of a Markdown file lead. Their text is untrusted. */

/** Where a Markdown file lies, as URLs without a host. Segments are percent-encoded. */
export interface MarkdownPlace {
  /** What the URLs of files of the same revision begin with, without a slash at the end. */
  readonly files: string;
  /** What the URLs of raw files of the same revision begin with. */
  readonly raw: string;
  /** What the URLs of all pages of the repository begin with. Absent: links lead to files alone. */
  readonly repository?: string;
  /** The folders above the file, from the root. */
  readonly folder: readonly string[];
  /** What the ids of the text begin with, behind {@link TEXT_PREFIX}, on a page with texts that do not belong together. */
  readonly ids?: string;
}

/** The prefix of every id in rendered text, so that none of them is an id of the page. */
export const ID_PREFIX = 'user-content-';
/** The same for texts with ids of their own. None of these ids is one of a text without: `## 1. Use` has the name `1-use`. */
const TEXT_PREFIX = 'user-text-';

/** Schemes that links may have. */
const SCHEMES: ReadonlySet<string> = new Set(['http:', 'https:', 'mailto:', 'nostr:']);
const LONGEST_URL = 2_000;
const LONGEST_ID = 200;

export type LinkTarget =
  /** A place in the same text. */
  | { readonly is: 'anchor'; readonly fragment: string }
  /** Something in the same repository, without the prefix of its URL and the fragment. */
  | { readonly is: 'path'; readonly path: readonly string[]; readonly fragment: string }
  /** Another page of the same repository: the rest of its URL. */
  | { readonly is: 'page'; readonly path: readonly string[]; readonly fragment: string }
  /** A page elsewhere. */
  | { readonly is: 'outside'; readonly url: string };

/**
 * What links call pages of a repository that begin two levels above its root, as hosts have them: `../../issues` in a README, beside
 * `../../blob/v1.0/README.md`. Pages of the second kind have a revision and a path behind the word.
 */
const PAGES: Readonly<Record<string, { readonly word: string; readonly hasPath: boolean }>> = {
  blame: { word: 'blame', hasPath: true },
  blob: { word: 'file', hasPath: true },
  branches: { word: 'branches', hasPath: false },
  commit: { word: 'commit', hasPath: true },
  commits: { word: 'commits', hasPath: true },
  compare: { word: 'compare', hasPath: true },
  file: { word: 'file', hasPath: true },
  issues: { word: 'issues', hasPath: false },
  pulls: { word: 'pulls', hasPath: false },
  raw: { word: 'raw', hasPath: true },
  releases: { word: 'tags', hasPath: false },
  tags: { word: 'tags', hasPath: false },
  tree: { word: 'tree', hasPath: true },
};

/**
 * Finds where a link leads.
 * @param folder the percent-encoded folders that relative links start from
 * @returns undefined if it is not a link: another scheme, or a path out of the repository that names none of its pages
 */
export function linkTarget(text: string, folder: readonly string[]): LinkTarget | undefined {
  // Browsers leave these characters out before they look at the scheme.
  const url = text.replace(/[\0-\x20\x7f]+/g, (white) => (/^ +$/.test(white) ? '%20' : '')).toWellFormed();
  if (url === '' || url.length > LONGEST_URL) return undefined;
  if (url.startsWith('#')) return { is: 'anchor', fragment: url.slice(1) };
  if (/^[a-z][a-z0-9+.-]*:/i.test(url)) return outside(url);
  if (/^[/\\]{2}/.test(url)) return outside(`https:${url}`);
  const [, before = '', fragment = ''] = /^([^#]*)(?:#(.*))?$/s.exec(url) ?? [];
  const { above, path } = pathFrom(before.replace(/\?.*$/s, ''), folder);
  if (above === 0) return { is: 'path', path, fragment };
  const [name = '', ...rest] = path;
  const page = above === 2 && Object.hasOwn(PAGES, name) ? PAGES[name] : undefined;
  if (page === undefined) return undefined;
  return { is: 'page', path: [page.word, ...(page.hasPath ? rest : [])], fragment };
}

/** The URL of a link to a file or folder of the repository. */
export function fileUrl({ files }: MarkdownPlace, path: readonly string[], fragment: string): string {
  return withFragment([files, ...path].join('/'), fragment);
}

function withFragment(url: string, fragment: string): string {
  if (fragment === '') return url;
  // Lines are anchors of the page; all others are in the text.
  return /^L\d+(?:-L?\d+)?$/.test(fragment) ? `${url}#${fragment}` : `${url}${anchorUrl(fragment)}`;
}

/** The URL of another page of the repository; undefined where those are not known. */
export function pageUrl(
  { repository }: MarkdownPlace,
  path: readonly string[],
  fragment = '',
): string | undefined {
  return repository === undefined ? undefined : withFragment([repository, ...path].join('/'), fragment);
}

/** The URL of a picture of the repository. @returns undefined if the target is no file of it */
export function rawUrl(place: MarkdownPlace, target: LinkTarget | undefined): string | undefined {
  if (target?.is === 'path') return [place.raw, ...target.path].join('/');
  if (target?.is !== 'page') return undefined;
  const [word, ...path] = target.path;
  return word === 'file' || word === 'raw' ? pageUrl(place, ['raw', ...path]) : undefined;
}

/** An id as written in the page. @param ids of the {@link MarkdownPlace} */
export function prefixedId(id: string, ids = ''): string {
  const short = id.slice(0, LONGEST_ID).replace(/\s+/g, '-').toWellFormed();
  const prefix = ids === '' ? ID_PREFIX : `${TEXT_PREFIX}${ids}`;
  if (short.startsWith(prefix)) return short;
  return `${prefix}${short.startsWith(ID_PREFIX) ? short.slice(ID_PREFIX.length) : short}`;
}

/** The URL of a place in a text. @param ids as for {@link prefixedId} */
export function anchorUrl(fragment: string, ids = ''): string {
  return `#${encodePart(prefixedId(decodeFragment(fragment), ids))}`;
}

function decodeFragment(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    // Not percent-encoded UTF-8, so it is meant as it is written.
    return fragment;
  }
}

function outside(url: string): LinkTarget | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, href } = new URL(url);
  return SCHEMES.has(protocol) ? { is: 'outside', url: href } : undefined;
}

/**
 * A path is relative to the folder of the file, or to the root if it begins with a slash.
 * @returns `above`: how many levels above the root the path begins
 */
function pathFrom(text: string, folder: readonly string[]): { above: number; path: readonly string[] } {
  const path = /^[/\\]/.test(text) ? [] : [...folder];
  let above = 0;
  for (const part of text.split(/[/\\]/)) {
    const name = encodePart(part);
    if (name === '' || name === '.') continue;
    if (name !== '..') path.push(name);
    else if (path.pop() === undefined) above++;
  }
  return { above, path };
}

/** Percent-encodes what is not encoded yet. Dots are never encoded: browsers take `%2e%2e` for `..`. */
function encodePart(text: string): string {
  return text.replace(/%([0-9a-f]{2})|[^\w.~-]/giu, (char: string, hex: string | undefined) => {
    if (hex === undefined) return encodeURIComponent(char);
    return hex.toLowerCase() === '2e' ? '.' : `%${hex.toUpperCase()}`;
  });
}

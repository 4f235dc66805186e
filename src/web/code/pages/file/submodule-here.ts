import { hostOf, rootOf } from '../../../layout.ts';
import { readPagePath } from '../../../page-path.ts';
import { CodeLinks } from '../../code-links.ts';

/** Segments of a URL that are looked at. */
const MOST_SEGMENTS = 64;

/**
 * The repository on this server that a URL in `.gitmodules` stands for. Whether it is there, and who may read it, is not asked:
 * that would tell strangers of private repositories.
 * @param base the public base URL of the service
 * @param owner and @param identifier of the repository that has the submodule: relative URLs begin there (gitmodules(5))
 * @returns undefined if it is elsewhere, or is no URL of a repository
 */
export function submoduleHere(
  base: string,
  owner: string,
  identifier: string,
  url: string | undefined,
): CodeLinks | undefined {
  const path =
    url === undefined ? undefined : pathHere(base, `${owner}/${encodeURIComponent(identifier)}`, url);
  const id = path === undefined ? undefined : (readPagePath(`/${path}`) ?? readPagePath(`/git/${path}`));
  return id === undefined ? undefined : new CodeLinks(base, id);
}

/** The path below the base URL, without a slash before it. */
function pathHere(base: string, repository: string, url: string): string | undefined {
  if (!/^\.\.?\//.test(url)) {
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    const root = `${rootOf(base)}/`;
    const isHere = parsed?.host.toLowerCase() === hostOf(base).split('/')[0]?.toLowerCase();
    if (parsed === undefined || !isHere || !/^https?:$/.test(parsed.protocol)) return undefined;
    return parsed.pathname.startsWith(root) ? parsed.pathname.slice(root.length) : undefined;
  }
  const parts = url.replace(/\/+$/, '').split('/');
  if (parts.length > MOST_SEGMENTS) return undefined;
  const path = repository.split('/');
  for (const part of parts) {
    if (part === '' || part === '.') continue;
    if (part !== '..') path.push(part);
    else if (path.pop() === undefined) return undefined;
  }
  return path.join('/');
}

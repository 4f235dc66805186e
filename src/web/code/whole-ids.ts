import { pathText, splitPath } from '../../browse/paths.ts';
import { isRefName, readRevision } from '../../browse/revision.ts';
import { isObjectId } from '../../git/index.ts';
import type { GitManifest } from '../../repository/git/git-manifest.ts';
import type { CodePath } from './code-path.ts';

/** What git prints for people has seven digits or more. Some programs print ids in capital letters. */
const ABBREVIATED = /(?<![\w-])[0-9a-f]{7,64}(?![\w-])/gi;

/** A comparison has two. A URL with more is not one that somebody has copied. */
const MOST = 2;

/** Finds the object of an abbreviated id; undefined if there is none, or several. */
export type FindObject = (
  prefix: string,
) => Promise<{ readonly oid: string; readonly type: string } | undefined>;

/**
 * The segments of a URL with the whole ids of commits and tags in place of abbreviated ones. People copy those from terminals, but a
 * page has one URL, and what is abbreviated may mean several objects one day. Names of refs stay what they are.
 * @param segments of a URL for which nothing was found
 * @returns undefined if the URL stays as it is
 */
export async function withWholeIds(
  manifest: GitManifest,
  [first, ...path]: readonly Buffer[],
  find: FindObject,
): Promise<readonly Buffer[] | undefined> {
  const revision = first?.toString('latin1') ?? '';
  let whole = '';
  let from = 0;
  const candidates = [...revision.matchAll(ABBREVIATED)];
  if (candidates.length > MOST) return undefined;
  for (const { 0: written, index } of candidates) {
    if (isObjectId(written, manifest.objectFormat) || isRefName(manifest, written)) continue;
    const prefix = written.toLowerCase();
    const found = await find(prefix);
    if (found?.type !== 'commit' && found?.type !== 'tag') return undefined;
    whole += revision.slice(from, index) + found.oid;
    from = index + written.length;
  }
  return from === 0 ? undefined : [Buffer.from(whole + revision.slice(from), 'latin1'), ...path];
}

/** Pages of one commit, whose URLs have its id, and what may follow it. */
const OF_A_COMMIT: Readonly<Partial<Record<CodePath['word'], readonly string[]>>> = {
  commit: ['', '.patch', '.diff'],
  contains: [''],
};

/**
 * The segments of a URL of one commit with the id that a ref points at, in place of its name: `commit/main`, `commit/v1.0.patch`.
 * @returns undefined if the URL stays as it is
 */
export function withIdOfRef(
  manifest: GitManifest,
  { word, segments }: Pick<CodePath, 'word' | 'segments'>,
): readonly Buffer[] | undefined {
  const name = pathText(segments);
  for (const ending of OF_A_COMMIT[word] ?? []) {
    if (!name.endsWith(ending)) continue;
    const ref = name.slice(0, name.length - ending.length);
    if (ref !== 'HEAD' && !isRefName(manifest, ref)) continue;
    const { oid } = readRevision(manifest, splitPath(Buffer.from(ref)));
    return [Buffer.from(`${oid}${ending}`)];
  }
  return undefined;
}

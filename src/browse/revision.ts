import { isObjectId, refsStartingWith } from '../git/index.ts';
import { CairnError } from '../lib/errors.ts';
import type { GitManifest } from '../repository/git/git-manifest.ts';
import { pathText, splitPath } from './paths.ts';

/** What a URL names: a commit (or a tag of one) by the name of a ref or by an id, and a path in it. */
export interface Revision {
  /** As the URL names it: `main`, `v1.0`, `refs/nostr/…`, or an id. */
  readonly name: string;
  /** The whole name of the ref; undefined for an id. */
  readonly ref: string | undefined;
  /** What the ref points at, or the id. */
  readonly oid: string;
  /** The rest of the URL: names of folders and of a file at last. Empty for the root. */
  readonly path: readonly Buffer[];
}

/** Refs that a short name may mean, in this order. */
const SHORT = ['refs/heads/', 'refs/tags/', 'refs/'];
/** What the whole name of a ref begins with. */
const WHOLE = 'refs';
/** Names of refs have slashes; more than this many in a name are not tried. */
const MOST_SLASHES = 64;

/**
 * Finds which of the segments of a URL name a revision, and which a path. Refs cannot be named like folders of other refs, so
 * there is one answer at most for each kind of ref. A whole id comes first, because a permalink always means the same commit. The
 * whole name of a ref comes next, then branches, then tags: see {@link linkName}.
 * @param segments decoded once, as bytes; none stand for the default branch
 * @throws CairnError `not-found` when no ref and no id is named
 */
export function readRevision(manifest: GitManifest, segments: readonly Buffer[]): Revision {
  if (segments.length === 0) return head(manifest);
  const [first, ...path] = segments;
  const id = first?.toString('utf8') ?? '';
  if (isObjectId(id, manifest.objectFormat)) return { name: id, ref: undefined, oid: id, path };
  const found = findRef(manifest, segments);
  if (found !== undefined) return found;
  if (id === 'HEAD') return { ...head(manifest), path };
  throw new CairnError(
    'not-found',
    `there is no branch, tag or commit ${JSON.stringify(id)} in this repository`,
  );
}

function findRef({ refs }: GitManifest, segments: readonly Buffer[]): Revision | undefined {
  const isWhole = segments[0]?.toString('latin1') === WHOLE;
  for (const prefix of isWhole ? ['', ...SHORT] : SHORT) {
    for (let count = 1; count <= Math.min(segments.length, MOST_SLASHES); count++) {
      const name = pathText(segments.slice(0, count));
      const ref = `${prefix}${name}`;
      const oid = refs.get(ref);
      if (oid !== undefined) return { name, ref, oid, path: segments.slice(count) };
    }
  }
  return undefined;
}

/**
 * The name that URLs have for a ref: the short one, unless that means something else in them. A branch may be named like a commit's
 * id, and a branch like a tag or like a folder below it.
 * @param ref a whole name, of a ref of this repository
 */
export function linkName(manifest: GitManifest, ref: string): string {
  const short = shortName(ref);
  const [first = ''] = short.split('/', 1);
  if (first === WHOLE || isObjectId(first, manifest.objectFormat)) return ref;
  if (ref.startsWith('refs/heads/')) return short;
  const branch = `refs/heads/${short}`;
  // A branch of this name, or below it, or above it.
  if (findRef(manifest, segmentsOf(short))?.ref !== ref || hasRefBelow(manifest, branch)) return ref;
  return short;
}

/** Whether a name alone means a branch, a tag or another ref in URLs. */
export function isRefName(manifest: GitManifest, name: string): boolean {
  return findRef(manifest, segmentsOf(name))?.path.length === 0;
}

function hasRefBelow({ refs }: GitManifest, ref: string): boolean {
  return refsStartingWith(refs, `${ref}/`).next().done !== true;
}

function segmentsOf(name: string): Buffer[] {
  return splitPath(Buffer.from(name));
}

/** The default branch. @throws CairnError `not-found` when it does not exist yet */
export function head(manifest: GitManifest): Revision {
  const { head, refs } = manifest;
  const oid = refs.get(head);
  if (oid === undefined)
    throw new CairnError('not-found', `the default branch, ${shortName(head)}, does not exist yet`);
  return { name: linkName(manifest, head), ref: head, oid, path: [] };
}

/** The default branch; its `oid` is empty when it does not exist yet. */
export function headOrNothing(manifest: GitManifest): Revision {
  const { head: ref, refs } = manifest;
  return { name: linkName(manifest, ref), ref, oid: refs.get(ref) ?? '', path: [] };
}

/** A ref as people name it. */
export function shortName(ref: string): string {
  return ref.replace(/^refs\/(?:heads|tags)\//, '');
}

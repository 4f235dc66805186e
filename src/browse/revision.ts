import { isObjectId } from '../git/index.ts';
import { CairnError } from '../lib/errors.ts';
import type { GitManifest } from '../repository/git/git-manifest.ts';

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
/** Names of refs have slashes; more than this many in a name are not tried. */
const MOST_SLASHES = 64;

/**
 * Finds which of the segments of a URL name a revision, and which a path. Refs cannot be named like folders of other refs, so
 * there is one answer at most for each kind of ref; branches come before tags.
 * @param segments decoded once, as bytes
 * @throws CairnError `not-found` when no ref and no id is named
 */
export function readRevision(manifest: GitManifest, segments: readonly Buffer[]): Revision {
  for (const prefix of SHORT) {
    for (let count = 1; count <= Math.min(segments.length, MOST_SLASHES); count++) {
      const name = Buffer.concat(joined(segments.slice(0, count))).toString('utf8');
      const ref = `${prefix}${prefix === 'refs/' ? name.replace(/^refs\//, '') : name}`;
      const oid = manifest.refs.get(ref);
      if (oid !== undefined) return { name, ref, oid, path: segments.slice(count) };
    }
  }
  const [first, ...path] = segments;
  const id = first?.toString('utf8') ?? '';
  if (isObjectId(id, manifest.objectFormat)) return { name: id, ref: undefined, oid: id, path };
  if (id === 'HEAD') return { ...head(manifest), path };
  throw new CairnError(
    'not-found',
    `there is no branch, tag or commit ${JSON.stringify(id)} in this repository`,
  );
}

/** The default branch. @throws CairnError `not-found` when it does not exist yet */
export function head({ head, refs }: GitManifest): Revision {
  const oid = refs.get(head);
  if (oid === undefined)
    throw new CairnError('not-found', `the default branch, ${shortName(head)}, does not exist yet`);
  return { name: shortName(head), ref: head, oid, path: [] };
}

/** The default branch; its `oid` is empty when it does not exist yet. */
export function headOrNothing(manifest: GitManifest): Revision {
  const { head: ref, refs } = manifest;
  return { name: shortName(ref), ref, oid: refs.get(ref) ?? '', path: [] };
}

/** A ref as people name it. */
export function shortName(ref: string): string {
  return ref.replace(/^refs\/(?:heads|tags)\//, '');
}

function joined(segments: readonly Buffer[]): Buffer[] {
  return segments.flatMap((segment, at) => (at === 0 ? [segment] : [SLASH, segment]));
}

const SLASH = Buffer.from('/');

import { countRefsStartingWith, refsStartingWith } from '../../git/index.ts';
import { inBatches } from '../../lib/cooperative.ts';
import { isCairnError } from '../../lib/errors.ts';
import { compareVersions, versionKey } from '../../lib/version-order.ts';
import { type FoundCommit, type Peeled, peel, readCommit } from '../objects.ts';
import type { RepositoryView } from '../repository-view.ts';
import { shortCommit, shortTag } from '../shortened.ts';
import { MOST_SORTED, orderByDate } from './order-by-date.ts';

/** A ref below `refs/tags/` and what it stands for. */
export interface FoundTag {
  /** The whole name of the ref. */
  readonly ref: string;
  readonly oid: string;
  /** The tag objects on the way, and what they stand for; undefined if that cannot be read. */
  readonly peeled: Peeled | undefined;
  /** The commit that it stands for, if it is one. */
  readonly commit: FoundCommit | undefined;
}

/** Some of the tags. */
export interface TagList {
  readonly tags: readonly FoundTag[];
  /** Number of all. */
  readonly count: number;
  /** True if there are so many that they are in the order of their names. */
  readonly byName: boolean;
}

export const TAGS_ON_PAGE = 30;
const PREFIX = 'refs/tags/';

/**
 * Lists tags.
 * @param order the highest version first, or the newest commit first
 * @param skip how many to leave out
 */
export async function listTags(
  view: RepositoryView,
  order: 'version' | 'date',
  skip: number,
  most: number = TAGS_ON_PAGE,
): Promise<TagList> {
  const { refs, peeled } = view.manifest;
  const count = countRefsStartingWith(refs, PREFIX);
  const byName = count > MOST_SORTED;
  const names = byName
    ? (await lastNames(view, skip + most)).reverse()
    : order === 'version'
      ? byVersion(Array.from(refsStartingWith(refs, PREFIX), ([name]) => name))
      : await orderByDate(
          view,
          Array.from(
            refsStartingWith(refs, PREFIX),
            ([name, oid]) => [name, peeled.get(name) ?? oid] as const,
          ),
        );
  const shown = names.slice(skip, skip + most);
  const tags = await Promise.all(
    shown.map(async (ref) => listedTag(await readTag(view, ref, refs.get(ref) ?? ''))),
  );
  return { tags, count, byName };
}

/** Reads what a tag stands for. @param oid what the ref points at */
export async function readTag(view: RepositoryView, ref: string, oid: string): Promise<FoundTag> {
  try {
    const peeled = await peel(view, oid);
    const commit = peeled.type === 'commit' ? await readCommit(view, peeled.oid) : undefined;
    return { ref, oid, peeled, commit };
  } catch (error) {
    // A tag of very many tags, or with a text of many megabytes.
    if (isCairnError(error, 'not-found') || isCairnError(error, 'too-large')) {
      return { ref, oid, peeled: undefined, commit: undefined };
    }
    throw error;
  }
}

/** A tag without the rest of very long texts. */
function listedTag(found: FoundTag): FoundTag {
  const { peeled, commit } = found;
  return {
    ...found,
    peeled: peeled && { ...peeled, tags: peeled.tags.map(({ oid, tag }) => ({ oid, tag: shortTag(tag) })) },
    commit: commit && { ...commit, commit: shortCommit(commit.commit) },
  };
}

function byVersion(names: readonly string[]): string[] {
  return names
    .map(versionKey)
    .sort((a, b) => compareVersions(b, a))
    .map(({ name }) => name);
}

/** The last names of tags, in their order: there may be a million, which others must not wait for. */
async function lastNames({ manifest }: RepositoryView, most: number): Promise<string[]> {
  const last: string[] = [];
  for await (const batch of inBatches(refsStartingWith(manifest.refs, PREFIX))) {
    for (const [name] of batch) last.push(name);
    if (last.length > 2 * most + MOST_SORTED) last.splice(0, last.length - most);
  }
  return last.slice(-most);
}

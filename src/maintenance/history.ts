import type { Digest } from '../lib/digest.ts';
import { CairnError } from '../lib/errors.ts';
import type { Manifest, PublishedState } from '../repository/manifest.ts';
import type { Repository } from '../repository/repository.ts';

/** @typeParam M manifest of the kind of the repository */
export interface HistoryEntry<M extends Manifest> {
  readonly digest: Digest;
  readonly manifest: M;
}

/**
 * The published states of a repository, newest first: its full history, one manifest each.
 * @throws CairnError `corrupt` naming the manifest that is missing or damaged
 */
export async function* history<M extends Manifest>(
  repository: Pick<Repository<M>, 'manifest'>,
  from: PublishedState<M>,
): AsyncGenerator<HistoryEntry<M>> {
  let entry: HistoryEntry<M> = { digest: from.digest, manifest: from.manifest };
  for (;;) {
    yield entry;
    const { parent } = entry.manifest;
    if (parent === null) return;
    entry = { digest: parent, manifest: await repository.manifest(parent) };
  }
}

/**
 * Finds one state in a repository's history.
 * @param which its depth, or the digest of its manifest, or at least the first 6 characters of the digest. A number is a depth, unless it
 *   is greater than all depths
 * @throws CairnError `not-found` when there is no such state, `invalid` when `which` is neither
 */
export async function findInHistory<M extends Manifest>(
  repository: Repository<M>,
  from: PublishedState<M>,
  which: string,
): Promise<HistoryEntry<M>> {
  const isPrefix = /^[0-9a-f]{6,64}$/.test(which);
  const isNumber = /^(\d{1,5}|[1-9]\d*)$/.test(which);
  if (!isPrefix && !isNumber) {
    throw new CairnError(
      'invalid',
      `${JSON.stringify(which)} is neither a depth nor the digest of a manifest, nor at least six characters of its beginning`,
    );
  }
  const depth = isNumber && (!isPrefix || Number(which) <= from.manifest.depth) ? Number(which) : undefined;
  for await (const entry of history(repository, from)) {
    if (depth === undefined ? entry.digest.startsWith(which) : entry.manifest.depth === depth) return entry;
  }
  throw new CairnError('not-found', `the history of ${repository} has no state ${which}`);
}

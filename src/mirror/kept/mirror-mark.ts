/**
 * The mark of a pull mirror in the published state: while it is there, others leave the refs of the mirror alone, and
 * only then does the mirror publish. So a mirror that is removed ends with one publish, whatever still runs.
 */
import { changedRefs } from '../../git/index.ts';
import { CairnError } from '../../lib/errors.ts';
import { writerRole } from '../../policy/push-access.ts';
import type { GitState, NamedMirror } from '../../repository/git/git-manifest.ts';
import type { GitRepository } from '../../repository/git/git-repository.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';
import { temporaryRefs } from '../import/temporary-refs.ts';

/** A pull mirror that is to be marked. */
export interface MarkedMirror extends NamedMirror {
  /** Of the repository it was added to. */
  readonly incarnation: string;
  /** Whether a mirror that follows may take over a repository that has refs. */
  readonly overwrite: boolean;
}

/** True when a state names this mirror. */
export function isMarked({ mirrors }: Pick<GitState, 'mirrors'>, id: string): boolean {
  return mirrors?.some((mirror) => mirror.id === id) === true;
}

/**
 * A mirror that follows takes over the whole repository: what is there, and what the owner protects.
 * @param by the key that adds it; null for an operator
 * @throws CairnError `conflict`, `forbidden`
 */
export function checkFollowing(
  { owner }: RepositoryId,
  { refs, policy }: Pick<GitState, 'refs' | 'policy'>,
  mirror: Pick<MarkedMirror, 'refs' | 'overwrite'>,
  by: string | null,
): void {
  if (mirror.refs !== 'follow') return;
  const isMaintainer = by !== null && writerRole(by, { owner, ...policy }) === 'maintainer';
  if (isMaintainer && policy.protection.length > 0) {
    throw new CairnError(
      'forbidden',
      'the repository has protected refs: only its owner may let it follow another repository',
    );
  }
  const [first] = refs.keys();
  if (first !== undefined && !mirror.overwrite) {
    throw new CairnError(
      'conflict',
      `the repository has refs (${first} …) that the mirror would overwrite: allow it with --overwrite, or let it write to refs/mirrors/ only (without --follow)`,
    );
  }
}

/**
 * Publishes the mark of a mirror.
 * @param actor who adds it, for the causes; null for an operator
 * @throws CairnError `not-found` when the repository is not the one that it was added to; `conflict` when another
 * mirror stands in its way; as {@link checkFollowing}, on each state that the publish meets; as `Publisher.join`
 */
export async function mark(
  repository: GitRepository,
  { incarnation, id, name, refs, overwrite }: MarkedMirror,
  actor: string | null,
): Promise<void> {
  await publishMirrors(repository, actor, (state) => {
    if (state === undefined || state.lifecycle === 'withdrawn' || state.incarnation !== incarnation) {
      throw new CairnError('not-found', `the repository ${repository} was withdrawn meanwhile`);
    }
    const { mirrors = [] } = state;
    if (isMarked(state, id)) return undefined;
    if (mirrors.some((other) => other.name === name)) {
      throw new CairnError('conflict', `the repository has a mirror "${name}": remove it first`);
    }
    const followed = mirrors.find((other) => other.refs === 'follow');
    if (refs === 'follow' && followed !== undefined) {
      throw new CairnError('conflict', `the repository follows its mirror "${followed.name}" already`);
    }
    // A push may have come since the mirror was added.
    checkFollowing(repository.id, state, { refs, overwrite }, actor);
    const marked = [...mirrors, { id, name, refs }].sort((a, b) => (a.name < b.name ? -1 : 1));
    return { mirrors: marked, temporary: [] };
  });
}

/**
 * Takes the mark of a mirror away, if it is there, and the refs behind which it was still bringing something in.
 * @param isMeant which marks to take away
 * @returns whether there was one
 */
export async function unmark(
  repository: GitRepository,
  isMeant: (mirror: NamedMirror) => boolean,
  actor: string | null,
): Promise<boolean> {
  let found = false;
  await publishMirrors(repository, actor, (state) => {
    const gone = state?.mirrors?.filter(isMeant) ?? [];
    found = gone.length > 0;
    if (state === undefined || !found) return undefined;
    return {
      mirrors: (state.mirrors ?? []).filter((mirror) => !isMeant(mirror)),
      temporary: gone.flatMap(({ id }) => temporaryRefs(state, id)),
    };
  });
  return found;
}

/** What a publish changes. */
interface MarkChange {
  /** The mirrors that the state is to name. */
  readonly mirrors: readonly NamedMirror[];
  /** Refs that it removes. */
  readonly temporary: readonly string[];
}

/** @param change undefined when nothing is to change */
async function publishMirrors(
  repository: GitRepository,
  actor: string | null,
  change: (state: GitState | undefined) => MarkChange | undefined,
): Promise<void> {
  const since = repository.mark();
  await repository.publisher.join({
    since,
    evaluate: async (current) => {
      const wanted = change(current);
      if (wanted === undefined || current === undefined) return { result: undefined };
      const { mirrors: _before, ...others } = current;
      const { mirrors, temporary } = wanted;
      const removed = temporary.map((name) => ({ name, oid: undefined, peeled: undefined }));
      const rest = removed.length === 0 ? others : { ...others, ...changedRefs(current, removed) };
      return {
        next: mirrors.length === 0 ? rest : { ...rest, mirrors },
        cause: { kind: 'mirror', actor, evidence: null, refs: temporary },
        result: undefined,
      };
    },
  });
}

/** A pack that comes from a stream is published with one call: what a mirror does with what it has fetched. */
import { changingRefs, isBranch, isZeroId } from '../../git/index.ts';
import { cooperate } from '../../lib/cooperative.ts';
import type { ArtifactCache } from '../cache/artifact-cache.ts';
import type { Change, Evaluation } from '../change.ts';
import type { Committed } from '../committed.ts';
import type { GitCause, GitManifest, GitState, PublishedGitState } from '../git/git-manifest.ts';
import { packsPointedInto, withPack } from '../git/unreachable.ts';
import type { RepositoryId } from '../repository-id.ts';
import type { RefTarget } from './connectivity/connectivity.ts';
import { StandingProof } from './connectivity/standing-proof.ts';
import type { IntakeContext } from './intake-context.ts';
import type { PackSource } from './pack-source.ts';
import { type RefusedPack, type TakeInOptions, type TakenPack, takeInPack } from './take-in-pack.ts';

export interface PublishPackOptions extends Omit<TakeInOptions, 'published'> {
  /** Why, for the manifest, which also names the refs that change. */
  readonly cause: Omit<GitCause, 'refs'>;
  /**
   * Whether a ref is still to change on a state that the change meets. All are if this is absent.
   * @param current the published state, with the changes that share the publish
   */
  readonly applies?: (target: RefTarget, current: GitState) => boolean;
  /**
   * Has the last word on each state that the change meets.
   * @param next that state with the pack and the refs; that state itself when no ref has to change
   * @returns what to publish, or the reason why nothing is
   */
  readonly decide?: (next: GitState, current: GitState) => GitState | string;
}

export type PublishedPack =
  | { readonly outcome: 'published'; readonly committed: Committed<GitManifest> }
  | RefusedPack;

/**
 * Stores a pack and points refs at its objects: all that `applies` names, or none. The caller checks rights.
 * @param source read to its end, unless this throws: then the caller ends it
 * @throws as `takeInPack` and `Publisher.join`. Nothing is left on disk then.
 */
export async function publishPack(
  context: IntakeContext,
  source: PackSource,
  options: PublishPackOptions,
): Promise<PublishedPack> {
  const { repository } = options;
  const since = repository.mark();
  const published = await repository.resolve();
  const taken = await takeInPack(context, source, { ...options, published });
  if (taken.outcome === 'refused') return taken;
  try {
    const change = new IntakeChange({
      ...options,
      id: repository.id,
      since,
      initial: published?.manifest ?? options.empty,
      cache: context.cache,
      taken,
    });
    const { result: refused, committed } = await repository.publisher.join(change);
    if (refused === undefined) return { outcome: 'published', committed };
    return { outcome: 'refused', reason: refused, findings: [] };
  } finally {
    await taken.drop();
  }
}

interface IntakeChangeOptions extends Pick<PublishPackOptions, 'targets' | 'cause' | 'applies' | 'decide'> {
  readonly id: RepositoryId;
  readonly since: number;
  /** The state the pack was taken in on, or the one to begin with when there is no repository. */
  readonly initial: GitState;
  /** Where packs of unreachable objects are looked into. */
  readonly cache: ArtifactCache;
  readonly taken: TakenPack;
}

/** A pack that was taken in, and its refs, as a change. What it tells is why it was refused; undefined when it was not. */
class IntakeChange implements Change<GitManifest, string | undefined> {
  readonly since: number;
  private readonly options: IntakeChangeOptions;
  private readonly proof: StandingProof;

  constructor(options: IntakeChangeOptions) {
    this.options = options;
    this.since = options.since;
    this.proof = new StandingProof(options.taken.proof);
  }

  async evaluate(
    current: GitState | undefined,
    published: PublishedGitState | undefined,
  ): Promise<Evaluation<GitManifest, string | undefined>> {
    const { initial, targets, cause, applies = () => true, decide = (next) => next } = this.options;
    const problem = this.identityProblem(current);
    if (problem !== undefined) return { result: problem };
    await this.proof.standOn(published);
    if (this.proof.disconnected.size > 0) return { result: 'objects it builds on were removed meanwhile' };
    const state = current ?? initial;
    const changed = targets.filter(
      (target) => state.refs.get(target.name) !== oidOf(target.newId) && applies(target, state),
    );
    const wrong = this.typeProblem(changed);
    if (wrong !== undefined) return { result: wrong };
    const next = decide(changed.length === 0 ? state : await this.apply(changed, state), state);
    if (typeof next === 'string') return { result: next };
    if (next === state) return { result: undefined };
    return { next, cause: { ...cause, refs: changed.map(({ name }) => name) }, result: undefined };
  }

  /** What was proven of one repository says nothing of another one. */
  private identityProblem(current: GitState | undefined): string | undefined {
    if (current === undefined) return undefined;
    const { initial } = this.options;
    const { incarnation } = this.proof;
    if (current.lifecycle === 'withdrawn') return 'the repository is withdrawn';
    const others = current.generation !== initial.generation;
    if (others || (incarnation !== undefined && incarnation !== current.incarnation))
      return 'the repository was announced anew meanwhile';
    if (current.objectFormat !== initial.objectFormat)
      return `the repository was made with object format ${current.objectFormat} meanwhile`;
    return undefined;
  }

  private typeProblem(changed: readonly RefTarget[]): string | undefined {
    for (const { name, newId } of changed) {
      if (!isBranch(name) || isZeroId(newId)) continue;
      const type = this.proof.objects.get(newId)?.type;
      if (type !== undefined && type !== 'commit')
        return `${name} must point at a commit, ${newId} is a ${type}`;
    }
    return undefined;
  }

  private async apply(changed: readonly RefTarget[], state: GitState): Promise<GitState> {
    const { cache, id, taken } = this.options;
    const { entry, commits } = taken;
    const changes = changed.map(({ name, newId }) => ({
      name,
      oid: oidOf(newId),
      peeled: this.proof.objects.get(newId)?.peeled,
    }));
    const { refs, peeled } = await cooperate(changingRefs(state, changes));
    const others = changed.map(({ newId }) => newId).filter((oid) => !isZeroId(oid) && !commits.has(oid));
    const before = await packsPointedInto(cache, id, state, entry, others);
    return { ...state, refs, peeled, packs: withPack(before, entry, this.proof.linked) };
  }
}

/** The id that a ref is to have; undefined when the ref is to go. */
function oidOf(newId: string): string | undefined {
  return isZeroId(newId) ? undefined : newId;
}

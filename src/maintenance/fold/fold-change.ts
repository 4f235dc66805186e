/** A fold as a change of a repository: other packs for the same objects. It does not run git while pushes wait. */
import type { Digest } from '../../lib/digest.ts';
import type { Change, Evaluation } from '../../repository/change.ts';
import type {
  GitManifest,
  GitState,
  PackEntry,
  PublishedGitState,
} from '../../repository/git/git-manifest.ts';
import { asPushed } from '../../repository/git/unreachable.ts';
import type { ArtifactRef } from '../../repository/manifest.ts';
import type { ApartObjects } from './apart-objects.ts';
import type { CheckedRefs } from './checked-refs.ts';

/** What a fold made of one manifest. Its artifacts are in the store. */
export interface FoldResult {
  readonly incarnation: string;
  /** New packs. */
  readonly made: readonly PackEntry[];
  /** The packs that the new ones replace. */
  readonly replaced: ReadonlySet<Digest>;
  /** Packs that are left out. `made` has those of their objects that any ref reached; the other objects are lost. */
  readonly dropped: ReadonlySet<Digest>;
  /** Packs with the objects that `made` does not repeat. */
  readonly relied: ReadonlySet<Digest>;
  /** Undefined: there are no commits. */
  readonly graph: ArtifactRef | undefined | 'as it is';
  /** The epoch that the fold starts, unless it conserves everything within one epoch. */
  readonly epoch: string;
  /** The epoch in which the fold was made. */
  readonly madeIn: string | undefined;
  /**
   * Packs, new and old, whose objects link only to objects that stay. In another epoch than the fold's own, this says
   * nothing if the fold conserves, because the fold did not look at what has left.
   */
  readonly linked: ReadonlySet<Digest>;
  /** True when every object of `replaced` is in `made` or `relied`, and nothing is dropped. */
  readonly conserves: boolean;
  /** Refs that are complete in `made` and `relied`. */
  readonly checked: CheckedRefs;
  /** The objects in those packs of `made` that have the kind `unreachable`. */
  readonly apart?: ApartObjects;
}

/** `unchecked`: a new ref or pack may need what this fold leaves out; `state` is the state it was evaluated on. */
export type FoldVerdict =
  | { readonly verdict: 'publish' | 'superseded' }
  | { readonly verdict: 'unchecked'; readonly state: GitState };

export class FoldChange implements Change<GitManifest, FoldVerdict> {
  readonly since: number;
  /**
   * A push in the same batch may rely on what is left out. A fold that only repacks objects takes nothing away, so it
   * need not be alone.
   */
  readonly alone: boolean;
  private readonly result: FoldResult;
  private readonly now: () => number;

  /** @param now the time in seconds: objects count as set apart when the fold is published */
  constructor(result: FoldResult, since: number, now: () => number) {
    this.result = result;
    this.since = since;
    this.now = now;
    this.alone = !result.conserves;
  }

  /**
   * @param published the new state must still name the packs of the published one; otherwise the fold no longer fits
   * this repository
   */
  async evaluate(
    current: GitState | undefined,
    published: PublishedGitState | undefined,
  ): Promise<Evaluation<GitManifest, FoldVerdict>> {
    const { result } = this;
    if (
      current === undefined ||
      published === undefined ||
      !fits(result, published.manifest) ||
      !fits(result, current)
    ) {
      return { result: { verdict: 'superseded' } };
    }
    if (!result.conserves && !isKnown(current, result)) {
      return { result: { verdict: 'unchecked', state: current } };
    }
    const next = afterFold(current, result);
    return {
      next: { ...next, packs: await this.setApart(current, next.packs) },
      cause: { kind: 'fold', actor: null, evidence: null, refs: [] },
      result: { verdict: 'publish' },
    };
  }

  /**
   * The grace period starts now, whatever happened during the fold. If a ref was pointed at these objects meanwhile,
   * they are not set apart, and the next fold checks again.
   */
  private async setApart(state: GitState, packs: readonly PackEntry[]): Promise<readonly PackEntry[]> {
    const { apart, made } = this.result;
    if (apart === undefined) return packs;
    if (await apart.areNamed(state.refs)) return asPushed(packs);
    const fresh = new Set(made.map(({ pack }) => pack.digest));
    const since = this.now();
    return packs.map((entry) =>
      entry.kind === 'unreachable' && fresh.has(entry.pack.digest) ? { ...entry, since } : entry,
    );
  }
}

/** Whether the fold was made of all packs of this state. */
function isKnown(state: GitState, result: FoldResult): boolean {
  return result.checked.covers(state.refs) && packsSince(state, result).length === 0;
}

/**
 * Packs that were added after the fold was made. The refs they came with may be deleted again, and may have reached
 * what the fold drops a moment ago.
 */
export function packsSince(state: GitState, result: FoldResult): PackEntry[] {
  const known = [result.replaced, result.dropped, result.relied];
  return state.packs.filter(({ pack }) => !known.some((packs) => packs.has(pack.digest)));
}

const NONE: ReadonlySet<Digest> = new Set();

/** The state with the new packs in place of the replaced ones. Later packs stay. */
export function afterFold(state: GitState, result: FoldResult): GitState {
  const { graph: _before, ...rest } = state;
  const { conserves } = result;
  const linked = conserves && state.epoch !== result.madeIn ? NONE : result.linked;
  const made = new Set(result.made.map((entry) => entry.pack.digest));
  const kept = state.packs.filter(
    ({ pack: { digest } }) =>
      !result.replaced.has(digest) && !result.dropped.has(digest) && !made.has(digest),
  );
  const graph = result.graph === 'as it is' ? state.graph : result.graph;
  const packs = [...result.made, ...kept].map((entry) => {
    const { linked: before, ...others } = entry;
    const isLinked = linked.has(entry.pack.digest) || (conserves && before === true);
    return isLinked ? { ...others, linked: true } : others;
  });
  const epoch = conserves && state.epoch !== undefined ? state.epoch : result.epoch;
  return { ...rest, epoch, packs, ...(graph === undefined ? {} : { graph }) };
}

/**
 * The same fold after `next` was found complete. The result then also relies on packs that were added meanwhile and
 * are kept in `next`.
 */
export function restingOn(result: FoldResult, next: GitState): FoldResult {
  const made = new Set(result.made.map((entry) => entry.pack.digest));
  const kept = next.packs.map(({ pack }) => pack.digest).filter((digest) => !made.has(digest));
  return { ...result, relied: new Set([...result.relied, ...kept]) };
}

function fits(result: FoldResult, state: GitState): boolean {
  if (state.lifecycle === 'withdrawn' || state.incarnation !== result.incarnation) return false;
  const named = new Set(state.packs.map(({ pack }) => pack.digest));
  // A ref was pointed at an object in one of these packs meanwhile.
  if (state.packs.some(({ kind, pack }) => kind !== 'unreachable' && result.dropped.has(pack.digest)))
    return false;
  return [result.replaced, result.dropped, result.relied].every((packs) =>
    [...packs].every((digest) => named.has(digest)),
  );
}

/** A fold as a change of a repository: other packs for the same objects. It runs no git while pushes wait. */
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

/** What a fold has made of one manifest, its artifacts in the store. */
export interface FoldResult {
  readonly incarnation: string;
  /** New packs. */
  readonly made: readonly PackEntry[];
  /** Packs whose place they take. */
  readonly replaced: ReadonlySet<Digest>;
  /** Packs left out whose objects, as far as any ref reached them, are in `made`; the others are lost. */
  readonly dropped: ReadonlySet<Digest>;
  /** Packs that hold what `made` was made without. */
  readonly relied: ReadonlySet<Digest>;
  /** Undefined: there are no commits. */
  readonly graph: ArtifactRef | undefined | 'as it is';
  /** The epoch it begins, unless it conserves all there is in one. */
  readonly epoch: string;
  /** The epoch it was made in. */
  readonly madeIn: string | undefined;
  /**
   * Packs, new ones and others, of which it has seen that whatever their objects link to stays there. In another epoch than it was
   * made in, what a fold that conserves has seen counts for nothing: it did not look at what has left.
   */
  readonly linked: ReadonlySet<Digest>;
  /** True when every object of `replaced` is in `made` or `relied`, and nothing is dropped. */
  readonly conserves: boolean;
  /** Refs below which nothing is missing in `made` and `relied`. */
  readonly proven: CheckedRefs;
  /** What is in those of `made` that are of kind `unreachable`. */
  readonly apart?: ApartObjects;
}

/** `unproven`: a ref or a pack has come that may need what this fold leaves out; `state` is what it met. */
export type FoldVerdict =
  | { readonly verdict: 'publish' | 'superseded' }
  | { readonly verdict: 'unproven'; readonly state: GitState };

export class FoldChange implements Change<GitManifest, FoldVerdict> {
  readonly since: number;
  /** A push in the same batch may lean on what is left out. One that only gathers objects anew takes nothing from anybody. */
  readonly alone: boolean;
  private readonly result: FoldResult;
  private readonly now: () => number;

  /** @param now tells the time in seconds: objects are set apart when the fold is published */
  constructor(result: FoldResult, since: number, now: () => number) {
    this.result = result;
    this.since = since;
    this.now = now;
    this.alone = !result.conserves;
  }

  /** @param published what was published is still named there, or this fold is not of this repository any more */
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
      return { result: { verdict: 'unproven', state: current } };
    }
    const next = afterFold(current, result);
    return {
      next: { ...next, packs: await this.setApart(current, next.packs) },
      cause: { kind: 'fold', actor: null, evidence: null, refs: [] },
      result: { verdict: 'publish' },
    };
  }

  /**
   * Grace begins now, whatever came and went while the fold was made. What a ref was pointed at meanwhile is not set apart, and the next
   * fold looks again.
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

/** True when the fold was made of all that is there. */
function isKnown(state: GitState, result: FoldResult): boolean {
  return result.proven.covers(state.refs) && packsSince(state, result).length === 0;
}

/**
 * Packs that have come since the fold was made. The refs that they came with may have gone again, and reached what it drops a moment
 * ago.
 */
export function packsSince(state: GitState, result: FoldResult): PackEntry[] {
  const known = [result.replaced, result.dropped, result.relied];
  return state.packs.filter(({ pack }) => !known.some((packs) => packs.has(pack.digest)));
}

const NONE: ReadonlySet<Digest> = new Set();

/** A state with the packs of a fold in place of those that it replaces; what has come since stays. */
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

/** The same fold after it was seen to be whole in `next`: that rests on packs, too, which came meanwhile and are kept there. */
export function restingOn(result: FoldResult, next: GitState): FoldResult {
  const made = new Set(result.made.map((entry) => entry.pack.digest));
  const kept = next.packs.map(({ pack }) => pack.digest).filter((digest) => !made.has(digest));
  return { ...result, relied: new Set([...result.relied, ...kept]) };
}

function fits(result: FoldResult, state: GitState): boolean {
  if (state.lifecycle === 'withdrawn' || state.incarnation !== result.incarnation) return false;
  const named = new Set(state.packs.map(({ pack }) => pack.digest));
  // A ref was pointed at something in them meanwhile.
  if (state.packs.some(({ kind, pack }) => kind !== 'unreachable' && result.dropped.has(pack.digest)))
    return false;
  return [result.replaced, result.dropped, result.relied].every((packs) =>
    [...packs].every((digest) => named.has(digest)),
  );
}

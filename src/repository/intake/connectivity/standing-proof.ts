import type { ObjectDescription } from '../../../git/index.ts';
import type { TipsInspection } from '../../../git-process/inspect-tips.ts';
import { isClosed, type PublishedGitState } from '../../git/git-manifest.ts';
import type { CheckedTips, Connectivity } from './connectivity.ts';

export interface StandingProofOptions extends CheckedTips {
  /** Object ids that refs are to point at; asked for when they have to be looked at again. */
  readonly tips: () => readonly string[];
  /** Looks at tips again, over another state. */
  readonly again: (
    published: PublishedGitState | undefined,
    tips: readonly string[],
  ) => Promise<TipsInspection>;
}

/**
 * What is known of new tips, on each state that a change meets. A proof of connectivity counts only on states that hold all that it
 * was made over: a fold may have dropped objects that the new ones build on. A tip that something was missing below is looked at again
 * on states with unchecked packs: these may have the missing objects.
 */
export class StandingProof {
  /** New tips that something is missing below on the state met last. */
  disconnected: ReadonlySet<string>;
  /** What is known of the others. */
  readonly objects: Map<string, ObjectDescription>;
  private readonly options: StandingProofOptions;
  private proof: Connectivity;

  constructor(options: StandingProofOptions) {
    this.options = options;
    this.proof = options.proof;
    this.disconnected = options.disconnected;
    this.objects = new Map(options.objects);
  }

  /** True when git has found whatever the objects in the pack link to, and it is still there. */
  get linked(): boolean {
    return this.proof.linked;
  }

  /** Of the repository that the pack was taken in for; undefined when there was none. */
  get incarnation(): string | undefined {
    return this.proof.incarnation;
  }

  /**
   * Leaves a proof that counts on this state.
   * @throws CairnError `corrupt` or `unavailable` when the objects of the state cannot be had
   */
  async standOn(published: PublishedGitState | undefined): Promise<void> {
    const named = new Set(published?.manifest.packs.map((entry) => entry.pack.digest));
    const { proof } = this;
    const epoch = published?.manifest.epoch;
    // All that git found objects in is still there, or the same objects in other packs.
    const conserved = epoch !== undefined && epoch === proof.epoch;
    const stands = conserved || [...proof.packs].every((digest) => named.has(digest));
    const mayHaveCome = this.disconnected.size > 0 && [...named].some((digest) => !proof.packs.has(digest));
    if (stands && !mayHaveCome && (proof.walked || published === undefined || isClosed(published.manifest)))
      return;
    const tips = this.options.tips();
    if (tips.length > 0) {
      const { disconnected, objects } = await this.options.again(published, tips);
      this.disconnected = disconnected;
      for (const [oid, description] of objects) this.objects.set(oid, description);
    }
    this.proof = { ...proof, packs: named, epoch, walked: true, linked: proof.linked && stands };
  }
}

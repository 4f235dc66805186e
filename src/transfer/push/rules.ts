import type { ReceivedCommand } from '../../git/index.ts';
import type { QuarantinePaths } from '../../git-process/commands.ts';
import type { Git } from '../../git-process/git.ts';
import type { Clock } from '../../lib/clock.ts';
import type { HeldState } from '../../policy/state-match.ts';
import { refsIfUnchanged } from '../../policy/state-rules.ts';
import type { Amount, GitState, PublishedGitState } from '../../repository/git/git-manifest.ts';
import type { Policy } from '../../repository/manifest.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';
import type { HeldStateBook, PushAuthority } from './authority.ts';
import { keepsHistory } from './keeps-history.ts';
import type { StrangerTerms } from './pull-request-rules.ts';
import type { StrangerLimits } from './stranger-limits.ts';

/** The sources for the rules of pushes. */
export interface PushRulesContext {
  readonly git: Git;
  readonly heldStates: HeldStateBook;
  readonly clock: Clock;
  /** Limits for pushes of strangers; undefined if they may not push. */
  readonly strangers: StrangerLimits | undefined;
  /**
   * True if the key that signs the receipts of a repository may write to it: then its receipts count like signed states, and
   * need not be dated before them.
   */
  readonly receiptsAreAuthoritative: (id: RepositoryId, policy: Policy) => boolean;
}

export interface PushRulesOptions {
  readonly id: RepositoryId;
  readonly authority: PushAuthority;
  /** The signed states that waited when the push started, and the state that was published then. */
  readonly held: readonly HeldState[];
  readonly published: PublishedGitState | undefined;
  /** Paths where git finds the objects of the push and of the published state. */
  readonly paths: () => Promise<QuarantinePaths>;
}

const NONE: ReadonlyMap<string, string> = new Map();

/** The authority of one push, and the facts that deciding it needs. Facts that do not change are fetched once. */
export class PushRules {
  readonly id: RepositoryId;
  readonly authority: PushAuthority;
  private readonly context: PushRulesContext;
  private readonly options: PushRulesOptions;
  /** By old and new id. */
  private readonly histories = new Map<string, boolean>();
  private last: { readonly id: string; readonly refs: ReadonlyMap<string, string> } | undefined;
  private later: { readonly digest: string | undefined; readonly held: readonly HeldState[] } | undefined;

  constructor(context: PushRulesContext, options: PushRulesOptions) {
    this.context = context;
    this.options = options;
    this.id = options.id;
    this.authority = options.authority;
  }

  /**
   * The signed states that waited when the push started; for another published state, those that wait now.
   * @throws CairnError `unavailable` if the store does not answer
   */
  async heldIn(published: PublishedGitState | undefined): Promise<readonly HeldState[]> {
    const digest = published?.digest;
    if (this.authority.kind !== 'signed-state') return [];
    if (digest === this.options.published?.digest) return this.options.held;
    if (this.later === undefined || this.later.digest !== digest) {
      this.later = { digest, held: await this.context.heldStates.heldIn(this.id) };
    }
    return this.later.held;
  }

  /**
   * The branches and tags of the signed state that was carried out last. It is loaded only if the refs have changed since.
   * @throws CairnError `unavailable` if the store does not answer
   */
  async lastSet(state: GitState | undefined): Promise<ReadonlyMap<string, string>> {
    const applied = state?.appliedState;
    if (
      this.authority.kind !== 'signed-state' ||
      state === undefined ||
      applied === null ||
      applied === undefined
    )
      return NONE;
    const unchanged = refsIfUnchanged(state.refs, applied.refs);
    if (unchanged !== undefined) return unchanged;
    if (this.last?.id !== applied.id) {
      this.last = { id: applied.id, refs: await this.context.heldStates.refsOf(this.id, applied) };
    }
    return this.last.refs;
  }

  readonly pullRequestTip = (eventId: string): string | null | undefined =>
    this.context.heldStates.pullRequestTip(eventId);

  /** The terms that apply if a stranger pushes. @param brings size of its pack, once it was taken in */
  strangers(brings: Amount | undefined): StrangerTerms {
    const now = Math.floor(this.context.clock.now() / 1000);
    return { limits: this.context.strangers, now, brings };
  }

  /**
   * Whether an update of a ref is a fast-forward.
   * @throws CairnError `unavailable` if git fails
   */
  async keepsHistory(command: ReceivedCommand): Promise<boolean> {
    const name = `${command.oldId} ${command.newId}`;
    let known = this.histories.get(name);
    if (known === undefined) {
      known = await keepsHistory(this.context.git, await this.options.paths(), command);
      this.histories.set(name, known);
    }
    return known;
  }

  /** Whether the receipt of a signed state has to be dated before it. */
  onlyWitnesses(policy: Policy): boolean {
    return !this.context.receiptsAreAuthoritative(this.id, policy);
  }
}

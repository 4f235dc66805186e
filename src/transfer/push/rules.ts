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

/** Whose word is asked about pushes. */
export interface PushRulesContext {
  readonly git: Git;
  readonly heldStates: HeldStateBook;
  readonly clock: Clock;
  /** What people without a right of their own may push; undefined: nothing. */
  readonly strangers: StrangerLimits | undefined;
  /**
   * True when the key that signs the receipts of a repository is one of those that may write to it: its receipts then
   * count as orders do, and need not stand behind them.
   */
  readonly receiptsAreAuthoritative: (id: RepositoryId, policy: Policy) => boolean;
}

export interface PushRulesOptions {
  readonly id: RepositoryId;
  readonly authority: PushAuthority;
  /** The orders that waited when the push began, and the state it began with. */
  readonly held: readonly HeldState[];
  readonly published: PublishedGitState | undefined;
  /** Where git finds the objects of the push and those of a state it met. */
  readonly paths: () => Promise<QuarantinePaths>;
}

const NONE: ReadonlyMap<string, string> = new Map();

/** The right of one push, and what has to be found out to measure the push by it. Asks once for what does not change. */
export class PushRules {
  readonly id: RepositoryId;
  readonly authority: PushAuthority;
  private readonly context: PushRulesContext;
  private readonly options: PushRulesOptions;
  /** By old and new id. */
  private readonly histories = new Map<string, boolean>();
  private last: { readonly order: string; readonly refs: ReadonlyMap<string, string> } | undefined;
  private later: { readonly digest: string | undefined; readonly held: readonly HeldState[] } | undefined;

  constructor(context: PushRulesContext, options: PushRulesOptions) {
    this.context = context;
    this.options = options;
    this.id = options.id;
    this.authority = options.authority;
  }

  /**
   * The orders that waited when the push began, or those that wait now that it meets another state.
   * @throws CairnError `unavailable` when the store does not answer
   */
  async heldIn(published: PublishedGitState | undefined): Promise<readonly HeldState[]> {
    const digest = published?.digest;
    if (this.authority.kind !== 'order') return [];
    if (digest === this.options.published?.digest) return this.options.held;
    if (this.later === undefined || this.later.digest !== digest) {
      this.later = { digest, held: await this.context.heldStates.heldIn(this.id) };
    }
    return this.later.held;
  }

  /**
   * The branches and tags that the order carried out last has set; asked for only when they may be others than there are.
   * @throws CairnError `unavailable` when the store does not answer
   */
  async lastSet(state: GitState | undefined): Promise<ReadonlyMap<string, string>> {
    const order = state?.order;
    if (this.authority.kind !== 'order' || state === undefined || order === null || order === undefined)
      return NONE;
    const unchanged = refsIfUnchanged(state.refs, order.refs);
    if (unchanged !== undefined) return unchanged;
    if (this.last?.order !== order.id) {
      this.last = { order: order.id, refs: await this.context.heldStates.refsOf(this.id, order) };
    }
    return this.last.refs;
  }

  readonly pullRequestTip = (eventId: string): string | null | undefined =>
    this.context.heldStates.pullRequestTip(eventId);

  /** What the push is measured by if it is a stranger's. @param brings what its pack takes, once it has been taken in */
  strangers(brings: Amount | undefined): StrangerTerms {
    const now = Math.floor(this.context.clock.now() / 1000);
    return { limits: this.context.strangers, now, brings };
  }

  /**
   * Whether an update of a ref keeps the history there was.
   * @throws CairnError `unavailable` when git cannot say
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

  /** Whether the receipt of an order has to stand behind it. */
  onlyWitnesses(policy: Policy): boolean {
    return !this.context.receiptsAreAuthoritative(this.id, policy);
  }
}

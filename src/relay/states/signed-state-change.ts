import {
  branchesAndTags,
  changedRefs,
  isBranch,
  longPartProblem,
  type ObjectDescription,
  refsPointingAt,
} from '../../git/index.ts';
import type { QuarantinePaths } from '../../git-process/commands.ts';
import type { Git } from '../../git-process/git.ts';
import { findDisconnected, inspectObjects, isFastForward } from '../../git-process/inspect-objects.ts';
import type { Digest } from '../../lib/digest.ts';
import { refMapDigest, type SignedState } from '../../nostr/signed-state.ts';
import { mirroredRefProblem } from '../../policy/mirrored-refs.ts';
import { protectionProblem, type UpdateKind } from '../../policy/protection.ts';
import { type WriterRole, writerRole } from '../../policy/push-access.ts';
import { isFromBefore, isNewerState, whyOutdated } from '../../policy/state-precedence.ts';
import {
  decideState,
  headAfterState,
  historyQuestions,
  planState,
  type StatedRefChange as RefChange,
  refsIfUnchanged,
  type StatePlan,
} from '../../policy/state-rules.ts';
import type { Change, Evaluation } from '../../repository/change.ts';
import type {
  AppliedState,
  GitManifest,
  GitState,
  PackEntry,
  PublishedGitState,
} from '../../repository/git/git-manifest.ts';
import type { GitRepository } from '../../repository/git/git-repository.ts';
import { asPushed } from '../../repository/git/unreachable.ts';
import type { Policy } from '../../repository/manifest.ts';

type Refs = ReadonlyMap<string, string>;

/** How many branches of one signed state git checks for fast-forwards. */
const MAX_HISTORIES = 100;
export const NO_OBJECTS = 'waiting for a push that brings its objects';
/** A signed state is decided even when its sender has disconnected. */
const NEVER = new AbortController().signal;

/** What happened to a signed state in one repository. */
export type SignedStateOutcome =
  | { readonly is: 'applied' }
  /** It was applied before, and is still the one applied last. */
  | { readonly is: 'applied-already' }
  /** A newer one has been applied or is held. */
  | { readonly is: 'outdated'; readonly reason: string }
  /** It is held: objects are missing, or it would undo a push. */
  | { readonly is: 'held'; readonly reason: string }
  | { readonly is: 'refused'; readonly reason: string }
  /** Its author may not write here, or the repository does not exist any more. */
  | { readonly is: 'not-a-writer' };

export interface SignedStateChangeOptions {
  readonly repository: GitRepository;
  readonly git: Git;
  readonly signedState: SignedState;
  /** Reads the branches and tags that a signed state set, which a manifest names. */
  readonly refsOf: (applied: AppliedState) => Promise<Refs>;
  /** True when the repository's own key may write: then its receipts need not be dated before signed states. */
  readonly receiptsAreAuthoritative: (policy: Policy) => boolean;
  /** See `Change.since`. */
  readonly since: number;
  /** Another repository in which the state has been applied; it supplies objects that are missing here. */
  readonly source?: SignedStateSource;
}

export interface SignedStateSource {
  /** Object directory of a snapshot of the other repository. */
  readonly objects: string;
  /** The packs of the other repository, with the names they get when they are stored in this one. */
  readonly packs: readonly PackEntry[];
}

/**
 * A signed state as a change of refs. It is decided anew on every published state: who may write now, what was applied last,
 * what pushes have done since, and which objects are here.
 */
export class SignedStateChange implements Change<GitManifest, SignedStateOutcome> {
  readonly since: number;
  /** Its objects are looked for in exactly the published state, so it shares no publish with other changes. */
  readonly alone = true;
  private readonly options: SignedStateChangeOptions;
  private decided:
    | { readonly on: Digest; readonly evaluation: Evaluation<GitManifest, SignedStateOutcome> }
    | undefined;

  constructor(options: SignedStateChangeOptions) {
    this.options = options;
    this.since = options.since;
  }

  async evaluate(
    current: GitState | undefined,
    published: PublishedGitState | undefined,
  ): Promise<Evaluation<GitManifest, SignedStateOutcome>> {
    if (current === undefined || published === undefined || current.lifecycle === 'withdrawn') {
      return { result: { is: 'not-a-writer' } };
    }
    // It is published alone, so the current state is always the published one. Git is asked once per state.
    if (this.decided?.on !== published.digest) {
      this.decided = { on: published.digest, evaluation: await this.evaluateOn(current, published) };
    }
    return this.decided.evaluation;
  }

  private async evaluateOn(
    state: GitState,
    published: PublishedGitState,
  ): Promise<Evaluation<GitManifest, SignedStateOutcome>> {
    const { signedState, repository } = this.options;
    const role = writerRole(signedState.author, { owner: repository.id.owner, ...state.policy });
    if (role === undefined) return { result: { is: 'not-a-writer' } };
    if (state.appliedState?.id === signedState.id) return { result: { is: 'applied-already' } };
    if (state.appliedState !== null && !isNewerState(signedState, state.appliedState)) {
      return { result: { is: 'outdated', reason: whyOutdated(signedState, state.appliedState) } };
    }
    if (isFromBefore(signedState, state.withdrawal)) {
      return refuse('the repository was withdrawn after this was signed: sign a new state');
    }
    if (signedState.objectFormat !== undefined && signedState.objectFormat !== state.objectFormat) {
      return refuse(`the repository has ${state.objectFormat} object ids, the state has others`);
    }
    const plan = planState(branchesAndTags(state.refs), await this.lastSet(state), signedState.refs);
    const problem =
      mirrorProblem(plan.changes, state, signedState.head) ??
      ruleProblem(plan.changes, likelyKinds(plan.changes), state.policy, role);
    if (problem !== undefined) return refuse(problem);
    if (plan.conflicts.length > 0) return this.decide(plan, likelyKinds(plan.changes), state);
    return this.withObjects(plan, state, published, role);
  }

  /** Decides what depends on objects. */
  private async withObjects(
    plan: StatePlan,
    state: GitState,
    published: PublishedGitState,
    role: WriterRole,
  ): Promise<Evaluation<GitManifest, SignedStateOutcome>> {
    const { repository, source } = this.options;
    const kinds = likelyKinds(plan.changes);
    if (plan.changes.every(({ to }) => to === undefined)) return this.decide(plan, kinds, state);
    if (state.packs.length === 0 && source === undefined) return hold(NO_OBJECTS);
    const asking = historyQuestions(plan, state.policy.protection);
    if (asking.length > MAX_HISTORIES) {
      return refuse(`it moves more than ${MAX_HISTORIES} branches that may only be fast-forwarded`);
    }
    const snapshot = await repository.snapshot(published);
    try {
      const paths = { gitDir: snapshot.path, objects: source?.objects ?? `${snapshot.path}/objects` };
      const facts = await this.findObjects(paths, plan.changes, state);
      if (facts === undefined) return hold(NO_OBJECTS);
      const wrongType = typeProblem(plan.changes, facts);
      if (wrongType !== undefined) return refuse(wrongType);
      for (const { name, from, to } of asking) {
        const kept = await isFastForward(this.options.git, paths, from, to, NEVER);
        kinds.set(name, kept ? 'fast-forward' : 'force');
      }
      const problem = ruleProblem(plan.changes, kinds, state.policy, role);
      return problem === undefined ? this.decide(plan, kinds, state, facts) : refuse(problem);
    } finally {
      snapshot.release();
    }
  }

  private decide(
    plan: StatePlan,
    kinds: ReadonlyMap<string, UpdateKind>,
    state: GitState,
    facts: ReadonlyMap<string, ObjectDescription> = new Map(),
  ): Evaluation<GitManifest, SignedStateOutcome> {
    const kept = [...kinds].flatMap(([name, kind]) => (kind === 'fast-forward' ? name : []));
    const decision = decideState(plan, new Set(kept));
    return decision.apply ? this.apply(state, decision.changes, facts) : hold(decision.reason);
  }

  /** The branches and tags that the last applied signed state set. */
  private async lastSet({ refs, appliedState }: GitState): Promise<Refs> {
    if (appliedState === null) return new Map();
    return refsIfUnchanged(refs, appliedState.refs) ?? (await this.options.refsOf(appliedState));
  }

  /** Describes the objects that refs are to point at; undefined when an object is missing. */
  private async findObjects(
    paths: QuarantinePaths,
    changes: readonly RefChange[],
    state: GitState,
  ): Promise<Map<string, ObjectDescription> | undefined> {
    const tips = [...new Set(changes.flatMap(({ to }) => to ?? []))];
    const { git } = this.options;
    const facts = await inspectObjects(git, paths, tips, NEVER);
    if (facts.size < tips.length) return undefined;
    const published = new Set([...refsPointingAt(state, new Set(tips))].map(({ oid }) => oid));
    const unchecked = tips.filter((oid) => !published.has(oid));
    return (await findDisconnected(git, paths, unchecked, NEVER)).size > 0 ? undefined : facts;
  }

  private apply(
    state: GitState,
    changes: readonly RefChange[],
    facts: ReadonlyMap<string, ObjectDescription>,
  ): Evaluation<GitManifest, SignedStateOutcome> {
    const { signedState, source } = this.options;
    const named = new Set(state.packs.map(({ pack }) => pack.digest));
    // The objects of a new tip may be in a pack of unreachable objects: it becomes an ordinary pack again.
    const tips = new Set(changes.flatMap(({ to }) => to ?? []));
    for (const { oid } of refsPointingAt(state, new Set(tips))) tips.delete(oid);
    const before = tips.size === 0 ? state.packs : asPushed(state.packs);
    const brought = (source?.packs ?? []).filter(({ pack }) => !named.has(pack.digest));
    const { refs, peeled } = changedRefs(
      state,
      changes.map(({ name, to }) => ({
        name,
        oid: to,
        peeled: to === undefined ? undefined : facts.get(to)?.peeled,
      })),
    );
    const { id, author, at } = signedState;
    return {
      next: {
        ...state,
        // A signed state without refs brings no data, so the repository stays held.
        lifecycle: signedState.refs.size > 0 ? 'live' : state.lifecycle,
        head: headAfterState(signedState.head, state.head, refs),
        refs,
        peeled,
        packs: brought.length === 0 ? before : [...before, ...brought],
        appliedState: { id, author, at, refs: refMapDigest(signedState.refs) },
      },
      cause: { kind: 'order', actor: author, evidence: id, refs: changes.map(({ name }) => name) },
      ...(this.options.receiptsAreAuthoritative(state.policy) ? {} : { receiptBefore: at }),
      result: { is: 'applied' },
    };
  }
}

/** The kind of each change. Updates of branches count as fast-forwards until git has been asked. */
function likelyKinds(changes: readonly RefChange[]): Map<string, UpdateKind> {
  return new Map(
    changes.map(({ name, from, to }): [string, UpdateKind] => {
      if (from === undefined) return [name, 'create'];
      if (to === undefined) return [name, 'delete'];
      return [name, isBranch(name) ? 'fast-forward' : 'force'];
    }),
  );
}

function typeProblem(
  changes: readonly RefChange[],
  facts: ReadonlyMap<string, ObjectDescription>,
): string | undefined {
  for (const { name, to } of changes) {
    const type = to === undefined ? undefined : facts.get(to)?.type;
    if (isBranch(name) && type !== undefined && type !== 'commit') {
      return `${name}: a branch must point at a commit, this is a ${type}`;
    }
  }
  return undefined;
}

/** Why a signed state may not make these changes in a repository that follows another one. */
function mirrorProblem(
  changes: readonly RefChange[],
  { mirrors, head, refs }: Pick<GitState, 'mirrors' | 'head' | 'refs'>,
  wantedHead: string | undefined,
): string | undefined {
  // Where refs change, the first of them is refused.
  if (headAfterState(wantedHead, head, refs) !== head) {
    const problem = mirroredRefProblem(mirrors, 'HEAD');
    if (problem !== undefined) return problem;
  }
  for (const { name } of changes) {
    const problem = mirroredRefProblem(mirrors, name);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Why the repository's rules refuse a signed state: it is applied whole or not at all. */
function ruleProblem(
  changes: readonly RefChange[],
  kinds: ReadonlyMap<string, UpdateKind>,
  policy: Policy,
  role: WriterRole,
): string | undefined {
  for (const { name, from } of changes) {
    const kind = kinds.get(name);
    const problem =
      (from === undefined ? longPartProblem(name) : undefined) ??
      (kind === undefined ? undefined : protectionProblem(policy.protection, role, name, kind));
    if (problem !== undefined) return `${name}: ${problem}`;
  }
  return undefined;
}

function hold(reason: string): Evaluation<GitManifest, SignedStateOutcome> {
  return { result: { is: 'held', reason } };
}

function refuse(reason: string): Evaluation<GitManifest, SignedStateOutcome> {
  return { result: { is: 'refused', reason } };
}

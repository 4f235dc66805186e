import type { ObjectDescription, ReceivedCommand } from '../../git/index.ts';
import { changingRefs, commandKind } from '../../git/index.ts';
import type { TipsInspection } from '../../git-process/inspect-tips.ts';
import { cooperate, filtered, mapped } from '../../lib/cooperative.ts';
import { refMapDigest } from '../../nostr/signed-state.ts';
import { headAfter } from '../../policy/default-branch.ts';
import type { RefProblem } from '../../policy/refusal.ts';
import type { HeldState } from '../../policy/state-match.ts';
import { headAfterState } from '../../policy/state-rules.ts';
import type { ArtifactCache } from '../../repository/cache/artifact-cache.ts';
import type { Change, Evaluation } from '../../repository/change.ts';
import type {
  Amount,
  AppliedState,
  GitManifest,
  GitState,
  PackEntry,
  PublishedGitState,
} from '../../repository/git/git-manifest.ts';
import { packsPointedInto, withPack } from '../../repository/git/unreachable.ts';
import type { Connectivity } from '../../repository/intake/connectivity/connectivity.ts';
import { StandingProof } from '../../repository/intake/connectivity/standing-proof.ts';
import {
  asksForHistory,
  changes,
  decidePush,
  type PushDecision,
  type PushedCommand,
  type PushResult,
  type UndecidedPush,
} from './decide.ts';
import { strangersAfter, strangersWithout } from './pull-request-rules.ts';
import type { PushRules } from './rules.ts';

/** Maximum number of refs in one push whose history has to be checked: each check runs git. */
const MAX_HISTORIES = 100;

export interface PushChangeOptions {
  readonly commands: readonly ReceivedCommand[];
  readonly atomic: boolean;
  readonly rules: Pick<PushRules, keyof PushRules>;
  readonly objects: ReadonlyMap<string, ObjectDescription>;
  /** New tips with incomplete histories over the initial state, and the reason to report for them. */
  readonly disconnected: { readonly tips: ReadonlySet<string>; readonly problem: RefProblem };
  /** The entry of the pack in a manifest; undefined if the push brought no objects. */
  readonly pack: PackEntry | undefined;
  readonly proof: Connectivity;
  /** The cache through which packs of unreachable objects are read; without it they are not checked. */
  readonly cache?: Pick<ArtifactCache, 'take'>;
  /** Commits in the pack of the push. */
  readonly commits?: ReadonlySet<string> | undefined;
  /** See `Change.since`. */
  readonly since: number;
  /** The published state when the pack was taken in, or the empty state if there is no repository. */
  readonly initial: GitState;
  /** Checks connectivity again over another published state. */
  readonly proveAgain: (
    published: PublishedGitState | undefined,
    tips: readonly string[],
  ) => Promise<TipsInspection>;
}

/** The result of a push on one state. */
export interface PushOutcome {
  readonly result: PushResult;
  /** The signed state that it carries out. */
  readonly signedState?: HeldState;
}

/**
 * A push as a change of refs, decided anew on every state it meets. What its tips need is looked at again where
 * a {@link StandingProof} says so.
 */
export class PushChange implements Change<GitManifest, PushOutcome> {
  readonly since: number;
  private readonly options: PushChangeOptions;
  private readonly proof: StandingProof;

  constructor(options: PushChangeOptions) {
    this.options = options;
    this.since = options.since;
    this.proof = new StandingProof({
      proof: options.proof,
      disconnected: options.disconnected.tips,
      objects: options.objects,
      tips: () => this.newIds(),
      again: options.proveAgain,
    });
  }

  async evaluate(
    current: GitState | undefined,
    published: PublishedGitState | undefined,
  ): Promise<Evaluation<GitManifest, PushOutcome>> {
    const { initial, rules, atomic } = this.options;
    await this.proof.standOn(published);
    const objects = this.proof.objects;
    const provable = this.options.commands.map((command) => this.withProofProblem(command, current));
    const held = await rules.heldIn(published);
    const lastSet = await rules.lastSet(current);
    const { commands, forced } = await this.withHistories(provable, current, { held, lastSet });
    const { id, authority, pullRequestTip } = rules;
    const strangers = rules.strangers(this.brings(current));
    const facts = { objects, forced, held, lastSet, pullRequestTip, strangers };
    const decision = await cooperate(
      decidePush({ id, authority, commands, atomic, ...facts }, current, initial),
    );
    const { result, signedState } = decision;
    const outcome = signedState === undefined ? { result } : { result, signedState };
    const state = current ?? initial;
    const allowed = commands.filter((_command, at) => result[at] === undefined);
    const accepted = await cooperate(filtered(allowed, (command) => changes(command, state.refs)));
    if (accepted.length === 0) return { result: outcome };
    const witness = signedState !== undefined && rules.onlyWitnesses(state.policy);
    return {
      next: await this.apply(accepted, state, decision),
      cause: { ...decision.evidence, refs: accepted.map((command) => command.name) },
      ...(witness ? { receiptBefore: signedState.at } : {}),
      result: outcome,
    };
  }

  /** Finds out which updates lose history, if that matters. */
  private async withHistories(
    commands: readonly PushedCommand[],
    current: GitState | undefined,
    states: Pick<UndecidedPush, 'held' | 'lastSet'>,
  ): Promise<{ readonly commands: readonly PushedCommand[]; readonly forced: ReadonlySet<string> }> {
    const forced = new Set<string>();
    if (current === undefined || this.options.rules.authority.kind === 'anyone') return { commands, forced };
    if (current.policy.protection.length === 0 && states.held.length === 0) return { commands, forced };
    const asks = (command: PushedCommand) =>
      asksForHistory(command, current, states) && command.oldId === current.refs.get(command.name);
    const asking = await cooperate(filtered(commands, asks));
    for (const command of asking.slice(0, MAX_HISTORIES)) {
      // The workspace may lack commits that another push brought after this one had started.
      const known = this.options.initial.refs.get(command.name) === command.oldId;
      if (!known || !(await this.options.rules.keepsHistory(command))) forced.add(command.name);
    }
    const tooMany = new Set(asking.slice(MAX_HISTORIES));
    const reason = `one push may move at most ${MAX_HISTORIES} branches that may only be fast-forwarded`;
    const refused: RefProblem = { class: 'protected', reason };
    return {
      commands: commands.map((command) => (tooMany.has(command) ? { ...command, refused } : command)),
      forced,
    };
  }

  /** What the commands name, but for those that are refused already. */
  private newIds(): readonly string[] {
    const tips = this.options.commands.filter(
      (command) => command.problem === undefined && commandKind(command) !== 'delete',
    );
    return [...new Set(tips.map((command) => command.newId))];
  }

  private withProofProblem(command: ReceivedCommand, current: GitState | undefined): PushedCommand {
    if (command.problem !== undefined) return command;
    const { incarnation } = this.proof;
    const others = current?.generation !== this.options.initial.generation;
    if (others || (incarnation !== undefined && incarnation !== current?.incarnation)) {
      return overtaken(command, 'the repository was announced anew meanwhile, fetch first');
    }
    if (current !== undefined && current.objectFormat !== this.options.initial.objectFormat) {
      return overtaken(
        command,
        `the repository was made with object format ${current.objectFormat} meanwhile`,
      );
    }
    if (!this.proof.disconnected.has(command.newId)) return command;
    const { tips, problem } = this.options.disconnected;
    if (tips.has(command.newId)) return { ...command, refused: problem };
    return overtaken(command, 'objects it builds on were removed meanwhile, fetch first');
  }

  /** The packs that are there, as they are named from now on. */
  private async packsBefore(
    accepted: readonly ReceivedCommand[],
    state: GitState,
  ): Promise<readonly PackEntry[]> {
    const { cache, commits, rules, pack } = this.options;
    if (cache === undefined) return state.packs;
    const others = tipsOf(accepted).filter((oid) => commits?.has(oid) !== true);
    return packsPointedInto(cache, rules.id, state, pack, others);
  }

  private async apply(
    accepted: readonly ReceivedCommand[],
    state: GitState,
    { evidence, signedState, byStranger }: PushDecision,
  ): Promise<GitState> {
    const changes = mapped(accepted, (command) => {
      const { name, newId } = command;
      if (commandKind(command) === 'delete') return { name, oid: undefined };
      return { name, oid: newId, peeled: this.proof.objects.get(newId)?.peeled };
    });
    const { refs, peeled } = await cooperate(changingRefs(state, await cooperate(changes)));
    const { pack } = this.options;
    const bringsObjects = accepted.some((command) => commandKind(command) !== 'delete');
    const before = await this.packsBefore(accepted, state);
    // A push that strangers may do as well does not make a held repository live.
    const counts = evidence.actor !== null || this.options.rules.authority.kind === 'anyone';
    const arrived = state.lifecycle === 'held' && counts;
    return {
      ...state,
      ...(arrived ? { lifecycle: 'live' } : {}),
      ...(signedState === undefined ? {} : { appliedState: carriedOut(signedState) }),
      head:
        signedState === undefined
          ? headAfter(state.head, refs)
          : headAfterState(signedState.head, state.head, refs),
      refs,
      peeled,
      packs: bringsObjects ? withPack(before, pack, this.proof.linked) : before,
      ...this.strangers(accepted, state, byStranger === true, signedState !== undefined),
    };
  }

  /** The strangers' usage after the push. Objects of a signed state count for its signer, not for strangers. */
  private strangers(
    accepted: readonly ReceivedCommand[],
    state: GitState,
    byStranger: boolean,
    bySignedState: boolean,
  ): Pick<GitState, 'strangers'> {
    const { rules } = this.options;
    const { authority } = rules;
    const actor = authority.kind === 'signed-state' ? authority.caller?.actor : undefined;
    const terms = rules.strangers(bySignedState ? undefined : this.brings(state));
    const strangers = byStranger
      ? strangersAfter(state, accepted, terms, actor)
      : strangersWithout(state, accepted, terms);
    return strangers === undefined ? {} : { strangers };
  }

  /** What the pack adds to the packs of a state. */
  private brings(current: GitState | undefined): Amount {
    const { pack } = this.options;
    if (pack === undefined || current?.packs.some((entry) => entry.pack.digest === pack.pack.digest)) {
      return { bytes: 0, objects: 0 };
    }
    return { bytes: pack.pack.size + pack.idx.size, objects: pack.objects };
  }
}

/** Another change of the repository came first. */
function overtaken(command: ReceivedCommand, reason: string): PushedCommand {
  return { ...command, refused: { class: 'overtaken', reason } };
}

/** The new values of refs. */
function tipsOf(commands: readonly ReceivedCommand[]): string[] {
  return commands.filter((command) => commandKind(command) !== 'delete').map(({ newId }) => newId);
}

/** The record of a signed state in a manifest. */
function carriedOut({ id, author, at, refs }: HeldState): AppliedState {
  return { id, author, at, refs: refMapDigest(refs) };
}

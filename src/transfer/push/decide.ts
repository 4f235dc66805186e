/**
 * Decides each command of a push by its authority, by the rules of the repository, and by the current state. It is called
 * again for every state, because each has its own rules. It is pure.
 */
import {
  branchesAndTags,
  changingRefs,
  commandKind,
  isBranch,
  isBranchOrTag,
  isTag,
  type ObjectDescription,
  type ReceivedCommand,
} from '../../git/index.ts';
import { type Cooperative, filtered, mapped } from '../../lib/cooperative.ts';
import { mirroredRefProblem } from '../../policy/mirrored-refs.ts';
import { protectionProblem, type UpdateKind } from '../../policy/protection.ts';
import {
  type AccessFacts,
  isWriter,
  NOT_A_WRITER,
  type WriterRole,
  writerRole,
} from '../../policy/push-access.ts';
import {
  type CheckedCommand,
  decideRefUpdates,
  problemOf,
  type RefsAndHead,
} from '../../policy/ref-rules.ts';
import type { RefProblem, Refusal } from '../../policy/refusal.ts';
import { type HeldState, matchHeldState } from '../../policy/state-match.ts';
import { isFromBefore, isNewerState } from '../../policy/state-precedence.ts';
import { decideState, historyMatters, planState } from '../../policy/state-rules.ts';
import type { GitCause, GitState } from '../../repository/git/git-manifest.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';
import { accessFacts } from '../repository-access.ts';
import type { HeldStateBook, PushAuthority } from './authority.ts';
import { pullRequestProblems, type StrangerTerms, wrongTips } from './pull-request-rules.ts';

/** The result of a push, one entry per command: why it is refused, or undefined if it is accepted. */
export type PushResult = readonly (Refusal | undefined)[];

/** A received command, and its refusal if one was found since. */
export type PushedCommand = ReceivedCommand & CheckedCommand;

export interface UndecidedPush {
  readonly id: RepositoryId;
  readonly authority: PushAuthority;
  readonly commands: readonly PushedCommand[];
  readonly atomic: boolean;
  /** undefined if the objects were not inspected yet; rules about them are then checked later. */
  readonly objects: ReadonlyMap<string, ObjectDescription> | undefined;
  /** Names of refs whose update is known to lose history; see {@link asksForHistory}. */
  readonly forced: ReadonlySet<string>;
  /** The signed states that the repository holds. */
  readonly held: readonly HeldState[];
  /** The branches and tags that the signed state applied last has set. */
  readonly lastSet: ReadonlyMap<string, string>;
  readonly pullRequestTip: HeldStateBook['pullRequestTip'];
  /** The terms that apply if a stranger pushes. */
  readonly strangers: StrangerTerms;
}

/** The evidence for a push that a manifest records. */
export type Evidence = Pick<GitCause, 'kind' | 'actor' | 'evidence'>;

export interface PushDecision {
  readonly result: PushResult;
  readonly evidence: Evidence;
  /** The signed state that this push applies. */
  readonly signedState?: HeldState;
  /** True for a sender without write access: except for the signed state that it applies, it is limited like pushes of strangers. */
  readonly byStranger?: boolean;
}

/** The part of a state that commands are decided on. */
type RefsMet = RefsAndHead & Pick<GitState, 'mirrors'>;

const NOBODY: Evidence = { kind: 'push', actor: null, evidence: null };
const NOTHING: ReadonlyMap<string, RefProblem> = new Map();

/**
 * Decides a push.
 * @param state the current state; undefined if there is no repository
 * @param empty the state to create a repository from, if anyone may push
 */
export function* decidePush(
  push: UndecidedPush,
  state: GitState | undefined,
  empty: GitState,
): Cooperative<PushDecision> {
  const { id, authority } = push;
  if (authority.kind === 'anyone' && state?.lifecycle !== 'withdrawn') {
    return { result: yield* decide(push, state ?? empty, NOTHING), evidence: NOBODY };
  }
  const facts = accessFacts(id, state);
  if (state === undefined || facts === undefined) {
    return refuseAll(push, 'the repository is not there any more');
  }
  const caller =
    authority.kind === 'signed-state' ? authority.caller : authority.kind === 'key' ? authority : undefined;
  const writer = writerRole(caller?.actor, facts);
  if (authority.kind === 'signed-state') {
    const decision = yield* decideBySignedState(push, state, facts, writer !== undefined);
    if (writer === undefined) return { ...decision, byStranger: true };
    if (decision.signedState !== undefined) return decision;
  }
  if (caller === undefined || writer === undefined) {
    return refuseAll(push, NOT_A_WRITER);
  }
  const { actor, token } = caller;
  return {
    result: yield* decide(push, state, yield* protectedRefs(push, state, writer)),
    evidence: { kind: 'push', actor, evidence: token },
  };
}

/** True if a command changes the refs. A create or update to the current value, or a delete of a missing ref, does not. */
export function changes(command: ReceivedCommand, refs: ReadonlyMap<string, string>): boolean {
  const current = refs.get(command.name);
  return commandKind(command) === 'delete' ? current !== undefined : current !== command.newId;
}

/**
 * True if it matters whether this update loses history: for a protection rule, or because a signed state would change a branch
 * that a push has moved.
 */
export function asksForHistory(
  command: PushedCommand,
  state: GitState,
  states: Pick<UndecidedPush, 'held' | 'lastSet'>,
): boolean {
  const { name, newId } = command;
  if (problemOf(command) !== undefined || commandKind(command) !== 'update') return false;
  if (!changes(command, state.refs)) return false;
  const moved = isBranch(name) && states.lastSet.get(name) !== state.refs.get(name);
  const inQuestion = moved && states.held.some(({ refs }) => refs.get(name) === newId);
  return historyMatters(name, state.policy.protection, inQuestion);
}

/**
 * Decides by the waiting signed states. After the push, branches and tags must be exactly those of one of them. In addition,
 * anyone may push the tip of a pull request to `refs/nostr/<event id>`.
 */
function* decideBySignedState(
  push: UndecidedPush,
  state: GitState,
  facts: AccessFacts,
  sentByWriter: boolean,
): Cooperative<PushDecision> {
  const { commands, held } = push;
  const forbidden = yield* otherRefProblems(push, state, sentByWriter);
  // The signed state sets HEAD, so the branch that HEAD names may be deleted.
  const current: RefsMet = { ...state, head: '' };
  const own = yield* decide({ ...push, atomic: false }, current, NOTHING);
  const allowed = commands.filter((command, at) => own[at] === undefined && isBranchOrTag(command.name));
  const stated = yield* filtered(allowed, (command) => changes(command, state.refs));
  if (stated.length === 0) return { result: yield* decide(push, current, forbidden), evidence: NOBODY };
  const match = matchHeldState(
    branchesAndTags(yield* refsAfter(state, stated)),
    held.filter(
      (held) =>
        isWriter(held.author, facts) &&
        isNewerState(held, state.appliedState) &&
        !isFromBefore(held, state.withdrawal),
    ),
    push.authority.kind === 'signed-state' ? push.authority.caller?.actor : undefined,
  );
  const problem: RefProblem | undefined = match.ok
    ? yield* stateProblem(push, state, facts, stated, match.value)
    : { class: 'signed state', reason: match.reason };
  if (problem !== undefined)
    for (const { name } of commands.filter((command) => isBranchOrTag(command.name)))
      forbidden.set(name, problem);
  const result = yield* decide(push, current, forbidden);
  const needed = new Set(stated);
  const carriedOut = match.ok && commands.every((command, at) => !needed.has(command) || !result[at]);
  if (!carriedOut) return { result, evidence: NOBODY };
  const { author, id } = match.value;
  return { result, evidence: { kind: 'order', actor: author, evidence: id }, signedState: match.value };
}

/** Problems of commands for other refs than branches and tags. An authenticated writer may do what the rules allow writers. */
function* otherRefProblems(
  push: UndecidedPush,
  state: GitState,
  sentByWriter: boolean,
): Cooperative<Map<string, RefProblem>> {
  const caller = push.authority.kind === 'signed-state' ? push.authority.caller : undefined;
  if (!sentByWriter) return pullRequestProblems(push, state, caller?.actor);
  const role = caller?.actor === push.id.owner ? 'owner' : 'maintainer';
  const others = push.commands.filter((command) => !isBranchOrTag(command.name));
  return yield* protectedRefs({ ...push, commands: others }, state, role);
}

/**
 * Why a signed state may not be carried out: its signer may not make these changes, or it would undo a push. The second can be
 * the very reason why it waits, and the sender of the objects has no right to override it.
 */
function* stateProblem(
  push: UndecidedPush,
  state: GitState,
  facts: AccessFacts,
  stated: readonly PushedCommand[],
  held: HeldState,
): Cooperative<RefProblem | undefined> {
  const role = writerRole(held.author, facts) ?? 'maintainer';
  const [first] = yield* protectedRefs({ ...push, commands: stated }, state, role);
  if (first !== undefined) {
    const [name, problem] = first;
    return { ...problem, reason: `the signed state may not change ${name}: ${problem.reason}` };
  }
  const plan = planState(branchesAndTags(state.refs), push.lastSet, held.refs);
  const kept = plan.questions.map(({ name }) => name).filter((name) => !push.forced.has(name));
  const decision = decideState(plan, new Set(kept));
  return decision.apply ? undefined : { class: 'signed state', reason: decision.reason };
}

/** Violations of the rules of the repository, by name of the ref. */
function* protectedRefs(
  push: UndecidedPush,
  state: GitState,
  role: WriterRole,
): Cooperative<Map<string, RefProblem>> {
  const problems = wrongTips(push);
  if (state.policy.protection.length === 0) return problems;
  for (const command of push.commands) {
    yield;
    if (!changes(command, state.refs)) continue;
    const kind = updateKind(command, push.forced);
    const reason = protectionProblem(state.policy.protection, role, command.name, kind);
    if (reason !== undefined) problems.set(command.name, { class: 'protected', reason });
  }
  return problems;
}

function updateKind(command: ReceivedCommand, forced: ReadonlySet<string>): UpdateKind {
  const kind = commandKind(command);
  if (kind !== 'update') return kind;
  return isTag(command.name) || forced.has(command.name) ? 'force' : 'fast-forward';
}

function* refsAfter(
  state: GitState,
  commands: readonly ReceivedCommand[],
): Cooperative<ReadonlyMap<string, string>> {
  const changed = yield* mapped(commands, (command) => ({
    name: command.name,
    oid: commandKind(command) === 'delete' ? undefined : command.newId,
  }));
  return (yield* changingRefs(state, changed)).refs;
}

function* decide(
  { commands, atomic, objects }: UndecidedPush,
  current: RefsMet,
  rules: ReadonlyMap<string, RefProblem>,
): Cooperative<PushResult> {
  const forbidden = yield* mirroredRefs(commands, current, rules);
  return yield* decideRefUpdates({ commands, atomic, objects, forbidden }, current);
}

/** Adds the refs that only a mirror may change. */
function* mirroredRefs(
  commands: readonly ReceivedCommand[],
  { refs, mirrors }: RefsMet,
  rules: ReadonlyMap<string, RefProblem>,
): Cooperative<ReadonlyMap<string, RefProblem>> {
  if (mirrors === undefined) return rules;
  const forbidden = new Map(rules);
  for (const command of commands) {
    yield;
    const reason = changes(command, refs) ? mirroredRefProblem(mirrors, command.name) : undefined;
    if (reason !== undefined) forbidden.set(command.name, { class: 'protected', reason });
  }
  return forbidden;
}

/** Refuses all commands. Another state may have other rules, so these are refusals by the state. */
function refuseAll({ commands }: UndecidedPush, reason: string): PushDecision {
  const result = commands.map((command): Refusal => {
    const problem = problemOf(command);
    if (problem !== undefined) return { ...problem, byState: false };
    return { class: 'identity', reason, byState: true };
  });
  return { result, evidence: NOBODY };
}

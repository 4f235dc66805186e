/**
 * What happens to each ref that a push names, by the published state and the new objects. Pure: facts in, decisions with a
 * reason out.
 */
import {
  changingRefNames,
  commandKind,
  directoryFileConflict,
  isBranch,
  longPartProblem,
  type ObjectDescription,
  type RefCommand,
  refsStartingWith,
} from '../git/index.ts';
import { type Cooperative, filtered, mapped } from '../lib/cooperative.ts';
import type { RefProblem, Refusal, RefusalClass } from './refusal.ts';

/** The state a push meets. */
export interface RefsAndHead {
  readonly refs: ReadonlyMap<string, string>;
  readonly head: string;
}

/** A command, and its refusal if one was found before the rules of the state are applied. */
export interface CheckedCommand extends RefCommand {
  /** The fault in the command itself. */
  readonly problem?: string;
  readonly refused?: RefProblem;
}

export interface PushFacts {
  readonly commands: readonly CheckedCommand[];
  readonly atomic: boolean;
  /** undefined while the objects have not been looked at; rules about objects are then left for later. */
  readonly objects: ReadonlyMap<string, ObjectDescription> | undefined;
  /** Why the repository's current rules forbid a change of a ref, by its name. */
  readonly forbidden?: ReadonlyMap<string, RefProblem>;
}

/**
 * Decides every command of a push.
 * @returns one entry per command, in order: the refusal, or undefined when the command is allowed
 */
export function* decideRefUpdates(push: PushFacts, state: RefsAndHead): Cooperative<(Refusal | undefined)[]> {
  const decisions = yield* mapped(push.commands, (command) => {
    const problem = problemOf(command);
    if (problem !== undefined) return { ...problem, byState: false };
    return (
      longPart(command, state) ??
      staleness(command, state) ??
      typeProblem(command, push.objects) ??
      forbidding(command, push.forbidden)
    );
  });
  refuseDeletingHead(push, state, decisions);
  yield* refuseConflictingNames(push, state, decisions);
  if (!push.atomic) return decisions;
  const cause = decisions.find((decision) => decision !== undefined);
  if (cause === undefined) return decisions;
  return decisions.map((decision) => decision ?? refuse('name', 'atomic push failure', cause.byState));
}

/** A refusal that was found before. */
export function problemOf({ refused, problem }: CheckedCommand): RefProblem | undefined {
  return refused ?? (problem === undefined ? undefined : { class: 'name', reason: problem });
}

function longPart(command: RefCommand, state: RefsAndHead): Refusal | undefined {
  if (commandKind(command) === 'delete' || state.refs.has(command.name)) return undefined;
  const problem = longPartProblem(command.name);
  return problem === undefined ? undefined : refuse('name', problem);
}

/** A command whose result is already published is allowed: the sender may repeat a push whose answer was lost. */
function staleness(command: RefCommand, state: RefsAndHead): Refusal | undefined {
  const current = state.refs.get(command.name);
  const kind = commandKind(command);
  if (kind === 'delete' ? current === undefined : current === command.newId) return undefined;
  if (current === undefined)
    return kind === 'create' ? undefined : refuse('overtaken', 'it was deleted meanwhile, fetch first', true);
  if (kind === 'create') return refuse('overtaken', 'it exists already, fetch first', true);
  if (current === command.oldId) return undefined;
  return refuse('overtaken', 'it was updated meanwhile, fetch first', true);
}

function typeProblem(command: RefCommand, objects: PushFacts['objects']): Refusal | undefined {
  if (objects === undefined || commandKind(command) === 'delete') return undefined;
  const facts = objects.get(command.newId);
  if (facts === undefined) return refuse('object', 'missing necessary objects');
  if (isBranch(command.name) && facts.type !== 'commit') {
    return refuse('object', `a branch must point at a commit, this is a ${facts.type}`);
  }
  return undefined;
}

function forbidding(command: RefCommand, forbidden: PushFacts['forbidden']): Refusal | undefined {
  const problem = forbidden?.get(command.name);
  return problem === undefined ? undefined : { ...problem, byState: true };
}

/** HEAD's branch may be deleted only as the last one: a repository with branches keeps a default branch. */
function refuseDeletingHead(push: PushFacts, state: RefsAndHead, decisions: (Refusal | undefined)[]): void {
  const at = push.commands.findIndex(
    (command) => command.name === state.head && commandKind(command) === 'delete',
  );
  if (at === -1 || decisions[at] !== undefined || !state.refs.has(state.head)) return;
  const deleted = new Set<string>();
  let staying = false;
  for (const [index, command] of push.commands.entries()) {
    if (decisions[index] !== undefined || !isBranch(command.name)) continue;
    if (commandKind(command) === 'delete') deleted.add(command.name);
    else staying = true;
  }
  // Ends at the first branch that stays, so it looks at no more branches than the push names.
  for (const [name] of refsStartingWith(state.refs, 'refs/heads/')) {
    if (staying) break;
    staying = !deleted.has(name);
  }
  if (!staying) return;
  decisions[at] = refuse('name', 'it is the default branch: point HEAD at another branch first', true);
}

/** Deletes are applied before creates are checked, in whatever sequence the client sent them. */
function* refuseConflictingNames(
  push: PushFacts,
  state: RefsAndHead,
  decisions: (Refusal | undefined)[],
): Cooperative<void> {
  const creates = yield* filtered(
    push.commands.entries(),
    ([at, command]) =>
      decisions[at] === undefined && commandKind(command) !== 'delete' && !state.refs.has(command.name),
  );
  if (creates.length === 0) return;
  const names = changingRefNames(state.refs);
  for (const [at, command] of push.commands.entries()) {
    if (decisions[at] === undefined && commandKind(command) === 'delete') names.delete(command.name);
  }
  for (const [at, command] of creates) {
    const other = directoryFileConflict(command.name, names);
    if (other === undefined) names.add(command.name);
    else decisions[at] = refuse('name', `it cannot exist beside ${other}`, true);
    yield;
  }
}

function refuse(of: RefusalClass, reason: string, byState = false): Refusal {
  return { class: of, reason, byState };
}

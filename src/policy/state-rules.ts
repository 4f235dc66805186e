/**
 * What a signed state may do to the current refs. A signed state lists all refs as its author knew them, and does not say
 * what it was built on. Taken literally, one from a stale clone would undo every push that its author had not seen. So three
 * states are compared: the last applied one, the current refs, and the new one.
 */
import {
  branchesAndTags,
  directoryFileConflict,
  isBranch,
  isTag,
  mergedRefNames,
  RefNameIndex,
  tableOf,
} from '../git/index.ts';
import { refMapDigest } from '../nostr/signed-state.ts';
import { headAfter } from './default-branch.ts';
import { type ProtectionEntry, protectionOf } from './protection.ts';

type Refs = ReadonlyMap<string, string>;

/** A ref that a signed state changes. */
export interface StatedRefChange {
  readonly name: string;
  /** The object id now; undefined when the ref is not there. */
  readonly from: string | undefined;
  /** The object id wanted; undefined when the ref is to be deleted. */
  readonly to: string | undefined;
}

/** A question that only git can answer: does `to` descend from `from`? */
export interface FastForwardQuestion {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

export interface StatePlan {
  /** Every ref that would change, in byte order. */
  readonly changes: readonly StatedRefChange[];
  /** The changes that are allowed only if they are fast-forwards. */
  readonly questions: readonly FastForwardQuestion[];
  /** The changes that would undo a push; if there is one, the whole state is held. */
  readonly conflicts: readonly { readonly name: string; readonly reason: string }[];
}

/**
 * Compares three states of branches and tags. A ref that still is as the last applied state set it, or left it absent, may
 * become anything. A ref that a push has created, moved or deleted since may only stay, or be fast-forwarded if it is a
 * branch.
 *
 * @param current the branches and tags there are
 * @param lastSet the branches and tags that the last applied state set; empty if there is none
 * @param wanted the branches and tags that the new state sets
 */
export function planState(current: Refs, lastSet: Refs, wanted: Refs): StatePlan {
  const changes: StatedRefChange[] = [];
  const questions: FastForwardQuestion[] = [];
  const conflicts: { name: string; reason: string }[] = [];
  for (const name of mergedRefNames(current, wanted)) {
    const [from, to] = [current.get(name), wanted.get(name)];
    if (from === to) continue;
    changes.push({ name, from, to });
    if (from === lastSet.get(name)) continue;
    if (from === undefined) conflicts.push({ name, reason: 'a push deleted it' });
    else if (to === undefined)
      conflicts.push({ name, reason: 'a push changed it, and the state leaves it out' });
    else if (isBranch(name)) questions.push({ name, from, to });
    else conflicts.push({ name, reason: 'a push changed it' });
  }
  return { changes, questions, conflicts };
}

/**
 * The branches and tags as the last applied signed state set them, if they are still the same. Otherwise undefined: they
 * have to be read from the event of that state.
 * @param refs all refs there are now
 * @param lastSet digest of the branches and tags that the last applied signed state set
 */
export function refsIfUnchanged(refs: Refs, lastSet: string): Refs | undefined {
  // A very large ref table is not digested: loading the event is faster.
  if (tableOf(refs) !== undefined) return undefined;
  const current = branchesAndTags(refs);
  return refMapDigest(current) === lastSet ? current : undefined;
}

/**
 * True when it matters whether an update of a ref keeps the ref's history: a protection may demand it, or a signed state
 * may only fast-forward the branch because a push has changed it. Git has to be asked then.
 * @param inQuestion true when a signed state would change a branch that a push has changed
 */
export function historyMatters(
  name: string,
  protection: readonly ProtectionEntry[],
  inQuestion: boolean,
): boolean {
  return !isTag(name) && (inQuestion || protectionOf(protection, name).noForcePush);
}

/** The updates of a plan for which {@link historyMatters}. */
export function historyQuestions(
  plan: StatePlan,
  protection: readonly ProtectionEntry[],
): FastForwardQuestion[] {
  const asked = new Set(plan.questions.map(({ name }) => name));
  return plan.changes.flatMap(({ name, from, to }) =>
    from !== undefined && to !== undefined && historyMatters(name, protection, asked.has(name))
      ? { name, from, to }
      : [],
  );
}

export type StateDecision =
  | { readonly apply: true; readonly changes: readonly StatedRefChange[] }
  /** The state is held, and its author is told why. */
  | { readonly apply: false; readonly reason: string };

/**
 * Decides a plan once its questions are answered.
 * @param fastForwards names of the refs in question whose change is a fast-forward
 */
export function decideState(plan: StatePlan, fastForwards: ReadonlySet<string>): StateDecision {
  const rewinds = plan.questions
    .filter(({ name }) => !fastForwards.has(name))
    .map(({ name }) => ({ name, reason: 'a push moved it, and the state does not build on that' }));
  const undone = [...plan.conflicts, ...rewinds];
  if (undone.length === 0) return { apply: true, changes: plan.changes };
  const named = undone.slice(0, 3).map(({ name, reason }) => `${name} (${reason})`);
  const more = undone.length > named.length ? ` and ${undone.length - named.length} more` : '';
  return {
    apply: false,
    reason: `the state would undo a push: ${named.join(', ')}${more}; fetch, then sign a new one`,
  };
}

/** Why no repository can have these refs, or undefined: a ref cannot be a folder of others. */
export function impossibleState(wanted: Refs): string | undefined {
  const names = new RefNameIndex(wanted.keys());
  for (const name of wanted.keys()) {
    const other = directoryFileConflict(name, names);
    if (other !== undefined) return `${name} cannot exist beside ${other}`;
  }
  return undefined;
}

/** The branch that HEAD names after a signed state: the one it asks for if that exists then, else as after a push. */
export function headAfterState(wantedHead: string | undefined, head: string, refs: Refs): string {
  return wantedHead !== undefined && refs.has(wantedHead) ? wantedHead : headAfter(head, refs);
}

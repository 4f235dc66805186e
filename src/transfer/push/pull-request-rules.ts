/**
 * What strangers may do to `refs/nostr/<event id>`, the tips of pull requests. Pure functions.
 *
 * - If the event is here, only its tip may be pushed; it replaces any other value.
 * - If the event is not here yet, anyone may create the ref. Then only the key that created it may change it. A network
 *   address does not identify a person, so a client without a key can only create refs.
 *
 * Owner and maintainers authenticate with a key. They may do anything except push a tip that the event does not name.
 */
import { commandKind, isBranchOrTag, type ReceivedCommand, refsStartingWith } from '../../git/index.ts';
import type { RefProblem } from '../../policy/refusal.ts';
import type { Amount, GitState, StrangerRef, Strangers } from '../../repository/git/git-manifest.ts';
import type { HeldStateBook } from './authority.ts';
import {
  allowanceLeft,
  type StrangerLimits,
  settled,
  strangerRefCount,
  waitingLimit,
} from './stranger-limits.ts';

/** The terms for a push by a stranger. */
export interface StrangerTerms {
  /** undefined if strangers may not push. */
  readonly limits: StrangerLimits | undefined;
  /** Seconds since the epoch. */
  readonly now: number;
  /** Size of its pack; undefined before the pack is taken in. */
  readonly brings: Amount | undefined;
}

export interface PullRequestPush {
  readonly commands: readonly ReceivedCommand[];
  readonly strangers: StrangerTerms;
  readonly pullRequestTip: HeldStateBook['pullRequestTip'];
}

const PREFIX = 'refs/nostr/';

/** The event id in `refs/nostr/<event id>`. */
export function pullRequestOf(name: string): string | undefined {
  return /^refs\/nostr\/([0-9a-f]{64})$/.exec(name)?.[1];
}

/** Tells which event ids have a ref in a state. */
export function hasRefFor(state: Pick<GitState, 'refs'>): (eventId: string) => boolean {
  return (eventId) => state.refs.has(`${PREFIX}${eventId}`);
}

/**
 * Checks the commands of a push for refs other than branches and tags.
 * @param actor the sender's authenticated key, which may not write; undefined without one
 * @returns problems, by name of the ref
 */
export function pullRequestProblems(
  push: PullRequestPush,
  state: GitState,
  actor: string | undefined,
): Map<string, RefProblem> {
  const problems = new Map<string, RefProblem>();
  const room = new Room(push, state);
  for (const command of push.commands) {
    if (isBranchOrTag(command.name)) continue;
    const event = pullRequestOf(command.name);
    const problem =
      event === undefined
        ? uncovered('only branches, tags and refs/nostr/<event id> can be pushed here')
        : (rightProblem(push, state, actor, command, event) ?? room.problem(command, event));
    if (problem !== undefined) problems.set(command.name, problem);
  }
  return problems;
}

/**
 * Checks the commands of a writer: a tip that differs from the one its event names would be removed at once.
 * @returns problems, by name of the ref
 */
export function wrongTips({
  commands,
  pullRequestTip,
}: Pick<PullRequestPush, 'commands' | 'pullRequestTip'>): Map<string, RefProblem> {
  const problems = new Map<string, RefProblem>();
  for (const command of commands) {
    const event = commandKind(command) === 'delete' ? undefined : pullRequestOf(command.name);
    const tip = event === undefined ? undefined : pullRequestTip(event);
    if (typeof tip === 'string' && tip !== command.newId) problems.set(command.name, namesAnother(tip));
  }
  return problems;
}

function namesAnother(tip: string): RefProblem {
  return uncovered(`the pull request with this event id names ${tip.slice(0, 8)} as its tip`);
}

/** Neither a signed state nor a pull request covers the change. */
function uncovered(reason: string): RefProblem {
  return { class: 'signed state', reason };
}

/** Why the sender may not make this change; undefined if it may. A command without effect is allowed. */
function rightProblem(
  { strangers: { limits }, pullRequestTip }: PullRequestPush,
  state: GitState,
  actor: string | undefined,
  command: ReceivedCommand,
  event: string,
): RefProblem | undefined {
  const current = state.refs.get(command.name);
  const deletes = commandKind(command) === 'delete';
  const tip = pullRequestTip(event);
  if (tip === null) return uncovered('the event with this id is no pull request that names a tip');
  if (tip !== undefined && (deletes || tip !== command.newId)) {
    return namesAnother(tip);
  }
  if (deletes ? current === undefined : current === command.newId) return undefined;
  if (limits === undefined) {
    return uncovered(
      'this server takes the tips of pull requests only from those who may write to the repository',
    );
  }
  if (tip !== undefined || current === undefined) return undefined;
  if (actor !== undefined && state.strangers?.refs[event]?.by === actor) return undefined;
  return uncovered(
    'somebody else has pushed it, and its event is not here: publish the event, then push again',
  );
}

/** What strangers may still add to a repository. The commands of one push use it up. */
class Room {
  private readonly push: PullRequestPush;
  private readonly state: GitState;
  private counted: { refs: number; waiting: number } | undefined;

  constructor(push: PullRequestPush, state: GitState) {
    this.push = push;
    this.state = state;
  }

  problem(command: ReceivedCommand, event: string): RefProblem | undefined {
    const { limits } = this.push.strangers;
    if (limits === undefined || commandKind(command) === 'delete') return undefined;
    const current = this.state.refs.get(command.name);
    if (current === command.newId) return undefined;
    return this.amountProblem(limits) ?? (current === undefined ? this.refProblem(limits, event) : undefined);
  }

  private amountProblem(limits: StrangerLimits): RefProblem | undefined {
    const { now, brings } = this.push.strangers;
    if (brings === undefined) return undefined;
    const left = allowanceLeft(limits, this.state.strangers, hasRefFor(this.state), now);
    if (brings.bytes <= left.bytes && brings.objects <= left.objects) return undefined;
    const reason =
      'pull requests have brought to this repository as much as the server takes: ask its owner to push this one';
    return { class: 'limit', reason };
  }

  private refProblem(limits: StrangerLimits, event: string): RefProblem | undefined {
    this.counted ??= this.count();
    if (++this.counted.refs > limits.refs) {
      const reason = `this repository has ${limits.refs} tips of pull requests: ask its owner to delete old ones`;
      return { class: 'limit', reason };
    }
    if (this.push.pullRequestTip(event) !== undefined) return undefined;
    const most = waitingLimit(limits);
    if (++this.counted.waiting <= most) return undefined;
    const reason = `${most} pull requests wait here for their events: publish yours first, then push`;
    return { class: 'busy', reason };
  }

  private count(): { refs: number; waiting: number } {
    const { state, push } = this;
    const waiting = [...refsStartingWith(state.refs, PREFIX)].filter(([name]) => {
      const event = pullRequestOf(name);
      return event !== undefined && push.pullRequestTip(event) === undefined;
    });
    return { refs: strangerRefCount(state.strangers, hasRefFor(state)), waiting: waiting.length };
  }
}

/**
 * The strangers' usage of a repository after a push by a stranger. The pack counts for the first ref that the push creates or
 * moves.
 * @param state the current state
 * @param accepted the accepted commands
 * @param actor the sender's authenticated key; undefined without one
 */
export function strangersAfter(
  state: GitState,
  accepted: readonly ReceivedCommand[],
  { limits, now, brings }: StrangerTerms,
  actor: string | undefined,
): Strangers | undefined {
  const made = accepted.flatMap((command) => {
    const event = commandKind(command) === 'delete' ? undefined : pullRequestOf(command.name);
    return event ?? [];
  });
  if (limits === undefined || made.length === 0) return state.strangers;
  const { refs: before, gone } = settled(limits, state.strangers, hasRefFor(state), now);
  const refs: Record<string, StrangerRef> = { ...before };
  let pending = brings ?? NOTHING;
  for (const event of made) {
    const known = refs[event] ?? NOTHING;
    refs[event] = {
      bytes: known.bytes + pending.bytes,
      objects: known.objects + pending.objects,
      ...(actor === undefined ? {} : { by: actor }),
    };
    pending = NOTHING;
  }
  return { refs, ...(gone === undefined ? {} : { gone }) };
}

/** The same for a push by a writer: a ref that it creates, moves or deletes no longer counts as a stranger's. */
export function strangersWithout(
  state: GitState,
  accepted: readonly ReceivedCommand[],
  { limits, now }: StrangerTerms,
): Strangers | undefined {
  const { strangers } = state;
  if (strangers === undefined) return undefined;
  const taken = new Set(accepted.flatMap(({ name }) => pullRequestOf(name) ?? []));
  if (limits === undefined || ![...taken].some((event) => strangers.refs[event] !== undefined))
    return strangers;
  const isThere = hasRefFor(state);
  return settled(limits, strangers, (event) => isThere(event) && !taken.has(event), now);
}

const NOTHING: Amount = { bytes: 0, objects: 0 };

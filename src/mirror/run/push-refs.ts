/** Sends changes of refs to the target, with the objects that they need, and finds out what became of them. */
import { isZeroId, type PushReport, type RefCommand, zeroId } from '../../git/index.ts';
import { CairnError } from '../../lib/errors.ts';
import { RemoteError } from '../../outbound/remote-error.ts';
import { saferText } from '../../outbound/safer-text.ts';
import type { LongPack } from '../batches/size-control.ts';
import { temporaryRefsOf } from '../batches/temporary-refs.ts';
import type { PlannedRef } from '../plan/plan.ts';
import { isTemporary } from '../plan/ref-scope.ts';
import type { MirrorRun } from './mirror-run.ts';
import { type Sent, sendPack } from './send-pack.ts';

/** What became of a change. */
export type RefResult =
  | { readonly outcome: 'applied' }
  /** The target has said no. */
  | { readonly outcome: 'refused'; readonly reason: string }
  /** Somebody else has changed the ref meanwhile. */
  | { readonly outcome: 'moved'; readonly reason: string };

/** Most object ids that are sent to the source as what the target has. */
const MOST_HAVES = 20_000;
/** How often a push without a pack is sent whose connection breaks. */
const MOST_CUTS = 3;
/** Names the temporary ref that no chain of commits has. */
const BETWEEN_PARTS = -1;

/**
 * Sends the changes of some refs, the pack of the source with the first of them.
 * @returns the result of each, by the name of the ref at the target
 * @throws PackTooLong; as `Source.fetch` and `Target.push`. Some changes may have been made then; the refs of the target tell which.
 */
export async function pushRefs(
  run: MirrorRun,
  refs: readonly PlannedRef[],
): Promise<ReadonlyMap<string, RefResult>> {
  const { target, limits } = run;
  const results = new Map<string, RefResult>();
  const wants = missingAt(run, refs);
  const step = limits.targetMaxRefUpdates;
  for (let start = 0; start < refs.length; start += step) {
    const part = refs.slice(start, start + step);
    // Objects that came with an earlier part of the refs stay with the target.
    const marks = start === 0 && refs.length > step ? marksOf(run, part) : [];
    const report = await pushPart(run, [...part.map(commandOf), ...marks], start === 0 ? wants : []);
    for (const ref of part) results.set(ref.target, resultOf(ref, report, target.listing.refs));
  }
  return results;
}

/**
 * A bootstrap refuses a target that has one of the refs. So between the parts of one, a temporary ref says that a run is under way: the one
 * that goes on after an interruption then skips what is there. The last thing that a run does is to delete it. A target that refuses it
 * gets the refs all the same.
 */
function marksOf({ policy, target, temporary }: MirrorRun, [first]: readonly PlannedRef[]): RefCommand[] {
  if (policy.mode !== 'bootstrap' || first === undefined) return [];
  const oldId = zeroId(target.listing.objectFormat);
  return [{ name: temporary.of(BETWEEN_PARTS), oldId, newId: first.newId }];
}

/** Objects that the refs need and the target does not say that it has. */
export function missingAt({ target }: Pick<MirrorRun, 'target'>, refs: readonly PlannedRef[]): string[] {
  const here = new Set(target.listing.refs.values());
  return [...new Set(refs.map(({ newId }) => newId))].filter((oid) => !isZeroId(oid) && !here.has(oid));
}

/** What the target has, for the source to leave out: what was sent last first. */
export function havesOf({ target }: Pick<MirrorRun, 'target'>): string[] {
  const { refs } = target.listing;
  return [...new Set([...temporaryRefsOf(refs).values(), ...refs.values()])].slice(0, MOST_HAVES);
}

/** A target takes no pack of this size. Nothing of the push has happened. */
export class PackTooLong extends CairnError {
  /** The sent data. */
  readonly pack: LongPack;

  constructor(reason: string, pack: LongPack) {
    super('too-large', reason, { publicText: reason });
    this.pack = pack;
  }
}

async function pushPart(
  run: MirrorRun,
  commands: readonly RefCommand[],
  wants: readonly string[],
): Promise<PushReport | undefined> {
  const { target } = run;
  for (let attempt = 1; ; attempt++) {
    const sent = await sendPack(run, { commands, wants, haves: havesOf(run) });
    await relistAfter(run, sent);
    if (sent.outcome === 'answered') return sent.report;
    // A connection that breaks off after everything has come hides that it was done, as an answer does that is no report.
    const now = target.listing.refs;
    if (commands.every((command) => isTemporary(command.name) || isMade(command, now.get(command.name))))
      return undefined;
    if (sent.outcome === 'unanswered') throw sent.error;
    if (wants.length > 0) throw new PackTooLong(sent.reason, sent.pack);
    // Without a pack there is nothing to make smaller: it was chance, or it is no use.
    if (attempt === MOST_CUTS) throw sent.error;
  }
}

/**
 * Lists the refs of the target after a push.
 * @throws what the push has thrown, if that tells nothing of what was done, and the target does not tell it either; otherwise as
 *   `Target.relist`
 */
export async function relistAfter({ target, signal }: MirrorRun, sent: Sent): Promise<void> {
  try {
    await target.relist(signal);
  } catch (error) {
    throw sent.outcome === 'unanswered' && !signal.aborted ? sent.error : error;
  }
}

/** True if a ref has become what a change asks for. @param now its value; undefined when it is not there */
export function isMade({ newId }: Pick<RefCommand, 'newId'>, now: string | undefined): boolean {
  return isZeroId(newId) ? now === undefined : now === newId;
}

export function commandOf({
  target,
  oldId,
  newId,
}: Pick<PlannedRef, 'target' | 'oldId' | 'newId'>): RefCommand {
  return { name: target, oldId, newId };
}

/** The refs of the target decide what became of a change. The report only tells why. */
export function resultOf(
  { target: name, oldId, newId }: Pick<PlannedRef, 'target' | 'oldId' | 'newId'>,
  report: PushReport | undefined,
  refs: ReadonlyMap<string, string>,
): RefResult {
  const now = refs.get(name);
  if (isMade({ newId }, now)) return { outcome: 'applied' };
  const said = report === undefined ? 'it does not say why' : reasonIn(report, name);
  if ((now ?? '') === (isZeroId(oldId) ? '' : oldId)) {
    const reason = said ?? 'the target reported success, but the ref has not changed';
    return { outcome: 'refused', reason: saferText(reason) };
  }
  // Reported as done, and changed again since: what was asked for has happened.
  if (report !== undefined && said === undefined) return { outcome: 'applied' };
  return { outcome: 'moved', reason: 'somebody else has changed it meanwhile' };
}

/** Why a report says that a ref was not changed; undefined when it says that it was. */
function reasonIn({ unpack, refs }: PushReport, name: string): string | undefined {
  if (unpack !== 'ok') return `the target did not take the pack: ${unpack}`;
  return refs.has(name) ? refs.get(name) : 'the report of the target does not name it';
}

/** True when a source that has changed since it was listed is the reason of an error. */
export function isSourceMoved(error: unknown): boolean {
  return error instanceof RemoteError && error.facts.changed === true;
}

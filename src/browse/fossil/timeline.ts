/**
 * The check-ins of a published state, newest first, and each behind the child that led to it, whatever its date. They are walked
 * from the leaves as far as somebody has asked, so that the first page of a long history reads little of it. Private check-ins are
 * walked over and not listed.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ArtifactName } from '../../fossil/artifact-name.ts';
import { parseCheckIn } from '../../fossil/check-in.ts';
import { isCairnError } from '../../lib/errors.ts';
import { LARGEST_MANIFEST, readFacts } from './check-ins.ts';
import type { CheckInFacts } from './fossil-memory.ts';
import type { FossilView } from './fossil-view.ts';
import type { TimelineState, WaitingCheckIn } from './timeline-state.ts';

/** Most check-ins of a timeline. Older ones are found from their children. */
export const LONGEST_TIMELINE = 20_000;
/** Most check-ins to start from: those without a child in their branch. If there are more, the last received ones. */
const MOST_LEAVES = 5_000;

/**
 * Some check-ins.
 * @param skip how many to leave out before the first one
 * @throws CairnError `corrupt`, `unavailable`; the reason of the signal. What was walked stays so
 */
export async function readTimeline(
  view: FossilView,
  skip: number,
  count: number,
): Promise<{ readonly checkIns: readonly CheckInFacts[]; readonly more: boolean }> {
  const { bag, memory } = view;
  const state = memory.timelineOf(`${bag.repository} ${bag.digest}`);
  // One after another: two that ask at the same time would walk the same way. Who asked before hears of its own failure.
  const walk = state.walking.catch(() => undefined).then(() => walkOn(view, state, skip + count + 1));
  state.walking = walk;
  await walk;
  const checkIns: CheckInFacts[] = [];
  for (const name of state.listed.slice(skip, skip + count)) checkIns.push(await readFacts(view, name));
  return { checkIns, more: state.listed.length > skip + count };
}

async function walkOn(view: FossilView, state: TimelineState, wanted: number): Promise<void> {
  const { listed, seen } = state;
  state.waiting ??= await leavesOf(view, seen);
  const { waiting } = state;
  while (listed.length < Math.min(wanted, LONGEST_TIMELINE)) {
    const next = waiting.at(-1);
    if (next === undefined) return;
    // Read first: if it fails or takes too long, the next request tries again.
    const parents: WaitingCheckIn[] = [];
    for (const name of new Set(next.parents)) {
      if (seen.has(name)) continue;
      const parent = await look(view, name);
      if (parent !== undefined) parents.push(parent);
    }
    waiting.pop();
    if (!next.isPrivate) listed.push(next.name);
    for (const parent of parents) {
      seen.add(parent.name);
      insert(waiting, parent);
    }
  }
}

async function leavesOf(view: FossilView, seen: Set<ArtifactName>): Promise<WaitingCheckIn[]> {
  const names = [...view.bag.heads()].slice(-MOST_LEAVES).map(({ name }) => name);
  const leaves: WaitingCheckIn[] = [];
  for (const name of names) {
    const leaf = await look(view, name);
    if (leaf !== undefined) leaves.push(leaf);
  }
  for (const { name } of leaves) seen.add(name);
  return leaves.sort(byTime);
}

/** @returns undefined if it is missing or cannot be read as a check-in */
async function look(view: FossilView, name: ArtifactName): Promise<WaitingCheckIn | undefined> {
  const { bag, signal } = view;
  signal.throwIfAborted();
  const entry = bag.find(name);
  if (entry === undefined || !entry.isCheckIn || entry.size > LARGEST_MANIFEST) return undefined;
  if (entry.isPrivate) {
    // Not kept: nothing of it is shown.
    const checkIn = parseCheckIn(await bag.content(name));
    await nextTurn();
    if (checkIn === undefined) return undefined;
    return { name, time: checkIn.time ?? 0, parents: checkIn.parents, isPrivate: true };
  }
  try {
    const { time = 0, parents } = await readFacts(view, name);
    return { name, time, parents, isPrivate: false };
  } catch (error) {
    if (isCairnError(error, 'not-found')) return undefined;
    throw error;
  }
}

function insert(waiting: WaitingCheckIn[], one: WaitingCheckIn): void {
  let [low, high] = [0, waiting.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = waiting[middle];
    if (other !== undefined && byTime(other, one) < 0) low = middle + 1;
    else high = middle;
  }
  waiting.splice(low, 0, one);
}

/** Oldest first. Names decide between check-ins of the same second, so that every server has the same order. */
function byTime(one: WaitingCheckIn, other: WaitingCheckIn): number {
  return one.time - other.time || (one.name < other.name ? -1 : 1);
}

/** Sends changes of refs to the target, with the objects that they need, and finds out what became of them. */
import { isZeroId, type PushReport, type RefCommand } from '../../git/index.ts';
import { isCairnError } from '../../lib/errors.ts';
import type { PlannedRef } from '../plan/plan.ts';
import { saferText } from '../remote/safer-text.ts';
import { fetchPack } from './fetch-pack.ts';
import type { MirrorRun } from './mirror-run.ts';

/** What became of a change. */
export type RefResult =
  | { readonly outcome: 'applied' }
  /** The target has said no. */
  | { readonly outcome: 'refused'; readonly reason: string }
  /** Somebody else has changed the ref meanwhile. */
  | { readonly outcome: 'moved'; readonly reason: string };

/** Most object ids that are sent to the source as what the target has. */
const MOST_HAVES = 20_000;

/**
 * Sends the changes of some refs, the pack of the source with the first of them.
 * @returns what became of each, by the name of the ref at the target
 * @throws as `Source.fetch` and `Target.push`. Some changes may have been made then; the refs of the target tell which.
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
    const report = await pushPart(run, part, start === 0 ? wants : []);
    await target.relist(run.signal);
    for (const ref of part) results.set(ref.target, resultOf(ref, report, target.listing.refs));
  }
  return results;
}

/** Objects that the refs need and the target does not say that it has. */
export function missingAt({ target }: Pick<MirrorRun, 'target'>, refs: readonly PlannedRef[]): string[] {
  const here = new Set(target.listing.refs.values());
  return [...new Set(refs.map(({ newId }) => newId))].filter((oid) => !isZeroId(oid) && !here.has(oid));
}

/** What the target has, for the source to leave out. */
export function havesOf({ target }: Pick<MirrorRun, 'target'>): string[] {
  return [...new Set(target.listing.refs.values())].slice(0, MOST_HAVES);
}

async function pushPart(
  run: MirrorRun,
  refs: readonly PlannedRef[],
  wants: readonly string[],
): Promise<PushReport | undefined> {
  const { target, observer, signal } = run;
  const onMessage = (text: string) => observer.message('target', text);
  const commands = refs.map(commandOf);
  if (wants.length === 0) {
    observer.phase('waiting');
    return target.push(commands, undefined, { signal, onMessage });
  }
  const { pack } = await fetchPack(run, { wants, haves: havesOf(run) });
  observer.phase('relaying');
  return target.push(commands, watched(pack, run), { signal, onMessage });
}

function commandOf({ target, oldId, newId }: PlannedRef): RefCommand {
  return { name: target, oldId, newId };
}

async function* watched(pack: AsyncIterable<Buffer>, { observer }: MirrorRun): AsyncGenerator<Buffer, void> {
  for await (const chunk of pack) {
    observer.relayed(chunk.length);
    yield chunk;
  }
  observer.phase('waiting');
}

/** The refs of the target decide what became of a change. The report only tells why. */
function resultOf(
  { target: name, oldId, newId }: PlannedRef,
  report: PushReport | undefined,
  refs: ReadonlyMap<string, string>,
): RefResult {
  const now = refs.get(name);
  if (isZeroId(newId) ? now === undefined : now === newId) return { outcome: 'applied' };
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
  return isCairnError(error, 'conflict');
}

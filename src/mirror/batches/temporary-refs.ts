/**
 * Refs of the target that keep what was sent of a ref that is not whole yet. They are all that remains of a run that was interrupted,
 * and all that another one needs to go on.
 */
import { type RefCommand, zeroId } from '../../git/index.ts';
import { isCairnError, messageOf } from '../../lib/errors.ts';
import { saferText } from '../../outbound/safer-text.ts';
import type { CommitGraph } from '../graph/commit-graph.ts';
import { isTemporary } from '../plan/ref-scope.ts';
import { fetchGraph } from '../run/ancestry.ts';
import type { MirrorRun } from '../run/mirror-run.ts';
import { tellsNothing } from '../run/size-refusal.ts';

/** Refs that are asked about one by one. More are left to a later run. */
const MOST_SINGLE = 8;

/** The temporary refs of a target, by name. */
export function temporaryRefsOf(refs: ReadonlyMap<string, string>): Map<string, string> {
  return new Map([...refs].filter(([name]) => isTemporary(name)));
}

/**
 * Deletes unneeded temporary refs: those of this run, abandoned ones, and those whose commits other refs of the
 * target reach. What another run is still sending stays.
 * @returns why some of them are still there, in words; undefined when none is
 * @throws as `Target.push`
 */
export async function deleteTemporaryRefs(run: MirrorRun): Promise<string | undefined> {
  const { target, observer, signal } = run;
  const found = temporaryRefsOf(target.listing.refs);
  if (found.size === 0) return undefined;
  const needless = await needlessOf(run, found);
  const [kept] = [...found.keys()].filter((name) => !needless.has(name));
  if (kept !== undefined) {
    observer.notice(
      `${kept} stays: another run may be under way. A later run removes it, once nothing needs it or it is hours old`,
    );
  }
  if (needless.size === 0) return undefined;
  if (!target.listing.canDelete)
    return 'temporary refs are left behind: the target does not let refs be deleted';
  observer.phase('waiting', 'removing temporary refs');
  /** One that has another value by now is somebody's who works on it. */
  const left = () => [...needless].filter(([name, oid]) => target.listing.refs.get(name) === oid);
  let reasons: string[] = [];
  // A connection that broke is tried once more. The target tells whether that happened before or after it was done.
  for (let attempt = 0; attempt < 2; attempt++) {
    reasons = await deleteOnce(run, left());
    await target.relist(signal);
    if (left().length === 0) return undefined;
  }
  const names = left().map(([name]) => name);
  const shown = `${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''}`;
  return `temporary refs are left behind (${shown}): ${saferText(reasons[0] ?? 'the target does not say why')}`;
}

/** Those of the temporary refs that can go, with their values. */
async function needlessOf(run: MirrorRun, found: ReadonlyMap<string, string>): Promise<Map<string, string>> {
  const { temporary, target } = run;
  const others = new Set([...target.listing.refs].flatMap(([name, oid]) => (isTemporary(name) ? [] : oid)));
  const isNeedless = ([name, oid]: [string, string]) =>
    temporary.isOwn(name) || temporary.isLeftOver(name) || others.has(oid);
  const needless = new Map([...found].filter(isNeedless));
  const open = [...found].filter(([name]) => !needless.has(name));
  const reached = await reachedAmong(run, [...new Set(open.map(([, oid]) => oid))], others);
  for (const [name, oid] of open) if (reached.has(oid)) needless.set(name, oid);
  return needless;
}

/** Those of some commits that refs of the target reach, as far as the source knows. */
async function reachedAmong(
  run: MirrorRun,
  commits: readonly string[],
  refs: ReadonlySet<string>,
): Promise<Set<string>> {
  const { refs: listed, peeled } = run.source.listing;
  const here = [...listed].filter(([, oid]) => refs.has(oid));
  const tips = [...new Set(here.map(([name, oid]) => peeled.get(name) ?? oid))];
  const reached = new Set<string>();
  const look = async (asked: readonly string[]) => {
    const graph = await graphOf(run, tips, asked);
    for (const oid of asked) {
      if (graph !== undefined && tips.some((tip) => tip === oid || graph.isAncestor(oid, tip) === 'yes'))
        reached.add(oid);
    }
  };
  if (tips.length === 0 || commits.length === 0) return reached;
  await look(commits);
  // One can be hidden behind another one: nothing is sent of what that reaches.
  const open = commits.filter((oid) => !reached.has(oid));
  if (commits.length > 1) for (const oid of open.slice(0, MOST_SINGLE)) await look([oid]);
  return reached;
}

/** Undefined when the source does not tell: then nothing is known. */
async function graphOf(
  run: MirrorRun,
  wants: readonly string[],
  haves: readonly string[],
): Promise<CommitGraph | undefined> {
  try {
    return await fetchGraph(run, wants, haves);
  } catch (error) {
    if (run.signal.aborted || !isCairnError(error)) throw error;
    return undefined;
  }
}

/** @returns why refs were not deleted */
async function deleteOnce(
  { target, limits, signal }: MirrorRun,
  refs: readonly (readonly [name: string, oid: string])[],
): Promise<string[]> {
  const newId = zeroId(target.listing.objectFormat);
  const reasons: string[] = [];
  for (let start = 0; start < refs.length; start += limits.targetMaxRefUpdates) {
    const part = refs.slice(start, start + limits.targetMaxRefUpdates);
    const commands = part.map(([name, oldId]): RefCommand => ({ name, oldId, newId }));
    try {
      const report = await target.push(commands, undefined, { signal });
      reasons.push(...[...(report?.refs.values() ?? [])].filter((reason) => reason !== undefined));
    } catch (error) {
      if (signal.aborted || !tellsNothing(error)) throw error;
      reasons.push(messageOf(error));
    }
  }
  return reasons;
}

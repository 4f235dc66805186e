/**
 * Refs of the target that keep what was sent of a ref that is not whole yet. They are all that remains of a run that was interrupted,
 * and all that another one needs to go on.
 */
import { type RefCommand, zeroId } from '../../git/index.ts';
import { messageOf } from '../../lib/errors.ts';
import { isTemporary, TEMPORARY_PREFIX } from '../plan/ref-scope.ts';
import { saferText } from '../remote/safer-text.ts';
import type { MirrorRun } from '../run/mirror-run.ts';
import { sizeRefusalOf } from '../run/size-refusal.ts';

/** The temporary refs of a target, by name. */
export function temporaryRefsOf(refs: ReadonlyMap<string, string>): Map<string, string> {
  return new Map([...refs].filter(([name]) => isTemporary(name)));
}

/** Names of temporary refs: one for each chain of commits that is being sent. */
export class TemporaryNames {
  private readonly names = new Map<number, string>();
  private readonly taken: Set<string>;
  private number = 1;

  /** @param found those on the target */
  constructor(found: ReadonlyMap<string, string>) {
    this.taken = new Set(found.keys());
  }

  /** The ref of a chain: always the same, and none that is there already. */
  of(chain: number): string {
    const known = this.names.get(chain);
    if (known !== undefined) return known;
    while (this.taken.has(`${TEMPORARY_PREFIX}${this.number}`)) this.number += 1;
    const name = `${TEMPORARY_PREFIX}${this.number}`;
    this.taken.add(name);
    this.names.set(chain, name);
    return name;
  }

  /** Somebody else uses the ref of a chain, which gets another one. */
  replace(chain: number): void {
    this.names.delete(chain);
  }
}

/**
 * Deletes all temporary refs of the target: those of this run, and those that others have left behind.
 * @returns why some are still there, in words; undefined when none is
 * @throws as `Target.push`
 */
export async function deleteTemporaryRefs(run: MirrorRun): Promise<string | undefined> {
  const { target, observer, signal } = run;
  if (temporaryRefsOf(target.listing.refs).size === 0) return undefined;
  if (!target.listing.canDelete)
    return 'temporary refs are left behind: the target does not let refs be deleted';
  observer.phase('waiting', 'removing temporary refs');
  let reasons: string[] = [];
  // A connection that broke is tried once more. The target tells whether that happened before or after it was done.
  for (let attempt = 0; attempt < 2; attempt++) {
    reasons = await deleteOnce(run);
    await target.relist(signal);
    if (temporaryRefsOf(target.listing.refs).size === 0) return undefined;
  }
  const left = [...temporaryRefsOf(target.listing.refs).keys()];
  const names = `${left.slice(0, 3).join(', ')}${left.length > 3 ? ', …' : ''}`;
  return `temporary refs are left behind (${names}): ${saferText(reasons[0] ?? 'the target does not say why')}`;
}

/** @returns why refs were not deleted */
async function deleteOnce({ target, limits, signal }: MirrorRun): Promise<string[]> {
  const found = [...temporaryRefsOf(target.listing.refs)];
  const newId = zeroId(target.listing.objectFormat);
  const reasons: string[] = [];
  for (let start = 0; start < found.length; start += limits.targetMaxRefUpdates) {
    const part = found.slice(start, start + limits.targetMaxRefUpdates);
    const commands = part.map(([name, oldId]): RefCommand => ({ name, oldId, newId }));
    try {
      const report = await target.push(commands, undefined, { signal });
      reasons.push(...[...(report?.refs.values() ?? [])].filter((reason) => reason !== undefined));
    } catch (error) {
      if (sizeRefusalOf(error)?.isCut !== true) throw error;
      reasons.push(messageOf(error));
    }
  }
  return reasons;
}

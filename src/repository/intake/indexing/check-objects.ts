import { createReadStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { checkListed, indexFromInput, packListed } from '../../../git-process/commands.ts';
import { failureOf } from '../../../git-process/refusal.ts';
import { type GitResult, ranOutOfDisk, ranOutOfMemory } from '../../../git-process/result.ts';
import { diskFault } from '../../../lib/disk-full.ts';
import type { OddObjects } from '../plain/odd-objects.ts';
import { type IndexOptions, type IntakePaths, indexPackOptions } from './run-index-pack.ts';

/** A pack that git has taken in without checks. */
export interface UncheckedPack {
  /** Path of pack and idx, without what tells one from the other. */
  readonly stem: string;
  readonly objects: number;
}

/**
 * Has git check objects of a pack as if it had checked them when it took the pack in.
 * @param odd those that it has to look at
 * @returns what git says of them, or why it could not look; undefined where there is nothing to look at
 * @throws DiskFullError; CairnError `unavailable` when git cannot be run, or the disk is at fault; the signal's reason when it is aborted
 */
export async function checkObjects(
  options: IndexOptions,
  paths: IntakePaths,
  pack: UncheckedPack,
  odd: OddObjects,
): Promise<GitResult | undefined> {
  if (odd === 'all') return takeInAgain(options, paths, pack);
  if (odd.count === 0) return undefined;
  const { git, signal } = options;
  const base = join(paths.objects, 'odd');
  const { stdout, ...packed } = await git.brief(packListed(paths, base), { input: odd.lines, signal });
  if (packed.exitCode !== 0) {
    if (packed.cancelled || ranOutOfDisk(packed) || ranOutOfMemory(packed)) return packed;
    throw failureOf('look at objects of a pack', 'pack-objects', packed);
  }
  return git.brief(checkListed(paths, `${base}-${stdout.toString('latin1').trim()}`, odd.count), { signal });
}

/** Has git take in the pack once more, with all checks, and throws away what it makes of it. */
async function takeInAgain(
  options: IndexOptions,
  paths: IntakePaths,
  { stem, objects }: UncheckedPack,
): Promise<GitResult> {
  const { git, signal } = options;
  const again = { ...paths, objects: join(paths.objects, 'again') };
  try {
    await mkdir(again.objects);
    const command = indexFromInput({ ...indexPackOptions(options, again, objects), progress: false });
    const running = git.start(command, { signal });
    running.stdout.resume();
    let unread: unknown;
    await pipeline(createReadStream(`${stem}.pack`), running.stdin).catch((error: NodeJS.ErrnoException) => {
      // When git gives up, it says why. A pack that cannot be read ends early, which is not the sender's fault.
      if (error.syscall === 'open' || error.syscall === 'read') unread = error;
    });
    const result = await running.ended;
    if (unread !== undefined) throw unread;
    return result;
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    throw diskFault(error, 'to take in this push', 'the scratch folder cannot be used');
  } finally {
    await rm(again.objects, { recursive: true, force: true });
  }
}

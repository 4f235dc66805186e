/**
 * Links of a pack from a client whose history is cut short. Its shallow lines only keep `git index-pack` from looking for the parents
 * of the commits that they name. So whether all links were found depends on which of these commits are in the pack, and on whether
 * their parents are here; not on whether a line was sent.
 */
import { PackIdx } from '../../../git/index.ts';
import type { QuarantinePaths } from '../../../git-process/commands.ts';
import type { Git } from '../../../git-process/git.ts';
import { inspectObjects, parentsOf } from '../../../git-process/inspect-objects.ts';
import { Yielder } from '../../../lib/cooperative.ts';
import { openFile } from '../../../lib/opened-file.ts';
import type { ReceivedPack } from '../received-pack.ts';

/** Cut commits of one pack whose parents are looked for. With more, something is taken to be missing. */
const MOST_CUT = 1_000;

export interface CutLinksOptions {
  readonly git: Git;
  /** Where the pack is, and all that its links may lead to. */
  readonly paths: QuarantinePaths;
  readonly pack: ReceivedPack;
  /** Ids of the shallow lines. */
  readonly shallow: readonly string[];
  readonly signal: AbortSignal;
}

/**
 * True when whatever the objects of a pack link to is here, although git was told not to look for parents of some.
 * @throws CairnError `unavailable` when git cannot be run; the signal's reason
 */
export async function linksAreFound(options: CutLinksOptions): Promise<boolean> {
  const { git, paths, signal } = options;
  const cut = await cutCommits(options);
  if (cut.length === 0) return true;
  if (cut.length > MOST_CUT) return false;
  const parents = [...(await parentsOf(git, paths, cut, signal))];
  const objects = await inspectObjects(git, paths, parents, signal);
  return parents.every((oid) => objects.get(oid)?.type === 'commit');
}

/** Those of the shallow lines that name an object of the pack. */
async function cutCommits({ pack, shallow }: CutLinksOptions): Promise<string[]> {
  const file = await openFile(pack.idx.path);
  try {
    const format = shallow[0]?.length === 64 ? 'sha256' : 'sha1';
    const idx = await PackIdx.open(file.read, format);
    const cut: string[] = [];
    const pauses = new Yielder();
    for (const oid of new Set(shallow)) {
      if (pauses.isDue) await pauses.next();
      if ((await idx.offsetOf(Buffer.from(oid, 'hex'))) !== undefined) cut.push(oid);
      if (cut.length > MOST_CUT) break;
    }
    return cut;
  } finally {
    await file.close();
  }
}

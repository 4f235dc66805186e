/**
 * How large the commits of a pack are, also those that are kept as differences: git holds each of them whole; and how many parents they
 * have.
 */
import { longestEntryHeader, PACKED_COMMIT, readPackEntryHeader } from '../../../git/index.ts';
import { Yielder } from '../../../lib/cooperative.ts';
import { CairnError } from '../../../lib/errors.ts';
import { deltaStart, sizeMadeBy } from '../entries/delta-start.ts';
import type { PackEntries, ScannedPack } from '../entries/pack-entries.ts';
import { tooHeavy, unusualForm } from './object-limit.ts';

/**
 * Parents of a commit. git puts each of them into a list that it searches from the beginning: 50,000 take 10 seconds in each fetch and
 * fold, and four times that if there are twice as many. The largest merge that is known has 66.
 */
export const MOST_PARENTS = 4_096;

const PARENT = 'parent ';
/** Bytes of a line that names a parent, at the least. */
const PARENT_LINE = PARENT.length + 40 + 1;

/**
 * Checks how large commits are. What an entry says is enough for nearly all of them; of the others the beginning is read.
 * @param linkingBytes that one may have
 * @param contents reads commits
 * @throws CairnError `too-large` naming one that has more, or more than {@link MOST_PARENTS} parents; `invalid` one whose size cannot
 *   be told; what `contents` throws
 */
export async function checkCommits(
  pack: Pick<ScannedPack, 'size' | 'read'>,
  entries: PackEntries,
  linkingBytes: number,
  contents: (
    oids: Iterable<string>,
  ) => AsyncIterable<{ readonly oid: string; readonly content?: Buffer | undefined }>,
): Promise<void> {
  const { types, ids } = entries;
  const pauses = new Yielder();
  const unsuspicious = Math.min(linkingBytes, MOST_PARENTS * PARENT_LINE);
  const large: string[] = [];
  for (let place = 0; place < types.length; place++) {
    if (pauses.isDueByNow) await pauses.next();
    if (types[place] !== PACKED_COMMIT || mostBytes(entries, place) <= unsuspicious) continue;
    const isDelta = (entries.bases[place] ?? -1) !== -1;
    const size = isDelta ? await sizeOfDelta(pack, entries, place) : (entries.sizes[place] ?? 0);
    const oid = ids.at(place).toString('hex');
    if (size > linkingBytes) throw tooHeavy(`commit ${oid} has`, size, { linkingBytes });
    if (size > unsuspicious) large.push(oid);
  }
  for await (const { oid, content } of contents(large)) {
    if (content !== undefined && hasManyParents(content)) {
      throw new CairnError('too-large', `commit ${oid} has more than ${MOST_PARENTS} parents`);
    }
  }
}

/** @param commit its content: the tree, then a line for each parent */
function hasManyParents(commit: Buffer): boolean {
  let at = commit.indexOf('\n') + 1;
  for (let parents = 0; parents <= MOST_PARENTS; parents++) {
    if (commit.toString('latin1', at, at + PARENT.length) !== PARENT) return false;
    at = commit.indexOf('\n', at) + 1;
  }
  return true;
}

/**
 * Bytes that a commit has at most, by what its entry says, and by what the entry says that it builds on: each byte of a difference
 * can copy all of that.
 */
function mostBytes({ bases, sizes }: PackEntries, place: number): number {
  const size = sizes[place] ?? 0;
  const base = bases[place] ?? -1;
  if (base === -1) return size;
  return bases[base] === -1 ? size * (sizes[base] ?? 0) : Number.POSITIVE_INFINITY;
}

/** Reads how many bytes a difference makes. */
async function sizeOfDelta(
  { size, read }: Pick<ScannedPack, 'size' | 'read'>,
  { offsets, ids }: PackEntries,
  place: number,
): Promise<number> {
  const offset = offsets[place] ?? 0;
  const bytes = await read(offset, Math.min(longestEntryHeader + deltaStart, size - offset));
  const header = readPackEntryHeader(bytes, 0, offset, ids.idLength);
  const made = sizeMadeBy(bytes, header.length);
  if (made !== undefined) return made;
  // Blocks of nothing come first.
  throw unusualForm(`commit ${ids.at(place).toString('hex')}`);
}

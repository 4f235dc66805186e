/** How large the commits of a pack are, also those that are kept as differences: git holds each of them whole. */
import { longestEntryHeader, PACKED_COMMIT, readPackEntryHeader } from '../../git/index.ts';
import { Yielder } from '../../lib/cooperative.ts';
import { CairnError } from '../../lib/errors.ts';
import { deltaStart, sizeMadeBy } from './delta-start.ts';
import { type PackEntries, type ScannedPack, tooHeavy } from './pack-entries.ts';

/**
 * Checks how large commits are. What an entry says is enough for nearly all of them; of the others the beginning is read.
 * @param linkingBytes that one may have
 * @throws CairnError `too-large` naming one that has more, `invalid` one whose size cannot be told
 */
export async function checkCommits(
  pack: Pick<ScannedPack, 'size' | 'read'>,
  entries: PackEntries,
  linkingBytes: number,
): Promise<void> {
  const { types, ids } = entries;
  const pauses = new Yielder();
  for (let place = 0; place < types.length; place++) {
    if (pauses.isDueByNow) await pauses.next();
    if (types[place] !== PACKED_COMMIT || mostBytes(entries, place) <= linkingBytes) continue;
    const size = await sizeOfDelta(pack, entries, place);
    if (size > linkingBytes)
      throw tooHeavy(`commit ${ids.at(place).toString('hex')} has`, size, { linkingBytes });
  }
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
  const made = sizeMadeBy(bytes.subarray(header.length));
  if (made !== undefined) return made;
  // Blocks of nothing come first.
  const commit = ids.at(place).toString('hex');
  throw new CairnError('invalid', `commit ${commit} is kept in a way that git does not write`);
}

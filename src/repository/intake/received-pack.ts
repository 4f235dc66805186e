/** Facts about a pack that git has accepted. */
import { isWholeCommit, type ObjectFormat, PackIdx } from '../../git/index.ts';
import { allSettledOrThrow } from '../../lib/all-settled-or-throw.ts';
import { type Digest, sha256, sha256OfFile } from '../../lib/digest.ts';
import { CairnError } from '../../lib/errors.ts';
import { type OpenedFile, openFile } from '../../lib/opened-file.ts';
import type { OwnEntries } from '../git/git-manifest.ts';
import type { ScannedPack } from './entries/pack-entries.ts';
import type { LocalArtifact, PackFacts } from './store-pack.ts';

/** A pack that git has taken in, completed and checked, on local disk and nowhere else yet. */
export interface ReceivedPack {
  readonly objects: number;
  readonly pack: LocalArtifact;
  readonly idx: LocalArtifact;
  /** Present when git has completed it with bases from elsewhere. */
  readonly own?: OwnEntries;
  /** Those of the tips that can be seen to be commits in it. */
  readonly commits: ReadonlySet<string>;
}

/** What a manifest says of a received pack. */
export function receivedFacts(kind: 'push' | 'mirror', { objects, own }: ReceivedPack): PackFacts {
  return { kind, objects, ...(own === undefined ? {} : { own }) };
}

/** The received pack, before git completed it. */
export interface CameIn {
  readonly format: ObjectFormat;
  /** Number of objects that the pack's header names. */
  readonly objects: number;
  /** Bytes, and their SHA-256. */
  readonly size: number;
  readonly digest: Digest;
}

/** Bytes: files up to this size, nearly all there are, are read once and whole, and kept until their intake is over. */
const READ_WHOLE = 64 * 1024;
/** Of more tips than these git is asked what they are, all at once. */
const TIPS_LOOKED_AT = 100;

/**
 * Measures what index-pack has left. The digest is that of the stored bytes: where git has appended nothing and as many bytes
 * are stored as came in, these are the same and were hashed on the way; else the file is hashed.
 *
 * @param stem path of pack and idx, without what tells one from the other
 * @param tips object ids that refs are to point at
 * @param check is shown the pack before anything else is; what it throws is thrown
 * @throws CairnError `invalid` when bytes follow the end of the pack, which index-pack passes over; `corrupt` when the files
 *   are not what git writes; what the file system throws
 */
export async function describeReceived(
  stem: string,
  cameIn: CameIn,
  tips: readonly string[],
  check: (pack: ScannedPack) => Promise<void>,
): Promise<ReceivedPack> {
  return measured(`${stem}.idx`, undefined, async (idx) => {
    const entries = await PackIdx.open(idx.read, cameIn.format);
    const counted = await countEntries(entries, cameIn);
    const unchanged = counted.own === undefined ? cameIn : undefined;
    return measured(`${stem}.pack`, unchanged, async (pack) => {
      if (counted.own === undefined && pack.size !== cameIn.size) throw trailingBytes();
      await check({ size: pack.size, read: pack.read, idx: entries });
      return {
        ...counted,
        pack: await artifact(pack),
        idx: await artifact(idx),
        commits: await commitsIn(entries, pack, tips),
      };
    });
  });
}

/**
 * Counts the entries of a pack, and tells those that came in from the bases that index-pack appended in place of the trailer:
 * the first of these begins where the trailer of the pack that came in began, and all entries of that pack lie before it.
 */
async function countEntries(idx: PackIdx, cameIn: CameIn): Promise<Pick<ReceivedPack, 'objects' | 'own'>> {
  const { objects } = idx;
  if (objects === cameIn.objects) return { objects };
  const end = cameIn.size - idx.idLength;
  const { before, begins } = await idx.splitAt(end);
  if (before !== cameIn.objects || !begins) throw trailingBytes();
  return { objects, own: { objects: cameIn.objects, end } };
}

function trailingBytes(): CairnError {
  return new CairnError('invalid', 'bytes follow the end of the pack');
}

/**
 * Tips whose entries say that they are commits. git has just hashed each object under its type and written down where it
 * begins, so the first byte there can be relied on; one that says less is left to git.
 */
async function commitsIn(idx: PackIdx, pack: MeasuredFile, tips: readonly string[]): Promise<Set<string>> {
  const commits = new Set<string>();
  if (tips.length > TIPS_LOOKED_AT) return commits;
  for (const oid of tips) {
    const offset = await idx.offsetOf(Buffer.from(oid, 'hex'));
    if (offset === undefined) continue;
    const [first = 0] = await pack.read(offset, 1);
    if (isWholeCommit(first)) commits.add(oid);
  }
  return commits;
}

/** A file that is being hashed while it is read for other reasons. */
interface MeasuredFile extends Omit<LocalArtifact, 'digest'>, Pick<OpenedFile, 'read'> {
  readonly digest: Promise<Digest>;
}

/**
 * Has a file read, with what it measures.
 * @param known the digest of the file if it has this size
 */
async function measured<T>(
  path: string,
  known: Pick<CameIn, 'size' | 'digest'> | undefined,
  use: (file: MeasuredFile) => Promise<T>,
): Promise<T> {
  const file = await openFile(path);
  try {
    const { size } = file;
    if (size > READ_WHOLE) {
      const digest = size === known?.size ? Promise.resolve(known.digest) : sha256OfFile(path);
      const [used] = await allSettledOrThrow([use({ path, size, digest, read: file.read }), digest]);
      return used;
    }
    const whole = await file.read(0, size);
    const read = async (position: number, length: number) => whole.subarray(position, position + length);
    return await use({ path, size, digest: Promise.resolve(sha256(whole)), whole, read });
  } finally {
    await file.close();
  }
}

async function artifact({ read: _read, digest, ...file }: MeasuredFile): Promise<LocalArtifact> {
  return { ...file, digest: await digest };
}

import { longestEntryHeader, PACKED_COMMIT, PACKED_TAG, readPlainCommit } from '../../../git/index.ts';
import { GrowingWords } from '../../../lib/growing-words.ts';
import { Inflater } from '../../../lib/inflate.ts';
import { entryHeaderAt } from '../entries/entry-header.ts';
import { idFromHex } from './id-from-hex.ts';

/** Bytes of a commit. Larger ones, and all behind them, are looked at later. */
const LARGEST = 16 * 1024;
/** Up to so many bytes zlib takes longer to be called than they take to be inflated in JavaScript. */
export const SMALL_COMMIT = 4_096;
/** A larger commit is not looked at if it has more bytes for each one that it is deflated to: a thousand parents that are the same take some hundred. */
export const MOST_OF_BYTE = 16;
/** Deflated bytes within which a commit ends, unless the pack is not as git writes it. */
const LONGEST = 2 * LARGEST;
/** Bytes of the checksum behind a zlib stream. */
const CHECKSUM = 4;
/** Links that are remembered: 10 MB with SHA-1. */
const MOST_LINKS = 512 * 1024;
/** Bytes of commits that are inflated in one turn of the event loop: a few milliseconds. */
const MOST_IN_TURN = 512 * 1024;
/** Bytes that take as long as the codes of a small one. */
const LEAST_IN_TURN = 1024;
/** Offsets are kept in 32 bits. */
const MOST = 2 ** 32 - 1;

/** Is called for the tree of a commit and for each parent, with where the raw id begins. */
export type RawLinkVisitor = (isParent: boolean, bytes: Buffer, at: number) => void;

/**
 * The plain commits at the beginning of a pack, where git writes them among tags, read while git is at work on it. What is remembered counts only where
 * git's idx has an entry of the same place and length: git has then inflated the same bytes.
 */
export class EarlyCommits {
  /** True when nothing more is read: something else than a commit or a tag has come, or one that is not as most are. */
  isOver = false;
  private readonly idLength: number;
  private readonly inflater = new Inflater();
  private readonly room = Buffer.allocUnsafe(LARGEST);
  /** By number of a plain commit: where its entry begins, its bytes, those it is deflated to, and the number of its first link. */
  private readonly offsets = new GrowingWords(0);
  private readonly sizes = new GrowingWords(0);
  private readonly lengths = new GrowingWords(0);
  private readonly firsts = new GrowingWords(0);
  /** Raw ids of trees and parents, in the order of the commits: of each its tree first. */
  private links = Buffer.allocUnsafe(64 * 1024);
  private linked = 0;
  /** Bytes of commits in this turn. */
  private inflated = 0;
  /** The number of the commit that was found last: they are looked for in the order of the pack. */
  private found = 0;

  /** @param idLength bytes of a raw id */
  constructor(idLength: number) {
    this.idLength = idLength;
  }

  /** How many were plain. */
  get count(): number {
    return this.offsets.length;
  }

  /**
   * Reads on, for one turn of the event loop.
   * @param bytes of the pack, in which an entry begins at `from`
   * @param start where they begin in the pack
   * @returns where in `bytes` to read on
   */
  read(bytes: Buffer, from: number, start: number): number {
    this.inflated = 0;
    let at = from;
    while (at + longestEntryHeader <= bytes.length && this.inflated < MOST_IN_TURN) {
      const end = this.readEntry(bytes, at, start);
      if (end === undefined) break;
      at = end;
    }
    return at;
  }

  /** @returns where the entry ends; undefined when it is not here as a whole, or nothing more is read */
  private readEntry(bytes: Buffer, at: number, start: number): number | undefined {
    const header = entryHeaderAt(bytes, at, start + at, this.idLength);
    if (header === undefined || header.size > LARGEST || start + at > MOST) return this.stop();
    const { type, size } = header;
    if (type !== PACKED_COMMIT && type !== PACKED_TAG) return this.stop();
    this.inflated += Math.max(size, LEAST_IN_TURN);
    const from = at + header.length;
    const isWhole = this.inflater.inflate(bytes, from, bytes.length, this.room, 0, size);
    const end = this.inflater.end + CHECKSUM;
    if (!isWhole || end > bytes.length) return bytes.length - from > LONGEST ? this.stop() : undefined;
    const length = end - from;
    if ((size > SMALL_COMMIT && size > MOST_OF_BYTE * length) || this.linked >= MOST_LINKS)
      return this.stop();
    if (type === PACKED_TAG) return end;
    const first = this.linked;
    if (!readPlainCommit(this.room, 0, size, 2 * this.idLength, (_, id) => this.link(id))) {
      this.linked = first;
      return end;
    }
    this.offsets.push(start + at);
    this.sizes.push(size);
    this.lengths.push(length);
    this.firsts.push(first);
    return end;
  }

  private stop(): undefined {
    this.isOver = true;
    return undefined;
  }

  /** Remembers the id that is in `room`, in hex digits. */
  private link(at: number): void {
    const { idLength } = this;
    const to = this.linked++ * idLength;
    if (to + idLength > this.links.length) {
      const grown = Buffer.allocUnsafe(2 * this.links.length);
      this.links.copy(grown);
      this.links = grown;
    }
    idFromHex(this.room, at, this.links, to, idLength);
  }

  /**
   * Looks for a commit that was read. Ask in the order of the pack.
   * @param offset where its entry begins in the pack
   * @param size bytes that it has
   * @param length bytes that it is deflated to
   * @param visit called for its tree and its parents, if it was
   * @returns true if it was read, and is plain
   */
  find(offset: number, size: number, length: number, visit: RawLinkVisitor): boolean {
    const { offsets, sizes, lengths, firsts, links, idLength } = this;
    while (this.found < offsets.length && offsets.get(this.found) < offset) this.found++;
    const { found } = this;
    if (found >= offsets.length || offsets.get(found) !== offset) return false;
    if (sizes.get(found) !== size || lengths.get(found) !== length) return false;
    const first = firsts.get(found);
    const behind = found + 1 < firsts.length ? firsts.get(found + 1) : this.linked;
    for (let link = first; link < behind; link++) visit(link > first, links, link * idLength);
    return true;
  }
}

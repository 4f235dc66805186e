import { inflateSync } from 'node:zlib';
import { PACKED_COMMIT, PACKED_TREE, readPlainCommit } from '../../../git/index.ts';
import { inStretches } from '../../../lib/cooperative.ts';
import { GrowingWords } from '../../../lib/growing-words.ts';
import { Inflater } from '../../../lib/inflate.ts';
import type { SortedIds } from '../../../lib/sorted-ids.ts';
import type { DeflatedEntry, EntryListener } from '../entries/entry-listener.ts';
import { type EarlyCommits, MOST_OF_BYTE, type RawLinkVisitor, SMALL_COMMIT } from './early-commits.ts';
import { idFromHex } from './id-from-hex.ts';

/** A commit of more bytes is not looked at. */
const LARGEST = 64 * 1024;
/** Links that are remembered, 8 bytes each: for each object of the pack, and besides. A commit for which there is no room is not plain. */
const LINKS_OF_OBJECT = 4;
const LINKS_BESIDES = 64 * 1024;
const NONE = -1;

/** Looks at the commits of a pack, while its entries are read. */
export class PlainCommits implements EntryListener {
  private readonly ids: SortedIds;
  private readonly early: EarlyCommits | undefined;
  private readonly inflater = new Inflater();
  private readonly room = Buffer.allocUnsafe(SMALL_COMMIT);
  private readonly id: Buffer;
  /** By place among the ids: 1 for a plain one. */
  private readonly plain: Uint8Array;
  /** Pairs: the place of an object that is linked to, and twice the place of the commit, one more if as to a parent. */
  private readonly links = new GrowingWords(0);

  /** @param early commits that were read before the ids were known */
  constructor(ids: SortedIds, early?: EarlyCommits) {
    this.ids = ids;
    this.early = early;
    this.id = Buffer.alloc(ids.idLength);
    this.plain = new Uint8Array(ids.count);
  }

  wants(type: number | undefined): boolean {
    return type === PACKED_COMMIT;
  }

  take({ place, offset, size, bytes, from, to }: DeflatedEntry): void {
    const { length } = this.links;
    let isLinked = true;
    const most = 2 * (LINKS_OF_OBJECT * this.ids.count + LINKS_BESIDES);
    const link: RawLinkVisitor = (isParent, raw, at) => {
      if (!isLinked || this.links.length >= most) {
        isLinked = false;
        return;
      }
      const target = this.ids.indexOf(raw, at);
      if (target === NONE) isLinked = false;
      this.links.push(target);
      this.links.push(2 * place + (isParent ? 1 : 0));
    };
    const isPlain =
      this.early?.find(offset, size, to - from, link) === true || this.isPlain(bytes, from, to, size, link);
    if (isPlain && isLinked) this.plain[place] = 1;
    else this.links.length = length;
  }

  private isPlain(bytes: Buffer, from: number, to: number, size: number, link: RawLinkVisitor): boolean {
    const commit = this.read(bytes, from, to, size);
    if (commit === undefined) return false;
    const { id, ids } = this;
    return readPlainCommit(commit, 0, size, 2 * ids.idLength, (isParent, at) => {
      idFromHex(commit, at, id, 0, ids.idLength);
      link(isParent, id, 0);
    });
  }

  /**
   * The commits that git's checks may have something to say about, or the links of which do not lead to what they should.
   * @param types of all objects of the pack
   * @returns their places among the ids
   */
  async odd(types: Uint8Array): Promise<number[]> {
    const { plain } = this;
    const links = this.links.values();
    await inStretches(links.length / 2, (from, to) => {
      for (let at = from; at < to; at++) {
        const source = links[2 * at + 1] ?? 0;
        const wanted = source & 1 ? PACKED_COMMIT : PACKED_TREE;
        if (types[links[2 * at] ?? 0] !== wanted) plain[source >>> 1] = 0;
      }
    });
    const odd: number[] = [];
    await inStretches(types.length, (from, to) => {
      for (let place = from; place < to; place++)
        if (types[place] === PACKED_COMMIT && plain[place] !== 1) odd.push(place);
    });
    return odd;
  }

  /** @returns the commit; undefined when it is not looked at */
  private read(bytes: Buffer, from: number, to: number, size: number): Buffer | undefined {
    const { room } = this;
    if (size <= SMALL_COMMIT) return this.inflater.inflate(bytes, from, to, room, 0, size) ? room : undefined;
    const most = Math.min(LARGEST, MOST_OF_BYTE * (to - from));
    return size > most ? undefined : inflateSync(bytes.subarray(from, to), { maxOutputLength: size });
  }
}

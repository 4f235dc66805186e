/**
 * Trees that are kept as deltas, put together: what many entries of a tree are read from. A tree is a delta from one of those shortly before
 * it, so the last ones are remembered.
 */
import { DeltaSteps } from '../../../git/index.ts';
import { type KeptTrees, NO_BASE } from './kept-trees.ts';

/** Trees that are remembered, and bytes that one may have. */
const REMEMBERED = 64;
const LARGEST = 32 * 1024;
/** Bytes of any that is put together: others are held for the time of a push. In 16 MiB are some 400,000 entries. */
const LARGEST_OF_ALL = 16 * 1024 * 1024;
/** So many bits fewer has the number of steps of a tree than that of its bytes; and what an instruction of a delta counts for. */
const STEPS_OF_BYTES = 6;
const STEPS_OF_INSTRUCTION = 16;

export class WholeTrees {
  private readonly trees: KeptTrees;
  private readonly delta = new DeltaSteps();
  /** By place: the tree whose bytes are there, and the bytes, with room behind them. All are used again. */
  private readonly remembered: { tree: number; bytes: Buffer }[] = [];
  private readonly places = new Map<number, number>();
  private next = 0;
  /** Two in turns: what is between a tree and the one that it was put together from. */
  private readonly between: [Buffer, Buffer] = [Buffer.alloc(0), Buffer.alloc(0)];

  constructor(trees: KeptTrees) {
    this.trees = trees;
  }

  /**
   * @param tree that is kept as a delta
   * @returns its bytes, with others behind them, for the time until the next call; undefined when `steps` of the trees is below 0
   *   afterwards
   */
  bytesOf(tree: number): Buffer | undefined {
    const { trees } = this;
    const deltas: number[] = [];
    let at = tree;
    let made = this.known(at);
    for (; made === undefined && trees.baseOf(at) !== NO_BASE; made = this.known(at)) {
      deltas.push(at);
      at = trees.baseOf(at);
    }
    let base: Buffer = made ?? trees.buffer.subarray(trees.beginOf(at), trees.endOf(at));
    for (let next = deltas.pop(); next !== undefined; next = deltas.pop()) {
      const size = trees.sizeOf(next);
      trees.steps = size > LARGEST_OF_ALL ? -1 : trees.steps - (size >>> STEPS_OF_BYTES);
      if (trees.steps < 0) return undefined;
      const target = deltas.length === 0 ? this.roomFor(next, size, base) : this.roomBetween(size, base);
      this.apply(next, base, target);
      base = target;
    }
    return base;
  }

  private known(tree: number): Buffer | undefined {
    const place = this.places.get(tree);
    return place === undefined ? undefined : this.remembered[place]?.bytes;
  }

  private apply(tree: number, base: Buffer, target: Buffer): void {
    const { trees, delta } = this;
    const { buffer } = trees;
    delta.begin(buffer, trees.beginOf(tree), trees.endOf(tree));
    for (let position = 0; delta.read(); position += delta.length) {
      trees.steps -= STEPS_OF_INSTRUCTION;
      (delta.copies ? base : buffer).copy(target, position, delta.at, delta.at + delta.length);
    }
  }

  /** Room for a tree that is remembered, unless it is large. @param used that has to stay as it is */
  private roomFor(tree: number, size: number, used: Buffer): Buffer {
    if (size > LARGEST) return Buffer.allocUnsafe(size);
    if (this.remembered[this.next]?.bytes === used) this.next = (this.next + 1) % REMEMBERED;
    const place = this.next;
    this.next = (place + 1) % REMEMBERED;
    const old = this.remembered[place];
    if (old !== undefined) this.places.delete(old.tree);
    const bytes = old !== undefined && old.bytes.length >= size ? old.bytes : roomOf(size);
    this.remembered[place] = { tree, bytes };
    this.places.set(tree, place);
    return bytes;
  }

  private roomBetween(size: number, used: Buffer): Buffer {
    const place = this.between[0] === used ? 1 : 0;
    if (this.between[place].length < size) this.between[place] = roomOf(size);
    return this.between[place];
  }
}

/** Room for a tree, and for some that are larger. */
function roomOf(size: number): Buffer {
  return Buffer.allocUnsafeSlow(size + (size >>> 1) + 64);
}

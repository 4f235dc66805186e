/** Something that takes a slot. */
export interface SlotHolder {
  /** Milliseconds without progress that the client is to blame for; undefined while the holder must not be evicted. */
  stalledFor(): number | undefined;
  /** Ends the holder so that another gets its slot. It still has to call `leave`. */
  evict(): void;
}

/** Why there is no slot: `key`: the key has as many as it may; `all`: all are taken, by keys with no more than this one. */
export type SlotRefusal = 'key' | 'all';

export type Entry = { readonly leave: () => void } | { readonly refused: SlotRefusal };

/**
 * A bounded number of slots, and a bounded number for each key (a network address). When all are taken and a newcomer's key
 * has fewer than another key, the fullest key loses the slot that has stalled longest: a key with many slots cannot keep out
 * one with few.
 */
export class FairSlots {
  private readonly all: number;
  private readonly perKey: number;
  private readonly holders = new Map<string, Set<SlotHolder>>();
  private taken = 0;

  /**
   * @param all how many slots there are
   * @param perKey how many slots a key may have
   */
  constructor(all: number, perKey: number) {
    this.all = all;
    this.perKey = perKey;
  }

  /** How many slots are taken. */
  get size(): number {
    return this.taken;
  }

  /** How many slots a key has. */
  sizeOf(key: string): number {
    return this.holders.get(key)?.size ?? 0;
  }

  /**
   * Takes a slot.
   * @returns `leave`, which gives the slot back and may be called twice; or why there is none
   */
  enter(key: string, holder: SlotHolder): Entry {
    if (this.sizeOf(key) >= this.perKey) return { refused: 'key' };
    if (this.taken >= this.all && !this.makeRoomFor(key)) return { refused: 'all' };
    const own = this.holders.get(key) ?? new Set();
    this.holders.set(key, own);
    own.add(holder);
    this.taken++;
    return { leave: () => this.leave(key, holder) };
  }

  private leave(key: string, holder: SlotHolder): void {
    const own = this.holders.get(key);
    if (own?.delete(holder) !== true) return;
    this.taken--;
    if (own.size === 0) this.holders.delete(key);
  }

  private makeRoomFor(key: string): boolean {
    let fullest: readonly [string, ReadonlySet<SlotHolder>] | undefined;
    for (const entry of this.holders) {
      if (entry[1].size > (fullest?.[1].size ?? 0)) fullest = entry;
    }
    // Even with one less, the fullest key must not have fewer slots than the newcomer's.
    if (fullest === undefined || fullest[1].size <= this.sizeOf(key) + 1) return false;
    let victim: SlotHolder | undefined;
    let longest = -1;
    for (const holder of fullest[1]) {
      const stalled = holder.stalledFor();
      if (stalled !== undefined && stalled > longest) [victim, longest] = [holder, stalled];
    }
    if (victim === undefined) return false;
    this.leave(fullest[0], victim);
    victim.evict();
    return true;
  }
}

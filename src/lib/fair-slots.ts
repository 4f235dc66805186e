/** Something that takes a slot. */
export interface SlotHolder {
  /** Milliseconds for which nothing has moved on its own account; undefined while it is not to be ended for another. */
  stalledFor(): number | undefined;
  /** Ends it: another gets its slot. It still has to leave. */
  evict(): void;
}

/** Who may not enter: its own key has as many as it may, or all are taken by keys that have no more than it has. */
export type SlotRefusal = 'key' | 'all';

export type Entry = { readonly leave: () => void } | { readonly refused: SlotRefusal };

/**
 * A bounded number of slots, and a bounded number of them for each key (a network address). When all are taken and the key
 * of a newcomer has fewer than another, the holder of the fullest key that has stalled longest makes room: who has many
 * slots cannot keep out who has few. Decided by counts, and among those of one key by who has stalled.
 */
export class FairSlots {
  private readonly all: number;
  private readonly perKey: number;
  private readonly holders = new Map<string, Set<SlotHolder>>();
  private taken = 0;

  /**
   * @param all slots there are
   * @param perKey slots of one key at most
   */
  constructor(all: number, perKey: number) {
    this.all = all;
    this.perKey = perKey;
  }

  /** Slots taken now. */
  get size(): number {
    return this.taken;
  }

  /** Slots that a key has now. */
  sizeOf(key: string): number {
    return this.holders.get(key)?.size ?? 0;
  }

  /**
   * Takes a slot.
   * @returns how to give it back, which may be called twice; or why there is none
   */
  enter(key: string, holder: SlotHolder): Entry {
    if (this.sizeOf(key) >= this.perKey) return { refused: 'key' };
    if (this.taken >= this.all && !this.makeRoomFor(key)) return { refused: 'all' };
    const mine = this.holders.get(key) ?? new Set();
    this.holders.set(key, mine);
    mine.add(holder);
    this.taken++;
    return { leave: () => this.leave(key, holder) };
  }

  private leave(key: string, holder: SlotHolder): void {
    const mine = this.holders.get(key);
    if (mine?.delete(holder) !== true) return;
    this.taken--;
    if (mine.size === 0) this.holders.delete(key);
  }

  private makeRoomFor(key: string): boolean {
    let fullest: readonly [string, ReadonlySet<SlotHolder>] | undefined;
    for (const entry of this.holders) {
      if (entry[1].size > (fullest?.[1].size ?? 0)) fullest = entry;
    }
    // It is to have no fewer than the newcomer even then.
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

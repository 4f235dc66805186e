/** What is known of an object: its height, and the bytes of the heaviest path down from it (see `link-heights.ts`). */
export interface Reach {
  readonly height: number;
  readonly bytes: number;
  /** Present where both are upper bounds (see `height-bounds.ts`). */
  readonly atMost?: true;
}

/** Greater heights are stored as this one. */
export const HIGHEST = 65_535;
/** Larger weights are stored as this one. */
export const HEAVIEST = 2 ** 32 - 1;

/** Heights of objects met before. They follow from the ids alone, whatever repository an object is in. */
export class HeightMemory {
  /**
   * Both numbers in one, as `bytes * (HIGHEST + 1) + height`, below 0 for upper bounds: an object for each entry would take as much
   * again.
   */
  private readonly reaches = new Map<string, number>();
  private readonly capacity: number;

  /** @param capacity objects remembered, the ones asked for last; some 100 bytes each */
  constructor(capacity = 200_000) {
    this.capacity = capacity;
  }

  get(id: string): Reach | undefined {
    const reach = this.reaches.get(id);
    if (reach === undefined) return undefined;
    this.keep(id, reach);
    const both = Math.abs(reach);
    const height = both % (HIGHEST + 1);
    const known = { height, bytes: (both - height) / (HIGHEST + 1) };
    return reach < 0 ? { ...known, atMost: true } : known;
  }

  /** An upper bound does not replace what is known better. */
  set(id: string, { height, bytes, atMost }: Reach): void {
    const reach = bytes * (HIGHEST + 1) + height;
    const known = this.reaches.get(id) ?? Number.NEGATIVE_INFINITY;
    this.keep(id, atMost === true ? Math.max(known, -reach) : reach);
  }

  private keep(id: string, reach: number): void {
    this.reaches.delete(id);
    this.reaches.set(id, reach);
    if (this.reaches.size <= this.capacity) return;
    for (const oldest of this.reaches.keys()) {
      this.reaches.delete(oldest);
      return;
    }
  }
}

import type { Bag } from './bag.ts';
import type { BroughtDelta } from './prepared-artifacts.ts';
import { dayOf, hasWaited, type WaitingDelta } from './waiting-deltas.ts';

/** Deltas of a bag that have waited for too long, while an intake over it goes on. */
export class ExpiredDeltas {
  /** For a delta that begins to wait now. */
  readonly today: number;
  private readonly bag: Bag;
  private readonly expired = new Set<string>();

  constructor(bag: Bag) {
    this.bag = bag;
    this.today = dayOf(bag.context.clock);
  }

  has(delta: Pick<WaitingDelta, 'slot' | 'source'>): boolean {
    return this.expired.size > 0 && this.expired.has(keyOf(delta));
  }

  /**
   * The deltas that have waited for more than so many days. From now on they count as expired.
   * @param brought what the intake lets wait: records drop all deltas of a name and a source at once, and these must stay
   */
  expire(days: number, brought: readonly BroughtDelta[]): BroughtDelta[] {
    const { view } = this.bag;
    const isOld = (delta: WaitingDelta) => hasWaited(delta, days, this.today);
    if (!view.waiting.some(isOld)) return [];
    const young = new Set(view.waiting.filter((delta) => !isOld(delta)).map(keyOf));
    for (const { name, source } of brought) {
      young.add(keyOf({ slot: this.bag.slotOf(name), source: this.bag.slotOf(source) }));
    }
    const found: BroughtDelta[] = [];
    for (const delta of view.waiting) {
      const key = keyOf(delta);
      if (young.has(key) || this.expired.has(key)) continue;
      this.expired.add(key);
      const { names } = view.table;
      found.push({
        name: names.at(delta.slot),
        source: names.at(delta.source),
        isPrivate: delta.isPrivate,
      });
    }
    return found;
  }

  /** What of the bag still waits. */
  left(): { readonly bytes: number; readonly records: number } {
    let [bytes, records] = [0, 0];
    for (const delta of this.bag.view.waiting) {
      if (this.has(delta)) continue;
      bytes += delta.length;
      records++;
    }
    return { bytes, records };
  }
}

function keyOf({ slot, source }: Pick<WaitingDelta, 'slot' | 'source'>): string {
  return `${slot} ${source}`;
}

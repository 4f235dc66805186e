import { FAULT_SITES, type FaultSite, type FaultSites } from '../../src/fossil-sync/faults.ts';
import { SeededRandom } from './seeded-random.ts';

/**
 * Faults that repeat themselves: the same seed gives the same faults. Each site draws from a stream of its own, so a new
 * site, or another number of draws at one, leaves the decisions of all others as they are.
 */
export class SeededFaults implements FaultSites {
  /** False: nothing fires, as after healing. */
  enabled = true;
  /** True: a site that has not fired yet fires at its next chance. */
  insists = false;
  /** How often each site fired. */
  readonly fired = new Map<FaultSite, number>();
  private readonly seed: number;
  private readonly streams = new Map<FaultSite, SeededRandom>();
  private readonly probabilities: Partial<Record<FaultSite, number>>;

  /** @param probabilities of sites that shall not fire as often as {@link FAULT_SITES} says */
  constructor(seed: number, probabilities: Partial<Record<FaultSite, number>> = {}) {
    this.seed = seed;
    this.probabilities = probabilities;
  }

  fires(site: FaultSite, probability: number): boolean {
    if (!this.enabled) return false;
    const drawn = this.stream(site).fraction();
    const isDue = this.insists && !this.fired.has(site);
    const fires = isDue || drawn < (this.probabilities[site] ?? probability);
    if (fires) this.fired.set(site, (this.fired.get(site) ?? 0) + 1);
    return fires;
  }

  /** The sites that have not fired yet. */
  silent(): FaultSite[] {
    return (Object.keys(FAULT_SITES) as FaultSite[]).filter((site) => !this.fired.has(site));
  }

  private stream(site: FaultSite): SeededRandom {
    let stream = this.streams.get(site);
    if (stream === undefined) {
      stream = new SeededRandom(this.seed ^ hash(site));
      this.streams.set(site, stream);
    }
    return stream;
  }
}

/** FNV-1a: the seed of a stream depends on the name of its site alone. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value >>> 0;
}

import { CairnError } from '../lib/errors.ts';
import type { Release } from '../lib/limiter.ts';

/** Whoever only reads and whoever writes take turns: a thousand clones must not keep the push away that they wait for. */
export type GitWork = 'fetch' | 'push';

interface Waiter {
  admit(): void;
  refuse(): void;
}

/** One repository with places, or with somebody who waits for one. */
interface Claimant {
  taken: number;
  readonly waiting: Readonly<Record<GitWork, Waiter[]>>;
  /** What it was given a place for last. */
  last: GitWork;
  /** The turn in which it was, or in which it came: before whoever was served in that turn, after all who waited then. */
  served: number;
}

/**
 * Places for work that runs git. They are shared out fairly:
 * - a place that gets free goes to the repository that has the fewest of those that wait, of equals to the one that was
 *   served longest ago; in a repository fetches and pushes take turns, each first come first served;
 * - where nobody else wants them, one repository may have all places but a quarter, so that others need not even wait
 *   for one of its clones to end;
 * - when too many wait, the last of the longest queue is told `busy`, which need not be the one who came last.
 */
export class FairSemaphore {
  private readonly most: number;
  private readonly queue: number;
  private free: number;
  private queued = 0;
  private turn = 0;
  private readonly claimants = new Map<string, Claimant>();

  /**
   * @param places at least 1
   * @param queue how many may wait
   */
  constructor(places: number, queue: number) {
    this.free = places;
    this.most = places - Math.floor(places / 4);
    this.queue = queue;
  }

  /** How many wait for a place. */
  get waiting(): number {
    return this.queued;
  }

  /** True while somebody waits for a place. */
  get contended(): boolean {
    return this.queued > 0;
  }

  /** True while a repository would have to wait for a place. */
  wouldWait(repository: string): boolean {
    const claimant = this.claimants.get(repository);
    if (claimant === undefined) return this.free === 0;
    return isWaiting(claimant) || !this.mayTake(claimant);
  }

  /**
   * Waits for a place.
   * @returns the function that gives it back; calling it twice is harmless
   * @throws CairnError `busy` when too many wait; the signal's reason when aborted meanwhile
   */
  async acquire(repository: string, signal: AbortSignal, work: GitWork = 'fetch'): Promise<Release> {
    signal.throwIfAborted();
    const claimant = this.claimantFor(repository);
    if (this.mayTake(claimant) && !isWaiting(claimant)) return this.give(repository, claimant, work);
    if (this.queued >= this.queue && !this.makeRoomFor(claimant)) {
      this.forget(repository, claimant);
      throw tooMany();
    }
    return new Promise<Release>((resolve, reject) => {
      const lane = claimant.waiting[work];
      const leave = () => {
        lane.splice(lane.indexOf(waiter), 1);
        this.queued--;
        signal.removeEventListener('abort', go);
      };
      const go = () => {
        leave();
        this.forget(repository, claimant);
        reject(signal.reason);
      };
      const waiter: Waiter = {
        admit: () => {
          leave();
          resolve(this.give(repository, claimant, work));
        },
        refuse: () => {
          leave();
          this.forget(repository, claimant);
          reject(tooMany());
        },
      };
      lane.push(waiter);
      this.queued++;
      signal.addEventListener('abort', go, { once: true });
    });
  }

  private mayTake(claimant: Claimant): boolean {
    return this.free > 0 && claimant.taken < this.most;
  }

  private give(repository: string, claimant: Claimant, work: GitWork): Release {
    this.free--;
    claimant.taken++;
    claimant.last = work;
    claimant.served = ++this.turn;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.free++;
      claimant.taken--;
      this.admitNext();
      this.forget(repository, claimant);
    };
  }

  private admitNext(): void {
    const next = this.nextClaimant();
    if (next === undefined) return;
    const { fetch, push } = next.waiting;
    const [first, second] = next.last === 'fetch' ? [push, fetch] : [fetch, push];
    (first[0] ?? second[0])?.admit();
  }

  private nextClaimant(): Claimant | undefined {
    let next: Claimant | undefined;
    for (const claimant of this.claimants.values()) {
      if (!isWaiting(claimant) || !this.mayTake(claimant)) continue;
      const sooner =
        next === undefined ||
        claimant.taken < next.taken ||
        (claimant.taken === next.taken && claimant.served < next.served);
      if (sooner) next = claimant;
    }
    return next;
  }

  /** Refuses the last of the longest queue. @returns false when `claimant` would have that queue itself */
  private makeRoomFor(claimant: Claimant): boolean {
    let fullest = claimant;
    for (const other of this.claimants.values()) {
      if (waitingFor(other) > waitingFor(fullest)) fullest = other;
    }
    // It is to be longer even when this one has joined its own.
    if (waitingFor(fullest) <= waitingFor(claimant) + 1) return false;
    const { fetch, push } = fullest.waiting;
    (fetch.length >= push.length ? fetch : push).at(-1)?.refuse();
    return true;
  }

  private claimantFor(repository: string): Claimant {
    let claimant = this.claimants.get(repository);
    if (claimant === undefined) {
      claimant = { taken: 0, waiting: { fetch: [], push: [] }, last: 'push', served: this.turn - 0.5 };
      this.claimants.set(repository, claimant);
    }
    return claimant;
  }

  private forget(repository: string, claimant: Claimant): void {
    if (claimant.taken > 0 || isWaiting(claimant)) return;
    if (this.claimants.get(repository) === claimant) this.claimants.delete(repository);
  }
}

function waitingFor({ waiting }: Claimant): number {
  return waiting.fetch.length + waiting.push.length;
}

function isWaiting(claimant: Claimant): boolean {
  return waitingFor(claimant) > 0;
}

function tooMany(): CairnError {
  return new CairnError('busy', 'too many git operations at once, try again in a moment');
}

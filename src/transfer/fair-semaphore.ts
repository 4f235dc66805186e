import { CairnError } from '../lib/errors.ts';
import type { Release } from '../lib/limiter.ts';

/** Kinds of work that take turns: a thousand clones must not keep a push waiting. */
export type GitWork = 'fetch' | 'push';

interface Waiter {
  admit(): void;
  refuse(): void;
}

/** A repository that holds slots or waits for one. */
interface Claimant {
  taken: number;
  readonly waiting: Readonly<Record<GitWork, Waiter[]>>;
  /** Kind of work that got the last slot. */
  last: GitWork;
  /** The turn in which it got its last slot; for a new one, just before the current turn, so it follows all who wait. */
  served: number;
}

/**
 * Slots for work that runs git, shared out fairly:
 * - A free slot goes to the waiting repository with the fewest slots; among equals, to the one served longest ago. Within a
 *   repository, fetches and pushes take turns, each first come, first served.
 * - One repository may hold at most three quarters of the slots, so that others need not wait for one of its clones to end.
 * - If too many wait, the newest request of the longest queue is refused as `busy`. It need not be the one that came last.
 */
export class FairSemaphore {
  private readonly most: number;
  private readonly queue: number;
  private free: number;
  private queued = 0;
  private turn = 0;
  private readonly claimants = new Map<string, Claimant>();

  /**
   * @param slots at least 1
   * @param queue how many may wait
   */
  constructor(slots: number, queue: number) {
    this.free = slots;
    this.most = slots - Math.floor(slots / 4);
    this.queue = queue;
  }

  /** Number of requests that wait for a slot. */
  get waiting(): number {
    return this.queued;
  }

  /** True while a request waits for a slot. */
  get contended(): boolean {
    return this.queued > 0;
  }

  /** True if a new request of this repository would have to wait for a slot. */
  wouldWait(repository: string): boolean {
    const claimant = this.claimants.get(repository);
    if (claimant === undefined) return this.free === 0;
    return isWaiting(claimant) || !this.mayTake(claimant);
  }

  /**
   * Waits for a slot.
   * @returns the function that gives it back; a second call has no effect
   * @throws CairnError `busy` if too many wait; the signal's reason if aborted meanwhile
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

  /** Refuses the newest request of the longest queue. @returns false if that queue is `claimant`'s own */
  private makeRoomFor(claimant: Claimant): boolean {
    let fullest = claimant;
    for (const other of this.claimants.values()) {
      if (waitingFor(other) > waitingFor(fullest)) fullest = other;
    }
    // The queue must be longer even after the new request has joined its own.
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

import { Limiter, type Release } from '../lib/limiter.ts';

/**
 * Places for work that runs git, for the whole process and for each repository: one busy repository cannot
 * take all of them. Whoever finds a queue full is told `busy`.
 */
export class GitPlaces {
  private readonly all: Limiter;
  private readonly perRepository = new Map<string, Limiter>();
  private readonly places: number;
  private readonly queue: number;

  constructor(places: number, queue: number) {
    this.places = Math.max(1, Math.ceil(places / 4));
    this.queue = queue;
    this.all = new Limiter('git operations', places, queue);
  }

  /**
   * Waits for a place.
   * @throws CairnError `busy` when too many wait already; the signal's reason when aborted meanwhile
   */
  async acquire(repository: string, signal: AbortSignal): Promise<Release> {
    const limiter = this.limiterFor(repository);
    const releaseOwn = await limiter.acquire(signal);
    const leave = () => {
      releaseOwn();
      // By the time of a second call the name may stand for another limiter, which is in use.
      if (limiter.active === 0 && this.perRepository.get(repository) === limiter) {
        this.perRepository.delete(repository);
      }
    };
    try {
      const releaseAll = await this.all.acquire(signal);
      return () => {
        releaseAll();
        leave();
      };
    } catch (error) {
      leave();
      throw error;
    }
  }

  private limiterFor(repository: string): Limiter {
    let limiter = this.perRepository.get(repository);
    if (limiter === undefined) {
      limiter = new Limiter('operations on this repository', this.places, this.queue);
      this.perRepository.set(repository, limiter);
    }
    return limiter;
  }
}

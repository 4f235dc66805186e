import { CairnError } from '../../lib/errors.ts';
import { Limiter } from '../../lib/limiter.ts';
import type { PublishedFossilState } from '../../repository/fossil/fossil-manifest.ts';
import type { FossilRepository } from '../../repository/fossil/fossil-repository.ts';
import { FossilMemory } from './fossil-memory.ts';
import type { FossilView } from './fossil-view.ts';

export interface FossilViewsOptions {
  /** Pages that may be made at once. */
  readonly slots: number;
  /** Pages that may wait for a slot; others are told `busy`. */
  readonly queue: number;
  /** Milliseconds that the work for one page may take. */
  readonly timeLimit: number;
  /** Waits until more urgent work has had its turn. */
  readonly standBack?: () => Promise<void>;
}

/** What pages read Fossil repositories through. They have slots of their own, and take none of those of clones and pushes. */
export class FossilViews {
  private readonly slots: Limiter;
  private readonly timeLimit: number;
  private readonly standBack: () => Promise<void>;
  private readonly memory = new FossilMemory();

  constructor({ slots, queue, timeLimit, standBack }: FossilViewsOptions) {
    this.slots = new Limiter('pages', slots, queue);
    this.timeLimit = timeLimit;
    this.standBack = standBack ?? (() => Promise.resolve());
  }

  /**
   * Reads a published state. The caller has decided that the reader may see it.
   * @param signal of the visitor; undefined for work that others share
   * @throws CairnError `busy` when too many pages wait, or the time for one is over; what `work` throws
   */
  async read<T>(
    repository: Pick<FossilRepository, 'bagOf'>,
    state: PublishedFossilState,
    signal: AbortSignal | undefined,
    work: (view: FossilView) => Promise<T>,
  ): Promise<T> {
    const release = await this.slots.acquire(signal);
    const timeout = AbortSignal.timeout(this.timeLimit);
    try {
      await this.standBack();
      const bag = await repository.bagOf(state);
      return await work({
        bag,
        memory: this.memory,
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      });
    } catch (error) {
      if (!timeout.aborted) throw error;
      throw new CairnError('busy', 'this page takes too long to make, try again later', { cause: error });
    } finally {
      release();
    }
  }
}

import type { Clock } from '../../../lib/clock.ts';
import { type PackBounds, timeFor } from '../bounds/pack-bounds.ts';

/** Milliseconds between two calls once it takes long: what they were for may have been put off. */
const LOOK_AGAIN_MS = 1_000;

export interface IndexingWorkOptions {
  readonly bounds: Pick<PackBounds, 'patience' | 'lookAfter'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  /** Is told how many seconds each step took. */
  readonly onWorked: (seconds: number) => void;
}

/**
 * How long git works on a pack that comes in as a stream: while it does not take more, and when it has all of it.
 *
 * There are thousands of steps, so no step has a timer of its own. One timer goes on from step to step. It is never later than the
 * time that it waits for, because that only moves away: while nobody waits for git, and with each byte that git is given.
 */
export class IndexingWork {
  /** True when it was ended because it took too long. */
  late = false;
  private readonly options: IndexingWorkOptions;
  private readonly stop: () => void;
  private readonly look: () => void;
  /** Milliseconds, without the step that is under way. */
  private worked = 0;
  /** When the step that is under way began; undefined between two. */
  private since: number | undefined;
  /** Bytes that git was given before it. */
  private bytes = 0;
  private timer: NodeJS.Timeout | undefined;

  /** @param stop called when it takes longer than there is patience @param look called again and again once it takes long */
  constructor(options: IndexingWorkOptions, stop: () => void, look: () => void) {
    this.options = options;
    this.stop = stop;
    this.look = look;
  }

  /** Waits for git. @param bytes that it was given so far */
  async during<T>(bytes: number, work: Promise<T>): Promise<T> {
    const { clock, onWorked } = this.options;
    const began = clock.monotonic();
    this.since = began;
    this.bytes = bytes;
    if (this.timer === undefined) this.check();
    try {
      return await work;
    } finally {
      this.since = undefined;
      const elapsed = clock.monotonic() - began;
      this.worked += elapsed;
      onWorked(elapsed / 1_000);
    }
  }

  /** No step follows. */
  end(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** Does what the time has come for, and waits for the next one. */
  private check(): void {
    const { bounds, clock } = this.options;
    this.timer = undefined;
    // The next step looks again.
    if (this.since === undefined || this.late) return;
    const worked = this.worked + clock.monotonic() - this.since;
    const untilLook = timeFor(bounds.lookAfter, this.bytes) - worked;
    const untilLate = timeFor(bounds.patience, this.bytes) - worked;
    if (untilLook <= 0) this.look();
    if (untilLate <= 0) {
      this.late = true;
      this.stop();
      return;
    }
    const next = Math.min(untilLook <= 0 ? LOOK_AGAIN_MS : untilLook, untilLate);
    this.timer = setTimeout(() => this.check(), Math.max(1, next));
  }
}

/** Looks into packs that git works on for long. */
import { hexLength, type ObjectFormat } from '../../../git/index.ts';
import type { Clock } from '../../../lib/clock.ts';
import { type PackBounds, timeFor, watchLimit } from '../bounds/pack-bounds.ts';
import { type WatchedPack, watchPack } from '../bounds/pack-watch.ts';

export interface LongLookOptions {
  readonly bounds: PackBounds;
  readonly clock: Pick<Clock, 'sleep'>;
  /** Of the repository the pack is for. */
  readonly format: ObjectFormat;
}

/** Milliseconds between two looks at the time that git has used. */
const FOLLOW_MS = 100;

/** The look into a pack that git works on for long. */
export class LongLook {
  /** What is beyond a bound. */
  problem: string | undefined;
  private readonly options: LongLookOptions;
  private readonly pack: WatchedPack;
  private readonly came: () => number;
  private readonly stop: () => void;
  private readonly over = new AbortController();
  private looking: Promise<void> | undefined;
  /** True while it is known how much of the processor git has used. */
  private timeIsKnown = false;
  private following: Promise<void> | undefined;

  /** @param came bytes of the pack so far @param stop ends git when something is found */
  constructor(
    options: LongLookOptions,
    pack: Omit<WatchedPack, 'idLength'>,
    came: () => number,
    stop: () => void,
  ) {
    this.options = options;
    this.pack = { ...pack, idLength: hexLength(options.format) / 2 };
    this.came = came;
    this.stop = stop;
  }

  /**
   * Begins once git has used much of the processor. Where a client sends slowly, git has worked on most of what came by the time more
   * comes, and nobody has waited for it.
   * @param time seconds of the processor that git has used; undefined where that is not known
   */
  follow(time: () => number | undefined): void {
    if (this.following !== undefined) return;
    this.timeIsKnown = true;
    this.following = untilAwaited(this.beginLater(time));
  }

  /**
   * Call it when git has worked for long by the clock. On a busy machine that is no sign of much work, so it counts only while it is
   * not known how much of the processor git has used.
   */
  begin(): void {
    if (!this.timeIsKnown) this.looking ??= untilAwaited(this.look());
  }

  /** Call it when git is done. @throws what went wrong with the look */
  async end(): Promise<void> {
    this.over.abort();
    await this.following;
    await this.looking;
  }

  private async beginLater(time: () => number | undefined): Promise<void> {
    const { bounds, clock } = this.options;
    const { signal } = this.over;
    try {
      const { objects } = this.pack;
      for (let used = 0; used * 1_000 < timeFor(bounds.lookAfter, this.came(), objects); ) {
        await clock.sleep(FOLLOW_MS, signal);
        const known = time();
        if (known === undefined) {
          this.timeIsKnown = false;
          return;
        }
        used = known;
      }
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    this.timeIsKnown = false;
    this.begin();
  }

  private async look(): Promise<void> {
    const { bounds, clock } = this.options;
    const limit = () => watchLimit(bounds, this.came());
    this.problem = await watchPack(this.pack, limit, clock, this.over.signal);
    if (this.problem !== undefined) this.stop();
  }
}

/** The caller of `end` gets a failure. Until then it must not end the process. */
function untilAwaited(work: Promise<void>): Promise<void> {
  work.catch(() => undefined);
  return work;
}

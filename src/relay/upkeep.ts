/**
 * Periodic work of a server: it removes what has expired, and finishes what another server left unfinished. Each run does a
 * bounded part. Nothing is urgent; a step that fails is tried again.
 */
import type { Clock } from '../lib/clock.ts';
import { CairnError, isCairnError, messageOf } from '../lib/errors.ts';
import type { Random } from '../lib/random.ts';
import type { Logger } from '../observability/logger.ts';

/** One kind of work. A run is bounded, and ends early when the signal aborts. */
export interface UpkeepTask {
  readonly name: string;
  run(signal: AbortSignal): Promise<void>;
}

export interface UpkeepOptions {
  readonly tasks: readonly UpkeepTask[];
  /** Average milliseconds between runs. */
  readonly interval: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export class Upkeep {
  private readonly options: UpkeepOptions;
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;

  constructor(options: UpkeepOptions) {
    this.options = options;
  }

  start(): void {
    this.running ??= this.loop();
  }

  /** Runs every task once, one after another. A failure is logged; the other tasks still run. */
  async runOnce(): Promise<void> {
    const { tasks, log } = this.options;
    const { signal } = this.stopping;
    for (const task of tasks) {
      if (signal.aborted) return;
      try {
        await task.run(signal);
      } catch (error) {
        if (!signal.aborted) log.warn({ task: task.name, problem: messageOf(error) }, 'upkeep failed');
      }
    }
  }

  async close(): Promise<void> {
    this.stopping.abort(new Error('the server is stopping'));
    await this.running;
  }

  private async loop(): Promise<void> {
    const { clock, random, interval } = this.options;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await this.runOnce();
      // A random interval spreads servers that started together. Only the end of the server ends the sleep early.
      await clock.sleep(interval * (0.5 + random.fraction()), signal).catch(() => signal.aborted);
    }
  }
}

/** After so many failures in a row the store itself counts as unavailable, not single items. */
const MOST_IN_A_ROW = 8;
/** How many failures a report lists one by one. */
const MOST_TOLD = 20;

/**
 * Does some work for each of many items. A failure does not stop the others. Only when the store seems unavailable are the
 * rest left to the next run.
 * @param nameOf what an item is called in the report
 * @throws CairnError `unavailable` that lists each failure, after the last item
 */
export async function goThrough<T>(
  items: Iterable<T>,
  signal: AbortSignal,
  nameOf: (item: T) => string,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const failures: string[] = [];
  let away = 0;
  for (const item of items) {
    if (signal.aborted || away >= MOST_IN_A_ROW) break;
    try {
      await work(item);
      away = 0;
    } catch (error) {
      if (signal.aborted) break;
      away = isCairnError(error, 'unavailable') ? away + 1 : 0;
      failures.push(`${nameOf(item)}: ${messageOf(error)}`);
    }
  }
  if (failures.length === 0) return;
  const more = failures.length > MOST_TOLD ? [`and ${failures.length - MOST_TOLD} more`] : [];
  throw new CairnError('unavailable', [...failures.slice(0, MOST_TOLD), ...more].join('; '));
}

/**
 * What a server does now and then, whether somebody asks or not: it ends what has waited too long and finishes what
 * another left unfinished. Each run does a bounded part; nothing in it is urgent, and a step that fails is tried again.
 */
import type { Clock } from '../lib/clock.ts';
import { CairnError, isCairnError, messageOf } from '../lib/errors.ts';
import type { Random } from '../lib/random.ts';
import type { Logger } from '../observability/logger.ts';

/** One kind of work. A run of it is bounded, and ends early when the signal says so. */
export interface UpkeepTask {
  readonly name: string;
  run(signal: AbortSignal): Promise<void>;
}

export interface UpkeepOptions {
  readonly tasks: readonly UpkeepTask[];
  /** Milliseconds between runs, about. */
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

  /** Runs every task once, one after another. What fails is logged and does not keep the others from running. */
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
      // Servers that started together do not go on together. A sleep is broken off by the end of the server alone.
      await clock.sleep(interval * (0.5 + random.fraction()), signal).catch(() => signal.aborted);
    }
  }
}

/** Failures in a row after which it is the store that is away, and not one item that is in trouble. */
const MOST_IN_A_ROW = 8;
/** Failures that are told of one by one. */
const MOST_TOLD = 20;

/**
 * Does some work for each of many items. One that fails keeps none of the others waiting; only when the store answers nobody any more
 * are the rest left to the next run.
 * @param nameOf what an item is called in the report
 * @throws CairnError `unavailable` that tells each failure once, when all have been gone through
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

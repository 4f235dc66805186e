/**
 * What a server does now and then, whether somebody asks or not: it ends what has waited too long and finishes what
 * another left unfinished. Each run does a bounded part; nothing in it is urgent, and a step that fails is tried again.
 */
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Dice } from '../lib/random.ts';
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
  readonly dice: Dice;
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
    const { clock, dice, interval } = this.options;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await this.runOnce();
      // Servers that started together do not go on together. A sleep is broken off by the end of the server alone.
      await clock.sleep(interval * (0.5 + dice.fraction()), signal).catch(() => signal.aborted);
    }
  }
}

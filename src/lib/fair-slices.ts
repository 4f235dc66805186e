/**
 * Runs long tasks of many parties on one event loop, a slice at a time. All tasks together get one slice in a turn of the
 * event loop. Parties take turns, and so do the tasks of one party. A task that runs for long pauses after each slice for as
 * long as the slice was, which leaves half of the time to everything else.
 */

/** Does one step of a task, some microseconds long. Returns true when the task is done. Must not throw. */
export type Step = () => boolean;

interface Task {
  readonly step: Step;
  /** How many slices it has had. */
  slices: number;
  /** True when it is done or cancelled. */
  over: boolean;
}

/** Length of a slice in milliseconds. */
const SLICE_MS = 4;

/** How many slices a task gets without a pause: most are done by then. */
const SLICES_WITHOUT_REST = 2;

export interface FairSlicesOptions {
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly sliceMs?: number;
}

export class FairSlices {
  private readonly now: () => number;
  private readonly sliceMs: number;
  /** By party, the next one first. No queue is empty. */
  private readonly queues = new Map<string, Task[]>();
  /** Milliseconds worked in this turn of the event loop. */
  private spent = 0;
  private running = false;
  private turnEnd: NodeJS.Immediate | undefined;
  private nextTurn: NodeJS.Immediate | undefined;
  private rest: NodeJS.Timeout | undefined;
  private done = 0;

  constructor({ now, sliceMs = SLICE_MS }: FairSlicesOptions) {
    this.now = now;
    this.sliceMs = sliceMs;
  }

  /** How many slices have run so far. */
  get slices(): number {
    return this.done;
  }

  /** How many tasks are not done. */
  get size(): number {
    let sum = 0;
    for (const { length } of this.queues.values()) sum += length;
    return sum;
  }

  /**
   * Adds a task. It begins before this returns if its party has no other task and this turn has time left.
   * @param party who it is for
   * @returns cancels the task; does nothing once it is done
   */
  add(party: string, step: Step): () => void {
    const task = { step, slices: 0, over: false };
    const queue = this.queues.get(party);
    if (queue === undefined) this.queues.set(party, [task]);
    else queue.push(task);
    if (queue === undefined && !this.running && this.spent < this.sliceMs) this.work(party);
    else this.schedule();
    return () => {
      this.remove(party, task);
    };
  }

  /** Runs tasks for the rest of this turn's slice. @param first the party that begins */
  private work(first?: string): void {
    this.running = true;
    const began = this.now();
    const end = began + this.sliceMs - this.spent;
    let party = first ?? this.nextParty();
    for (let time = began; party !== undefined && time < end; party = this.nextParty()) {
      time = this.slice(party, end);
    }
    this.running = false;
    this.spent += this.now() - began;
    this.turnEnd ??= setImmediate(() => {
      this.turnEnd = undefined;
      this.spent = 0;
    });
    this.schedule();
  }

  /** Runs the first task of a party until it is done or the slice is over. @returns the time then */
  private slice(party: string, end: number): number {
    const task = this.queues.get(party)?.[0];
    let time = this.now();
    if (task === undefined) return time;
    this.done++;
    task.slices++;
    do {
      if (task.step()) this.remove(party, task);
      time = this.now();
    } while (!task.over && time < end);
    if (task.over) return time;
    this.take(party, task);
    // The task goes behind the others of its party, and the party behind the other parties.
    const queue = this.queues.get(party) ?? [];
    this.queues.delete(party);
    this.queues.set(party, [...queue, task]);
    return time;
  }

  private remove(party: string, task: Task): void {
    task.over = true;
    this.take(party, task);
    if (this.queues.size === 0) this.stop();
  }

  private take(party: string, task: Task): void {
    const queue = this.queues.get(party);
    const place = queue?.indexOf(task) ?? -1;
    if (queue === undefined || place < 0) return;
    queue.splice(place, 1);
    if (queue.length === 0) this.queues.delete(party);
  }

  private nextParty(): string | undefined {
    return this.queues.keys().next().value;
  }

  private schedule(): void {
    if (this.running || this.nextTurn !== undefined || this.rest !== undefined) return;
    const party = this.nextParty();
    if (party === undefined) return;
    const isLong = (this.queues.get(party)?.[0]?.slices ?? 0) >= SLICES_WITHOUT_REST;
    const go = () => {
      this.stop();
      // On a busy machine a pause can be over before the turn is, and this turn has had its slice.
      if (this.turnEnd === undefined) this.work();
      else this.nextTurn = setImmediate(go);
    };
    if (isLong) this.rest = setTimeout(go, this.sliceMs);
    else this.nextTurn = setImmediate(go);
  }

  private stop(): void {
    clearImmediate(this.nextTurn);
    clearTimeout(this.rest);
    this.nextTurn = undefined;
    this.rest = undefined;
  }
}

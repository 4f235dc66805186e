/**
 * Long works of many parties on one event loop, a slice at a time. All of them together get one slice in a turn of the
 * event loop, however many there are; parties take turns, and so do the works of one party. What goes on for long rests
 * after each slice for as long as the slice was: half of the time is left to everything else.
 */

/** Does one step of a work, some microseconds long. Returns true when the work is done. It does not throw. */
export type Step = () => boolean;

interface Task {
  readonly step: Step;
  /** Slices it has had. */
  slices: number;
  /** It is done, or given up. */
  over: boolean;
}

/** Milliseconds of a slice. */
const SLICE_MS = 4;

/** Slices that a work gets without a rest: most are done by then. */
const SLICES_WITHOUT_REST = 2;

export interface FairSlicesOptions {
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly sliceMs?: number;
}

export class FairSlices {
  private readonly now: () => number;
  private readonly sliceMs: number;
  /** By party, the next one first. None is empty. */
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

  /** Slices done so far. */
  get slices(): number {
    return this.done;
  }

  /** Works that are not done. */
  get size(): number {
    let sum = 0;
    for (const { length } of this.queues.values()) sum += length;
    return sum;
  }

  /**
   * Takes a work on. It begins before this returns when its party has no other one and there is time left in this turn.
   * @param party who it is for
   * @returns what gives the work up; nothing happens when it is done already
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

  /** Uses up the slice of this turn. @param first the party that begins */
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

  /** Works for one party until the work is done or the slice is over. @returns the time by then */
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
    // Behind the others of its party, and the party behind the other parties.
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
      this.work();
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

/**
 * The questions of one client (REQ and COUNT), answered one after another, a slice at a time. Their sequence is kept, and a
 * CLOSE cancels a question that waits.
 */

import type { Cooperative } from '../../lib/cooperative.ts';
import type { FairSlices } from '../../lib/fair-slices.ts';

/** With so many waiting, the client is not read for a while. A single longer question is still taken. */
const QUERIES_WAITING = 32;
const BYTES_WAITING = 256 * 1024;

export interface QueuedQuery<T> {
  /** The subscription's id. */
  readonly name: string;
  /** Size of the message it came in. */
  readonly bytes: number;
  readonly work: Cooperative<T>;
  readonly answer: (result: T) => void;
  readonly failed: (error: unknown) => void;
  /** Called when the answer is no longer wanted. */
  readonly dropped: () => void;
}

/** A question with any type of answer. */
interface Pending {
  readonly name: string;
  readonly bytes: number;
  /** Does one step of the work. Returns true when the question is answered. Does not throw. */
  readonly step: () => boolean;
  readonly dropped: () => void;
}

export interface QueryQueueContext {
  readonly slices: FairSlices;
  /** Who asks: all connections of one address are one party. */
  readonly party: string;
  /** False while the client has enough to read. */
  readonly isReady: () => boolean;
  /** Called when a question has been answered or dropped. */
  readonly onDone: () => void;
}

export class QueryQueue {
  private readonly context: QueryQueueContext;
  private readonly queries: Pending[] = [];
  private bytes = 0;
  /** Stops the work on the first question; undefined while none is running. */
  private giveUp: (() => void) | undefined;

  constructor(context: QueryQueueContext) {
    this.context = context;
  }

  isFull(): boolean {
    return this.queries.length >= QUERIES_WAITING || this.bytes >= BYTES_WAITING;
  }

  /** Adds a question. It may be answered before this returns. */
  ask<T>(query: QueuedQuery<T>): void {
    const { name, bytes, work, answer, failed, dropped } = query;
    const step = () => {
      try {
        const { done, value } = work.next();
        if (done !== true) return false;
        answer(value);
      } catch (error) {
        failed(error);
      }
      return true;
    };
    this.queries.push({ name, bytes, step, dropped });
    this.bytes += bytes;
    this.goOn();
  }

  /** Begins the next question if the client is ready. Call it when the client has read. */
  goOn(): void {
    const [first] = this.queries;
    if (first === undefined || this.giveUp !== undefined || !this.context.isReady()) return;
    let isDone = false;
    const giveUp = this.context.slices.add(this.context.party, () => {
      isDone = first.step();
      // The step may have dropped its own question: then another one is first.
      if (isDone && this.queries[0] === first) this.end(first);
      return isDone;
    });
    if (!isDone) this.giveUp = giveUp;
  }

  /** Drops all questions with a name. */
  cancel(name: string): void {
    const [first] = this.queries;
    if (first === undefined) return;
    for (const question of this.queries.filter((each) => each.name === name)) this.drop(question);
    this.goOn();
    this.context.onDone();
  }

  /** Drops all questions. */
  clear(): void {
    for (const question of [...this.queries]) this.drop(question);
  }

  private drop(question: Pending): void {
    if (question === this.queries[0]) this.giveUp?.();
    this.remove(question);
    question.dropped();
  }

  private end(question: Pending): void {
    this.remove(question);
    this.goOn();
    this.context.onDone();
  }

  private remove(question: Pending): void {
    const place = this.queries.indexOf(question);
    if (place < 0) return;
    if (place === 0) this.giveUp = undefined;
    this.queries.splice(place, 1);
    this.bytes -= question.bytes;
  }
}

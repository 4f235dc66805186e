import type { Clock } from '../../lib/clock.ts';
import { CairnError } from '../../lib/errors.ts';
import { FairSlots } from '../../lib/fair-slots.ts';
import type { Release } from '../../lib/limiter.ts';
import type { FairSemaphore } from '../fair-semaphore.ts';
import { Flow } from '../flow.ts';
import { RequestBody } from '../request-body.ts';
import { type Spool, SpoolRoom } from '../spool.ts';

/** What pushes of slow clients share: they give their slots for git to others. */
export interface SlowPushes {
  readonly room: SpoolRoom;
  /** Pushes with a running git that gave their slot back, because their clients are too slow. By caller. */
  readonly stalled: FairSlots;
}

/** How many pushes of slow clients may continue without a slot. @param slots for git */
export function stalledPushes(slots: number): number {
  return Math.max(1, Math.floor(slots / 4));
}

/**
 * Makes what pushes of slow clients share.
 * @param scratch folder of scratch files
 * @param settings bytes of disk, and slots for git: a quarter as many pushes may be stalled, half of them of one caller
 * @param onSize is called with the bytes on disk whenever they change
 */
export function slowPushes(
  scratch: string,
  settings: { readonly spoolSize: number; readonly gitConcurrency: number },
  clock: Pick<Clock, 'monotonic'>,
  onSize?: (bytes: number) => void,
): SlowPushes {
  const { spoolSize, gitConcurrency } = settings;
  const stalled = stalledPushes(gitConcurrency);
  return {
    room: new SpoolRoom(scratch, spoolSize, clock, onSize),
    stalled: new FairSlots(stalled, Math.ceil(stalled / 2)),
  };
}

export interface PackIntakeOptions {
  /** The body of a push after its head. */
  readonly body: RequestBody;
  readonly slots: FairSemaphore;
  /** The name under which it claims a slot. */
  readonly claimant: string;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
  /** The caller whose share of the room and of the stalled pushes it uses. */
  readonly caller: string;
}

/** Bytes read before a slot is taken. A smaller push is read completely by then. */
const READ_AHEAD = 1024 * 1024;

/**
 * Passes the pack of a push to git. The push holds a slot only while git has data to work on:
 * - The beginning (of a small push all) is read first. Only then it waits for a slot.
 * - If the client sends slowly (see {@link Flow}), or there is no free slot, more is read and spooled meanwhile.
 * - A push that gets slow later gives its slot back until the rest is spooled.
 */
export class PackIntake {
  /** The pack for git. Reading from it may wait for a slot. */
  readonly body: RequestBody;
  private readonly options: PackIntakeOptions & SlowPushes & { readonly onWhole: () => void };
  private readonly flow: Flow;
  private readonly spools: Spool[] = [];
  private release: Release | undefined;
  private leaveStalled: Release | undefined;
  private closed = false;

  /**
   * @param slow what pushes of slow clients share
   * @param onWhole is called when the client has sent everything before git reads it: from then on the client only waits
   */
  constructor(slow: SlowPushes, options: PackIntakeOptions, onWhole: () => void) {
    this.options = { ...slow, ...options, onWhole };
    this.flow = new Flow(() => options.slots.contended, slow.room.clock);
    this.body = new RequestBody(this.chunks());
  }

  /** Gives the slot back and drops the spools. */
  async close(): Promise<void> {
    this.closed = true;
    this.giveBack();
    await Promise.all(this.spools.map((spool) => spool.drop()));
  }

  /** Gives the slot back before the push is over. */
  giveBack(): void {
    this.leaveStalled?.();
    this.leaveStalled = undefined;
    this.release?.();
    this.release = undefined;
  }

  private async *chunks(): AsyncGenerator<Buffer, void, undefined> {
    const { body } = this.options;
    const ahead = this.openSpool();
    const whole = await this.collect(
      ahead,
      () => ahead.size <= READ_AHEAD || this.flow.slow || this.crowded(),
    );
    if (whole) this.options.onWhole();
    await this.takePlace();
    yield* ahead.read();
    await ahead.drop();
    let step = whole ? undefined : body.next();
    while (step !== undefined) {
      const first = await this.flow.wait(step, lengthOf);
      if (first === 'slow') {
        // Repeated on every check: other requests may start to wait, and stalled pushes may end.
        if (!this.giveUpPlace(step)) continue;
        const pending = await step;
        if (pending !== undefined) body.unread(pending);
        const rest = this.openSpool();
        const ended = await this.collect(rest, () => true);
        if (ended) this.options.onWhole();
        else if (this.flow.crawls && this.options.slots.contended) throw tooSlow();
        await this.takePlace();
        yield* rest.read();
        await rest.drop();
        step = ended ? undefined : body.next();
        continue;
      }
      if (first.value === undefined) return;
      yield first.value;
      step = body.next();
    }
  }

  /** Reads the body into a spool while `more` returns true. @returns true at the end of the body; false also without room */
  private async collect(spool: Spool, more: () => boolean): Promise<boolean> {
    const { body } = this.options;
    try {
      while (more()) {
        const chunk = await this.flow.bear(body.next(), lengthOf);
        if (chunk === undefined) return true;
        if (!(await spool.append(chunk))) {
          body.unread(chunk);
          return false;
        }
      }
      return false;
    } finally {
      spool.end();
    }
  }

  /**
   * Gives the slot back although git is running.
   * @returns false if too many pushes are stalled: the slot is kept
   * @throws CairnError `busy` if it cannot be kept either: others wait for it, and the client sends hardly anything
   */
  private giveUpPlace(step: Promise<unknown>): boolean {
    const { stalled, caller, slots } = this.options;
    const entry = stalled.enter(caller, { stalledFor: () => undefined, evict: () => undefined });
    if ('leave' in entry) {
      this.leaveStalled = entry.leave;
      this.release?.();
      this.release = undefined;
      return true;
    }
    if (!this.flow.crawls || !slots.contended) return false;
    // A later read of the body reports the error.
    step.catch(() => undefined);
    throw tooSlow();
  }

  private crowded(): boolean {
    return this.options.slots.wouldWait(this.options.claimant);
  }

  private async takePlace(): Promise<void> {
    const { slots, claimant, signal } = this.options;
    const release = await slots.acquire(claimant, signal, 'push');
    this.leaveStalled?.();
    this.leaveStalled = undefined;
    if (this.closed) release();
    else this.release = release;
  }

  private openSpool(): Spool {
    const spool = this.options.room.open(this.options.caller);
    this.spools.push(spool);
    return spool;
  }
}

function tooSlow(): CairnError {
  return new CairnError(
    'busy',
    'the pack arrived so slowly that it blocked other pushes, try again in a moment',
  );
}

function lengthOf(chunk: Buffer | undefined): number {
  return chunk?.length ?? 0;
}

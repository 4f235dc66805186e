import type { Clock } from '../../lib/clock.ts';
import { CairnError } from '../../lib/errors.ts';
import { FairSlots } from '../../lib/fair-slots.ts';
import type { Release } from '../../lib/limiter.ts';
import type { FairSemaphore } from '../fair-semaphore.ts';
import { Flow } from '../flow.ts';
import { RequestBody } from '../request-body.ts';
import { type Spool, SpoolRoom } from '../spool.ts';

/** What slow clients are put aside with. */
export interface PuttingAside {
  readonly room: SpoolRoom;
  /** Pushes whose git has begun and has no place, because their clients are too slow. By caller. */
  readonly stalled: FairSlots;
}

/** How many pushes may go on without a place, because their clients are slow. @param places for git */
export function stalledPushes(places: number): number {
  return Math.max(1, Math.floor(places / 4));
}

/**
 * @param scratch folder of scratch files
 * @param settings bytes of disk, and places for git: a quarter as many pushes may stand back, half of them of one caller
 * @param onSize called with the bytes on disk whenever they have changed
 */
export function puttingAside(
  scratch: string,
  settings: { readonly spoolSize: number; readonly gitConcurrency: number },
  clock: Pick<Clock, 'monotonic'>,
  onSize?: (bytes: number) => void,
): PuttingAside {
  const { spoolSize, gitConcurrency } = settings;
  const stalled = stalledPushes(gitConcurrency);
  return {
    room: new SpoolRoom(scratch, spoolSize, clock, onSize),
    stalled: new FairSlots(stalled, Math.ceil(stalled / 2)),
  };
}

export interface PackIntakeOptions {
  /** The body of a push, behind its head. */
  readonly body: RequestBody;
  readonly places: FairSemaphore;
  /** By which name it claims a place. */
  readonly claimant: string;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
  /** Whose share of the room, and of the stalled pushes, it takes. */
  readonly caller: string;
}

/** Bytes read before a place is taken. A push of no more has been read whole by then. */
const READ_AHEAD = 1024 * 1024;

/**
 * The pack of a push on its way to git, which has a place only while there is something to do:
 * - the beginning is read first, and a small push whole; a place is waited for only then;
 * - of a client that sends slowly (see {@link Flow}), and of any for whom there is no place yet, more is read and put aside;
 * - one that gets slow later gives its place back until the rest has been put aside.
 */
export class PackIntake {
  /** The pack, to be given to git. Reading from it may wait for a place. */
  readonly body: RequestBody;
  private readonly options: PackIntakeOptions & PuttingAside & { readonly onWhole: () => void };
  private readonly flow: Flow;
  private readonly spools: Spool[] = [];
  private release: Release | undefined;
  private leaveStalled: Release | undefined;
  private closed = false;

  /**
   * @param aside what slow clients are put aside with
   * @param onWhole called when the client has sent everything while nothing else of the push goes on: it waits from here on
   */
  constructor(aside: PuttingAside, options: PackIntakeOptions, onWhole: () => void) {
    this.options = { ...aside, ...options, onWhole };
    this.flow = new Flow(() => options.places.contended, aside.room.clock);
    this.body = new RequestBody(this.chunks());
  }

  /** Gives everything back: the place, and what was put aside. */
  async close(): Promise<void> {
    this.closed = true;
    this.giveBack();
    await Promise.all(this.spools.map((spool) => spool.drop()));
  }

  /** Gives the place back before the push is over. */
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
        // It is looked at again and again: others may come to wait for the place, and places to stand back get free.
        if (!this.standBack(step)) continue;
        const pending = await step;
        if (pending !== undefined) body.unread(pending);
        const rest = this.openSpool();
        const ended = await this.collect(rest, () => true);
        if (ended) this.options.onWhole();
        else if (this.flow.crawls && this.options.places.contended) throw tooSlow();
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

  /** Reads the body and puts it aside, while `more` says so. @returns true at its end; false also when there is no room */
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
   * Gives the place back where git has begun already.
   * @returns false when it is kept, because as many others stand back
   * @throws CairnError `busy` when it is not to be kept either: others wait for it, and next to nothing comes
   */
  private standBack(step: Promise<unknown>): boolean {
    const { stalled, caller, places } = this.options;
    const entry = stalled.enter(caller, { stalledFor: () => undefined, evict: () => undefined });
    if ('leave' in entry) {
      this.leaveStalled = entry.leave;
      this.release?.();
      this.release = undefined;
      return true;
    }
    if (!this.flow.crawls || !places.contended) return false;
    // Whoever reads on meets what has become of it.
    step.catch(() => undefined);
    throw tooSlow();
  }

  private crowded(): boolean {
    return this.options.places.wouldWait(this.options.claimant);
  }

  private async takePlace(): Promise<void> {
    const { places, claimant, signal } = this.options;
    const release = await places.acquire(claimant, signal, 'push');
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
  return new CairnError('busy', 'the pack came so slowly that others could not push, try again in a moment');
}

function lengthOf(chunk: Buffer | undefined): number {
  return chunk?.length ?? 0;
}

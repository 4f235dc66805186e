/**
 * How long one run of a mirror may take. A slot is held for the whole run, and a remote chooses how fast it answers:
 * so time beyond a first half hour has to be earned by bytes that move.
 */
import type { Clock } from '../../lib/clock.ts';
import { publicError } from '../../lib/errors.ts';
import { type TrafficObserver, uncounted } from '../../outbound/traffic.ts';

/** Milliseconds that every run has, for remotes that are slow to begin and for the work on this side. */
const FIRST_MS = 30 * 60_000;
/** Bytes, in either direction, that earn one more second. */
const BYTES_PER_SECOND = 16 * 1024;
/** Milliseconds after which every run ends. */
const LONGEST_MS = 6 * 3_600_000;
/** Shortest time between two checks of the progress, in milliseconds. */
const LOOK_MS = 1_000;

export class RunDeadline {
  /** Is told what goes to and comes from the remote. */
  readonly traffic: TrafficObserver;
  private readonly clock: Clock;
  private readonly late = new AbortController();
  private readonly over = new AbortController();
  private bytes = 0;

  /** Time begins now. {@link end} must be called. */
  constructor(clock: Clock) {
    this.clock = clock;
    const moved = (bytes: number) => {
      this.bytes += bytes;
    };
    this.traffic = { ...uncounted, sent: moved, received: moved };
    void this.watch();
  }

  /** Aborts when the run has taken too long, with a CairnError `unavailable` as its reason. */
  get signal(): AbortSignal {
    return this.late.signal;
  }

  /** The run is over: the signal does not abort any more. */
  end(): void {
    this.over.abort();
  }

  /** Does not reject. */
  private async watch(): Promise<void> {
    const { clock, over } = this;
    const began = clock.monotonic();
    for (;;) {
      const taken = clock.monotonic() - began;
      const left = this.allowed() - taken;
      if (left <= 0) break;
      const slept = clock.sleep(Math.max(LOOK_MS, left), over.signal);
      const isOver = await slept.then(
        () => false,
        () => true,
      );
      if (isOver) return;
    }
    const minutes = Math.round((clock.monotonic() - began) / 60_000);
    this.late.abort(
      publicError('unavailable', `the run was stopped after ${minutes} minutes: the remote is too slow`),
    );
  }

  private allowed(): number {
    return Math.min(LONGEST_MS, FIRST_MS + (this.bytes / BYTES_PER_SECOND) * 1000);
  }
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import { callerAddress } from '../../lib/caller-address.ts';
import { CairnError } from '../../lib/errors.ts';
import type { SlotHolder } from '../../lib/fair-slots.ts';
import { type LeastPace, Pace } from '../../lib/pace.ts';
import { clientAddress } from './client-address.ts';

export interface ClientOptions {
  readonly leastPace: LeastPace;
  readonly trustedProxies: number;
  /** Called when the client is cut off because it was too slow. */
  readonly onTooSlow: () => void;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** Whoever sent one request: where it comes from, and how fast it sends and takes. */
export class Client implements SlotHolder {
  /** The address it comes from, as the log knows it. */
  readonly address: string;
  /** The network address, as limits know it. */
  readonly caller: string;
  /** Of the body of the request. */
  readonly sending: Pace;
  /** Of the answer. */
  readonly taking: Pace;
  private readonly response: ServerResponse;

  constructor(incoming: IncomingMessage, response: ServerResponse, options: ClientOptions) {
    const { leastPace, trustedProxies, onTooSlow, now } = options;
    this.response = response;
    this.address = clientAddress(incoming, trustedProxies);
    this.caller = callerAddress(this.address);
    this.sending = new Pace(
      leastPace,
      () => {
        onTooSlow();
        const least = `less than ${leastPace.bytesPerSecond} bytes a second were received for too long`;
        incoming.destroy(new CairnError('invalid', least));
      },
      now,
    );
    this.taking = new Pace(
      leastPace,
      () => {
        onTooSlow();
        response.destroy();
      },
      now,
    );
  }

  stalledFor(): number | undefined {
    return this.sending.waiting() ?? this.taking.waiting();
  }

  evict(): void {
    this.response.destroy();
  }

  /** Sees to it that what is left of an answer is taken at the least pace. To be called once the answer has been ended. */
  watchDelivery(): void {
    const { response } = this;
    // Most answers are small, and the operating system has all of them by now.
    if (response.writableFinished || response.destroyed || response.writableLength === 0) return;
    let resolve: () => void = () => undefined;
    const delivered = new Promise<void>((done) => {
      resolve = done;
    });
    response.once('close', resolve);
    response.once('finish', resolve);
    const atFirst = response.writableLength;
    void this.taking.during(delivered, () => atFirst - response.writableLength);
  }
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import { callerAddress } from '../../lib/caller-address.ts';
import { CairnError } from '../../lib/errors.ts';
import type { SlotHolder } from '../../lib/fair-slots.ts';
import { type LeastPace, Pace } from '../../lib/pace.ts';
import { clientAddress } from './client-address.ts';

export interface ClientOptions {
  readonly leastPace: LeastPace;
  readonly trustedProxies: number;
  /** Is called when the client is disconnected because it is too slow. */
  readonly onTooSlow: () => void;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** The client of one request: its address, and how fast it sends and receives. */
export class Client implements SlotHolder {
  /** The address, for the log. */
  readonly address: string;
  /** The network address, for limits. */
  readonly caller: string;
  /** Pace of the request body. */
  readonly sending: Pace;
  /** Pace of the response. */
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

  /** Enforces the minimum pace for the rest of a response. Call it once the response has ended. */
  watchDelivery(): void {
    const { response } = this;
    // Most responses are small, and the operating system has all of their bytes by now.
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

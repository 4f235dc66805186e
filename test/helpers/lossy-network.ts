import type { Transport, TransportReply, TransportRequest } from '../../src/fossil-sync/transport.ts';
import { CairnError } from '../../src/lib/errors.ts';
import type { SeededRandom } from './seeded-random.ts';

/** What may become of a message, and how often. */
const FATES = {
  'request lost': 0.06,
  'reply lost': 0.06,
  'reply cut short': 0.04,
  'reply damaged': 0.03,
  'request delivered twice': 0.06,
  'old request delivered late': 0.1,
} as const;

export type Fate = keyof typeof FATES;

/** Old requests that may still arrive. */
const KEPT = 8;

/** A network between clients and several servers that loses, repeats, reorders, cuts and delays messages. */
export class LossyNetwork implements Transport {
  /** False after healing. */
  enabled = true;
  /** True: a fate that has not befallen any message befalls the next one. */
  insists = false;
  readonly happened = new Map<Fate, number>();
  private readonly servers: readonly (() => Transport)[];
  private readonly random: SeededRandom;
  private readonly late: TransportRequest[] = [];

  /** @param servers gives the server that answers now; it may be another one after a crash */
  constructor(servers: readonly (() => Transport)[], random: SeededRandom) {
    this.servers = servers;
    this.random = random;
  }

  async exchange(request: TransportRequest, signal: AbortSignal): Promise<TransportReply> {
    const old =
      this.late.length > 0 && this.befalls('old request delivered late') ? this.late.shift() : undefined;
    // Nobody waits for the reply of a request that comes late.
    if (old !== undefined) await this.deliver(old, signal);
    this.late.push(request);
    if (this.late.length > KEPT) this.late.shift();
    if (this.befalls('request lost')) throw lost();
    if (this.befalls('request delivered twice')) await this.deliver(request, signal);
    const reply = await this.deliver(request, signal);
    if (this.befalls('reply lost')) throw lost();
    if (this.befalls('reply cut short')) {
      // A transport over HTTP reports a reply without any byte itself.
      return { ...reply, body: reply.body.subarray(0, 1 + this.random.below(reply.body.length - 1)) };
    }
    if (this.befalls('reply damaged')) return { ...reply, body: this.damaged(reply.body) };
    return reply;
  }

  private deliver(request: TransportRequest, signal: AbortSignal): Promise<TransportReply> {
    return this.random.pick(this.servers)().exchange(request, signal);
  }

  private befalls(fate: Fate): boolean {
    if (!this.enabled) return false;
    const isDue = this.insists && !this.happened.has(fate);
    if (this.random.fraction() >= FATES[fate] && !isDue) return false;
    this.happened.set(fate, (this.happened.get(fate) ?? 0) + 1);
    return true;
  }

  private damaged(body: Uint8Array): Uint8Array {
    const bytes = Uint8Array.from(body);
    const at = this.random.below(bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << this.random.below(8));
    return bytes;
  }

  /** Fates that have not befallen any message. */
  silent(): Fate[] {
    return (Object.keys(FATES) as Fate[]).filter((fate) => !this.happened.has(fate));
  }
}

function lost(): CairnError {
  return new CairnError('unavailable', 'the message was lost');
}

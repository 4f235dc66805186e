import type { Card } from '../../fossil/cards.ts';
import { decodeMessage, encodeMessage } from '../../fossil/framing.ts';
import { loginCard, loginSecret } from '../../fossil/login.ts';
import { FOSSIL_VERSION, pragmaCard } from '../../fossil/pragmas.ts';
import { readCards } from '../../fossil/read-cards.ts';
import { FossilSyntaxError } from '../../fossil/syntax-error.ts';
import { CardWriter, writeCards } from '../../fossil/write-cards.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { CairnError, isCairnError } from '../../lib/errors.ts';
import { type Random, systemRandom } from '../../lib/random.ts';
import { faultFires } from '../faults.ts';
import type { Transport, TransportReply, TransportRequest } from '../transport.ts';
import { CLIENT_LIMITS, type ClientLimits } from './client-limits.ts';
import type { SessionOptions } from './sync-options.ts';

/** Milliseconds before a request is sent again for the first time; twice as long each further time. */
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 2_000;

/** A server that extends the protocol for others of its kind says so by this name in a pragma. */
export interface WireOptions extends SessionOptions {
  /** Whether cards of the table extension are read. */
  readonly tables?: boolean;
}

/** Sends the messages of one session and reads the replies. Counts both. */
export class Wire {
  readonly limits: ClientLimits;
  readonly signal: AbortSignal;
  bytesSent = 0;
  bytesReceived = 0;
  /** What the server wants to be given back with the next request. */
  cookie: string | undefined;
  private readonly transport: Transport;
  private readonly options: WireOptions;
  private readonly clock: Clock;
  private readonly random: Random;

  constructor(transport: Transport, options: WireOptions) {
    this.transport = transport;
    this.options = options;
    this.limits = { ...CLIENT_LIMITS, ...options.limits };
    this.signal = options.signal ?? new AbortController().signal;
    this.clock = options.clock ?? systemClock;
    this.random = options.random ?? systemRandom;
  }

  /** Begins a message, as every message begins. */
  begin(): CardWriter {
    const writer = new CardWriter();
    writer.add(pragmaCard({ pragma: 'client-version', ...FOSSIL_VERSION }));
    if (this.cookie !== undefined) writer.add({ card: 'cookie', value: this.cookie });
    return writer;
  }

  /**
   * Sends a message and reads the reply. A fault of the network is answered by sending it again: a round changes nothing the
   * second time.
   * @param projectCode for the login; undefined while it is unknown: then requests have no login
   * @throws CairnError of the transport; `corrupt` if the reply is not one
   */
  async exchange(writer: CardWriter, projectCode: string | undefined): Promise<readonly Card[]> {
    // It makes the nonce of the login differ each time.
    writer.add({ card: 'comment', text: this.random.hex(20) });
    const message = this.signed(writer.bytes(), projectCode);
    const type = 'application/x-fossil';
    const body = await encodeMessage(type, message);
    const reply = await this.send({ type, body });
    return this.cards(reply);
  }

  private signed(message: Buffer, projectCode: string | undefined): Uint8Array {
    const { account, faults } = this.options;
    if (account === undefined || projectCode === undefined) return message;
    const secret = loginSecret(projectCode, account.user, account.password);
    const login = loginCard(account.user, secret, message);
    const nonce = faultFires(faults, 'client.corrupt-login') ? '0'.repeat(40) : login.nonce;
    return Buffer.concat([writeCards([{ ...login, nonce }]), message]);
  }

  private async send(request: TransportRequest): Promise<TransportReply> {
    for (let retry = 0; ; retry++) {
      this.signal.throwIfAborted();
      try {
        this.bytesSent += request.body.length;
        const reply = await this.transport.exchange(request, this.signal);
        this.bytesReceived += reply.body.length;
        return reply;
      } catch (error) {
        if (this.signal.aborted) throw this.signal.reason;
        if (retry >= this.limits.retries || !isTransient(error)) throw error;
        await this.clock.sleep(Math.min(FIRST_WAIT_MS * 2 ** retry, LONGEST_WAIT_MS), this.signal);
      }
    }
  }

  private async cards({ type, body }: TransportReply): Promise<readonly Card[]> {
    const { replyBytes, replyCards } = this.limits;
    try {
      const message = await decodeMessage(type, body, replyBytes);
      return [
        ...readCards(message, {
          cards: replyCards,
          payload: replyBytes,
          tables: this.options.tables ?? false,
        }),
      ];
    } catch (error) {
      if (!(error instanceof FossilSyntaxError)) throw error;
      throw new CairnError('corrupt', `the reply of the server cannot be read: ${error.message}`, {
        cause: error,
        publicText: `the reply of the server cannot be read: ${error.message}`,
      });
    }
  }
}

/** Whether the same request may succeed when it is sent again: faults of the network and of servers that have too much to do. */
function isTransient(error: unknown): boolean {
  return isCairnError(error, 'unavailable') || isCairnError(error, 'busy');
}

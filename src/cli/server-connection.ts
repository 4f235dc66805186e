/** A WebSocket connection to the relay of a server. */
import { WebSocket } from 'ws';
import type { ClientSettings } from '../config/client-settings.ts';
import type { Clock } from '../lib/clock.ts';
import { CairnError, type ErrorKind, systemCode } from '../lib/errors.ts';
import { encodeEvent, type NostrEvent, type VerifiedEvent } from '../nostr/event.ts';
import { newestFirst } from '../nostr/event-order.ts';
import { kinds } from '../nostr/kinds.ts';
import { parseRelayAnswer, type RelayAnswer } from '../nostr/relay-answer.ts';
import { relayUrl } from '../nostr/repository-url.ts';
import type { Signer } from '../nostr/sign.ts';
import { loadVerifier, type Verifier } from '../nostr/verify.ts';

/** A query in its wire form (NIP-01). */
export type Query = {
  readonly ids?: readonly string[];
  readonly authors?: readonly string[];
  readonly kinds?: readonly number[];
  readonly since?: number;
  readonly until?: number;
  readonly limit?: number;
} & { readonly [tag: `#${string}`]: readonly string[] };

export interface ConnectionOptions {
  /** URL of the server as its user knows it, without a trailing slash. */
  readonly server: string;
  /** Authenticates the user; without a signer, the relay returns only public events. */
  readonly signer: Signer | undefined;
  readonly clock: Clock;
  /** Aborts all waiting. */
  readonly signal: AbortSignal;
}

/** Time to reach the server. */
const CONNECT_MS = 15_000;
/** A relay that authenticates sends its challenge at once, but machines and networks may be slow. */
const CHALLENGE_MS = 5_000;
/** Time to answer the close of the connection. */
const GOODBYE_MS = 1_000;
/** Long, because an announcement is answered only after everything it changes is published. */
const ANSWER_MS = 60_000;
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
/** No real relay sends as many events. Limits the cost of a relay that never ends its answer. */
const MAX_EVENTS = 20_000;

/** The error kind of each prefix of a refusal. */
const KIND_OF_PREFIX: Readonly<Record<string, ErrorKind>> = {
  'auth-required': 'unauthenticated',
  blocked: 'forbidden',
  duplicate: 'conflict',
  invalid: 'invalid',
  'rate-limited': 'busy',
  restricted: 'forbidden',
  unsupported: 'invalid',
};

/** One request at a time. Messages that arrive in between wait until they are read. */
export class ServerConnection implements AsyncDisposable {
  private readonly socket: WebSocket;
  private readonly options: ConnectionOptions;
  private readonly verifier: Verifier;
  private readonly received: string[] = [];
  private failure: CairnError | undefined;
  private wake: () => void = () => undefined;
  private subscriptions = 0;

  private constructor(socket: WebSocket, verifier: Verifier, options: ConnectionOptions) {
    const { server, signal } = options;
    this.socket = socket;
    this.verifier = verifier;
    this.options = options;
    socket.on('open', () => this.wake());
    socket.on('message', (data) => {
      this.received.push(String(data));
      this.wake();
    });
    socket.on('error', (error) => this.fail(unreachable(server, error)));
    socket.on('close', () => {
      signal.removeEventListener('abort', stop);
      this.fail(new CairnError('unavailable', `${server} closed the connection`));
    });
    const stop = () => {
      this.fail(new CairnError('unavailable', `stopped before ${server} had answered`));
      socket.terminate();
    };
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
  }

  /**
   * Connects to the relay of a server and authenticates when the relay asks (NIP-42).
   * @throws CairnError `unavailable` when the server cannot be reached or has no relay, `unauthenticated` when it
   * rejects the user
   */
  static async open(options: ConnectionOptions): Promise<ServerConnection> {
    const verifier = await loadVerifier();
    const socket = new WebSocket(relayUrl(options.server), {
      maxPayload: MAX_MESSAGE_BYTES,
      handshakeTimeout: CONNECT_MS,
    });
    const connection = new ServerConnection(socket, verifier, options);
    try {
      await connection.opened();
      if (options.signer !== undefined) await connection.identify(options.signer);
    } catch (error) {
      await connection[Symbol.asyncDispose]();
      throw error;
    }
    return connection;
  }

  /**
   * All events of the relay that match any of the queries, newest first. Signatures are verified.
   * @throws CairnError `corrupt` when the relay sends anything else; otherwise with the reason of the relay
   */
  async query(queries: readonly Query[]): Promise<VerifiedEvent[]> {
    this.subscriptions += 1;
    const subscription = `cairn-${this.subscriptions}`;
    const events: VerifiedEvent[] = [];
    this.socket.send(JSON.stringify(['REQ', subscription, ...queries]));
    await this.answer(ANSWER_MS, (answer) => {
      if (!('subscription' in answer) || answer.subscription !== subscription) return undefined;
      if (answer.type === 'CLOSED') throw this.refusal(answer.reason);
      if (answer.type === 'EVENT') events.push(this.checked(answer.event));
      if (events.length > MAX_EVENTS) {
        throw new CairnError('too-large', `${this.options.server} sent an answer that is too long`);
      }
      return answer.type === 'EOSE' ? true : undefined;
    });
    this.socket.send(JSON.stringify(['CLOSE', subscription]));
    return events.sort(newestFirst);
  }

  /**
   * Sends an event to the relay.
   * @returns a note about it, often empty
   * @throws CairnError with the reason of the relay when it refuses
   */
  async publish(event: VerifiedEvent): Promise<string> {
    this.socket.send(`["EVENT",${encodeEvent(event)}]`);
    return this.verdict(event);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.socket.readyState === WebSocket.CLOSED) return;
    const closed = new Promise((resolve) => this.socket.once('close', resolve));
    this.socket.close();
    // A relay that does not answer the close is disconnected.
    const late = setTimeout(() => this.socket.terminate(), GOODBYE_MS);
    await closed;
    clearTimeout(late);
  }

  private async opened(): Promise<void> {
    while (this.socket.readyState === WebSocket.CONNECTING && this.failure === undefined) {
      await this.arrival(CONNECT_MS);
    }
    if (this.failure !== undefined) throw this.failure;
  }

  private async identify(signer: Signer): Promise<void> {
    const challenge = await this.answerWithin(CHALLENGE_MS, (answer) =>
      answer.type === 'AUTH' ? answer.challenge : undefined,
    );
    if (challenge === undefined) return;
    const tags = [
      ['relay', relayUrl(this.options.server)],
      ['challenge', challenge],
    ];
    const now = Math.floor(this.options.clock.now() / 1000);
    const proof = signer.sign({ kind: kinds.relayAuth, created_at: now, tags, content: '' });
    this.socket.send(`["AUTH",${encodeEvent(proof)}]`);
    await this.verdict(proof);
  }

  private async verdict(event: VerifiedEvent): Promise<string> {
    const { accepted, note } = await this.answer(ANSWER_MS, (answer) =>
      answer.type === 'OK' && answer.eventId === event.id ? answer : undefined,
    );
    if (!accepted) throw this.refusal(note);
    return note;
  }

  /** @throws CairnError `unavailable` when the relay does not send a matching answer in time */
  private async answer<T>(milliseconds: number, pick: (answer: RelayAnswer) => T | undefined): Promise<T> {
    let notice = '';
    const picked = await this.answerWithin(milliseconds, (answer) => {
      if (answer.type === 'NOTICE') notice = `; it says: ${answer.text}`;
      return pick(answer);
    });
    if (picked !== undefined) return picked;
    const seconds = milliseconds / 1000;
    throw new CairnError('unavailable', `${this.options.server} did not answer in ${seconds} s${notice}`);
  }

  /** Reads messages until `pick` returns a value; undefined when that does not happen in time. */
  private async answerWithin<T>(
    milliseconds: number,
    pick: (answer: RelayAnswer) => T | undefined,
  ): Promise<T | undefined> {
    const deadline = this.options.clock.monotonic() + milliseconds;
    for (;;) {
      const text = this.received.shift();
      const left = deadline - this.options.clock.monotonic();
      if (text !== undefined) {
        const picked = pick(this.read(text));
        if (picked !== undefined) return picked;
      } else if (this.failure !== undefined) {
        throw this.failure;
      } else if (left > 0) {
        await this.arrival(left);
      } else {
        return undefined;
      }
    }
  }

  private read(text: string): RelayAnswer {
    const answer = parseRelayAnswer(text);
    if (answer.ok) return answer.value;
    throw new CairnError('corrupt', `${this.options.server} sent an invalid relay message: ${answer.reason}`);
  }

  private checked(event: NostrEvent): VerifiedEvent {
    if (this.verifier.verify(event)) return event;
    throw new CairnError(
      'corrupt',
      `${this.options.server} sent an event without a valid signature: ${event.id}`,
    );
  }

  private refusal(reason: string): CairnError {
    const kind = KIND_OF_PREFIX[/^([a-z-]+):/.exec(reason)?.[1] ?? ''] ?? 'unavailable';
    const hint = otherAddress(reason);
    return new CairnError(kind, `${this.options.server} refused: ${reason || 'it does not say why'}${hint}`);
  }

  /** Resolves when something has happened, or the time is over. */
  private arrival(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Keeps the first error; it is the one to report. */
  private fail(error: CairnError): void {
    this.failure ??= error;
    this.wake();
  }
}

/** What to do about a server that has another public URL, for example with `127.0.0.1` instead of `localhost`. */
function otherAddress(reason: string): string {
  const [, scheme, rest] = /does not name this relay, ws(s?):\/\/(\S+)$/.exec(reason) ?? [];
  return scheme === undefined ? '' : `; use its public URL: --server http${scheme}://${rest}`;
}

/**
 * The server of a command.
 * @throws CairnError `invalid` when none is given
 */
export function serverOf(settings: ClientSettings): string {
  if (settings.server !== undefined) return settings.server;
  throw new CairnError('invalid', 'the server is missing: use --server https://… or CAIRN_SERVER');
}

function unreachable(server: string, error: Error): CairnError {
  const [, status] = /^Unexpected server response: (\d+)/.exec(error.message) ?? [];
  if (status !== undefined) {
    return new CairnError('unavailable', `${server} has no relay: it answered with HTTP status ${status}`);
  }
  // A name with several addresses fails once for each, and the aggregate error has no message.
  const reason = error.message || systemCode(error) || error.name;
  const hint = /certificate/i.test(reason)
    ? '; NODE_EXTRA_CA_CERTS names a file of certificates to trust besides the usual ones'
    : '';
  return new CairnError('unavailable', `${server} cannot be reached: ${reason}${hint}`, { cause: error });
}

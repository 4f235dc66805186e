/** A conversation with the relay of one server, over a WebSocket. */
import { WebSocket } from 'ws';
import type { ClientSettings } from '../config/settings.ts';
import type { Clock } from '../lib/clock.ts';
import { CairnError, type ErrorKind, systemCode } from '../lib/errors.ts';
import { encodeEvent, type NostrEvent, type VerifiedEvent } from '../nostr/event.ts';
import { newestFirst } from '../nostr/event-order.ts';
import { kinds } from '../nostr/kinds.ts';
import { parseRelayAnswer, type RelayAnswer } from '../nostr/relay-answer.ts';
import { relayUrl } from '../nostr/repository-url.ts';
import type { Signer } from '../nostr/sign.ts';
import { loadVerifier, type Verifier } from '../nostr/verify.ts';

/** What is asked for, as it travels (NIP-01). */
export type Query = {
  readonly ids?: readonly string[];
  readonly authors?: readonly string[];
  readonly kinds?: readonly number[];
  readonly since?: number;
  readonly until?: number;
  readonly limit?: number;
} & { readonly [tag: `#${string}`]: readonly string[] };

export interface ConnectionOptions {
  /** URL of the server as its user knows it, without a slash at the end. */
  readonly server: string;
  /** Who asks; without one, only what everyone may see is answered. */
  readonly signer: Signer | undefined;
  readonly clock: Clock;
  /** Gives up whatever is waited for. */
  readonly signal: AbortSignal;
}

/** Time to reach the server. */
const CONNECT_MS = 15_000;
/** A relay that wants to know who is there asks at once, but not every machine and line is quick. */
const CHALLENGE_MS = 5_000;
/** Time to answer the goodbye. */
const GOODBYE_MS = 1_000;
/** An announcement is answered when everything it changes is published. */
const ANSWER_MS = 60_000;
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
/** No relay sends as many: this bounds what one that never ends its answer costs. */
const MAX_EVENTS = 20_000;

/** What the word in front of a refusal means. */
const KIND_OF_PREFIX: Readonly<Record<string, ErrorKind>> = {
  'auth-required': 'unauthenticated',
  blocked: 'forbidden',
  duplicate: 'conflict',
  invalid: 'invalid',
  'rate-limited': 'busy',
  restricted: 'forbidden',
  unsupported: 'invalid',
};

/** One question at a time: what comes while none is asked waits to be read. */
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
   * Connects to the relay of a server and, when it asks, shows it who we are (NIP-42).
   * @throws CairnError `unavailable` when it cannot be reached or has no relay, `unauthenticated` when it does not take us
   *   for who we are
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
   * What the relay has that matches any of the queries, newest first. All of it is what its authors signed.
   * @throws CairnError `corrupt` when it sends something else; else with the reason of the relay
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
        throw new CairnError('too-large', `${this.options.server} does not end its answer`);
      }
      return answer.type === 'EOSE' ? true : undefined;
    });
    this.socket.send(JSON.stringify(['CLOSE', subscription]));
    return events.sort(newestFirst);
  }

  /**
   * Hands an event to the relay.
   * @returns what there is to know about it, often nothing
   * @throws CairnError with the reason of the relay when it does not take it
   */
  async publish(event: VerifiedEvent): Promise<string> {
    this.socket.send(`["EVENT",${encodeEvent(event)}]`);
    return this.verdict(event);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.socket.readyState === WebSocket.CLOSED) return;
    const closed = new Promise((resolve) => this.socket.once('close', resolve));
    this.socket.close();
    // Who does not answer the goodbye is left without one.
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

  /** @throws CairnError `unavailable` when the relay says nothing of the kind in time */
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

  /** Reads on to the first message that `pick` makes something of; undefined when none has come in time. */
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
    throw new CairnError('corrupt', `${this.options.server} sent what no relay sends: ${answer.reason}`);
  }

  private checked(event: NostrEvent): VerifiedEvent {
    if (this.verifier.verify(event)) return event;
    throw new CairnError('corrupt', `${this.options.server} sent an event nobody signed: ${event.id}`);
  }

  private refusal(reason: string): CairnError {
    const kind = KIND_OF_PREFIX[/^([a-z-]+):/.exec(reason)?.[1] ?? ''] ?? 'unavailable';
    return new CairnError(kind, `${this.options.server} refused: ${reason || 'it does not say why'}`);
  }

  /** Until something has happened, or the time is over. */
  private arrival(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** The first thing that goes wrong is the one to tell of. */
  private fail(error: CairnError): void {
    this.failure ??= error;
    this.wake();
  }
}

/**
 * The server a command speaks to.
 * @throws CairnError `invalid` when none is named
 */
export function serverOf(settings: ClientSettings): string {
  if (settings.server !== undefined) return settings.server;
  throw new CairnError('invalid', 'which server? Name it by --server https://… or by CAIRN_SERVER');
}

function unreachable(server: string, error: Error): CairnError {
  const [, status] = /^Unexpected server response: (\d+)/.exec(error.message) ?? [];
  if (status !== undefined) {
    return new CairnError('unavailable', `${server} has no relay: it answered with HTTP status ${status}`);
  }
  // A name with several addresses fails once for each, and the error of all of them says nothing itself.
  const reason = error.message || systemCode(error) || error.name;
  const hint = /certificate/i.test(reason)
    ? '; NODE_EXTRA_CA_CERTS names a file of certificates to trust besides the usual ones'
    : '';
  return new CairnError('unavailable', `${server} cannot be reached: ${reason}${hint}`, { cause: error });
}

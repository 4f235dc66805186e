/**
 * One client of the relay. It answers the client's messages (NIP-01, 42, 45) and sends the events of its subscriptions.
 * Knows no WebSockets, only texts in both directions.
 */
import type { Clock } from '../../lib/clock.ts';
import type { Cooperative } from '../../lib/cooperative.ts';
import { publicTextOf } from '../../lib/errors.ts';
import type { FairSlices } from '../../lib/fair-slices.ts';
import { TokenBucket, takeFromAll } from '../../lib/token-bucket.ts';
import { type ClientMessage, parseClientMessage } from '../../nostr/client-message.ts';
import type { NostrEvent } from '../../nostr/event.ts';
import type { Filter } from '../../nostr/filter.ts';
import { checkRelayAuth } from '../../nostr/nip42.ts';
import {
  acceptedMessage,
  authMessage,
  closedMessage,
  countMessage,
  endOfStoredMessage,
  noticeMessage,
  type Reason,
  rejectedMessage,
} from '../../nostr/relay-message.ts';
import type { Verifier } from '../../nostr/verify.ts';
import type { Logger } from '../../observability/logger.ts';
import type { EventReader } from '../events.ts';
import type { Authenticated, Publication } from '../publication.ts';
import type { Caller } from './caller-rates.ts';
import { Inbox } from './inbox.ts';
import { Outbox, type Outgoing } from './outbox.ts';
import { PublishQueue } from './publish-queue.ts';
import { QueryQueue } from './query-queue.ts';
import type { RelayLimits } from './relay-limits.ts';
import { Subscriptions } from './subscriptions.ts';
import { settledCount, type Visibility } from './visibility.ts';

/** The client's socket, as a connection sees it. Its methods must not call back into the connection. */
export interface RelaySocket {
  /** Sends a text. Returns false if no more should follow until {@link Connection.drained} is called. */
  send(text: string): boolean;
  /** Stops reading messages; a few that have been read already may still arrive. */
  pause(): void;
  /** Ends a {@link pause}. */
  resume(): void;
  /** @param code of RFC 6455 @param reason at most 123 bytes of UTF-8 */
  close(code: number, reason: string): void;
}

export interface ConnectionContext {
  readonly events: EventReader;
  readonly publication: Publication;
  readonly verifier: Verifier;
  /** Whether a client that has authenticated with these keys may see an event. */
  readonly visible: (event: NostrEvent, authenticated: Authenticated) => boolean;
  /** See {@link Visibility.hidings}. */
  readonly hidings: () => number;
  /** The public URL of the relay, which clients sign to authenticate (NIP-42). */
  readonly relayUrl: string;
  readonly clock: Clock;
  readonly limits: RelayLimits;
  /** Shares computing time among the clients that ask questions. */
  readonly slices: FairSlices;
  readonly log: Logger;
}

/** Close codes of RFC 6455. */
export const GOING_AWAY = 1001;
const POLICY = 1008;
const INTERNAL = 1011;

/** With more entries than this waiting to be sent, no more messages of the client are handled. */
const ENTRIES_WAITING = 500;

/** With more new events than this waiting for a client that does not read, its connection is ended. */
const MOST_ENTRIES_WAITING = 20_000;
/** The same, in bytes. */
const MOST_BYTES_WAITING = 16 * 1024 * 1024;

/** So many bytes of a message count as one more message. */
const BYTES_PER_TOKEN = 16 * 1024;

export class Connection {
  private readonly context: ConnectionContext;
  private readonly socket: RelaySocket;
  private readonly caller: Caller;
  private readonly challenge: string;
  private readonly messages: TokenBucket;
  private readonly events: TokenBucket;
  private readonly refusals: TokenBucket;
  private readonly subscriptions: Subscriptions;
  private readonly outbox: Outbox;
  private readonly authenticated = new Set<string>();
  private readonly visibility: Visibility;
  private readonly intake: Inbox;
  private readonly queue: PublishQueue;
  private readonly queries: QueryQueue;
  private ended = false;

  /** @param challenge unguessable, and different for each connection */
  constructor(context: ConnectionContext, socket: RelaySocket, caller: Caller, challenge: string) {
    const { clock, limits } = context;
    this.context = context;
    this.socket = socket;
    this.caller = caller;
    this.challenge = challenge;
    this.messages = new TokenBucket(limits.perConnection.messages, clock);
    this.events = new TokenBucket(limits.perConnection.events, clock);
    this.refusals = new TokenBucket(limits.refusals, clock);
    this.subscriptions = new Subscriptions(
      {
        subscriptions: limits.subscriptionsPerConnection,
        bytes: limits.filterBytesPerConnection,
        bytesOfAddress: limits.filterBytesPerAddress,
      },
      caller.listening,
    );
    const visible = (event: NostrEvent) => context.visible(event, this.authenticated);
    this.visibility = { hidings: context.hidings, visible };
    this.outbox = new Outbox((text) => socket.send(text), this.subscriptions, this.visibility);
    this.queue = new PublishQueue(context.publication, context.log, caller.address);
    this.queries = new QueryQueue({
      slices: context.slices,
      party: caller.address,
      isReady: () => this.outbox.length <= ENTRIES_WAITING,
      onDone: () => this.intake.goOn(),
    });
    this.intake = new Inbox({
      isBusy: () => this.outbox.length > ENTRIES_WAITING || this.queue.isFull() || this.queries.isFull(),
      handle: (text) => this.handle(text),
      pause: (pause) => (pause ? socket.pause() : socket.resume()),
      overflow: () => this.end(POLICY, 'too fast: messages come faster than they are answered'),
    });
    this.outbox.say(authMessage(challenge));
  }

  /** Handles one message of the client. */
  receive(text: string): void {
    this.intake.receive(text);
  }

  /** Call it when the client has read what it was sent. */
  drained(): void {
    if (this.ended) return;
    try {
      this.outbox.resume();
    } catch (error) {
      // A stored event could not be read from local disk.
      this.context.log.error({ err: error }, 'stored events could not be read for a client');
      this.end(INTERNAL, 'error: stored events cannot be read');
      return;
    }
    this.queries.goOn();
    this.intake.goOn();
  }

  /** Sends a new event to every subscription that asks for it. */
  deliver(outgoing: Outgoing): void {
    if (this.ended) return;
    const wanting = this.subscriptions.matching(outgoing.isAskedFor);
    if (wanting.length === 0 || !this.context.visible(outgoing.event, this.authenticated)) return;
    const { outbox } = this;
    const entries = outbox.length + outbox.waiting + wanting.length;
    const bytes = outbox.bytes + wanting.length * outgoing.json.length;
    if (entries > MOST_ENTRIES_WAITING || bytes > MOST_BYTES_WAITING) {
      this.end(POLICY, 'too slow: new events come faster than they are read');
      return;
    }
    for (const subscription of wanting) outbox.deliverNew(subscription, outgoing);
    this.intake.goOn();
  }

  /** Ends the connection from this side. */
  end(code: number, reason: string): void {
    if (this.ended) return;
    this.close();
    this.socket.close(code, reason);
  }

  /** Call it when the connection has ended. Events that the client had sent are still published. */
  close(): void {
    this.ended = true;
    this.intake.close();
    this.queries.clear();
    this.subscriptions.clear();
    this.outbox.clear();
  }

  /** Takes no more messages, answers the events received so far, and ends the connection. */
  async finish(reason: string): Promise<void> {
    this.intake.close();
    await this.queue.idle();
    this.end(GOING_AWAY, reason);
  }

  private handle(text: string): void {
    const bytes = Buffer.byteLength(text);
    const { limits } = this.context;
    const within = this.spend(1 + Math.floor(bytes / BYTES_PER_TOKEN));
    const answer = (reply: string) => (within ? this.outbox.say(reply) : this.refuse(reply));
    if (bytes > limits.messageBytes) {
      answer(tooLong(text, limits.messageBytes));
      return;
    }
    const parsed = parseClientMessage(text, limits.message);
    if (!parsed.ok) {
      if (parsed.subscription !== undefined) this.subscriptions.remove(parsed.subscription);
      answer(parsed.answer);
      return;
    }
    const message = parsed.value;
    if (!within && message.type !== 'CLOSE') {
      this.refuse(this.refusalOf(message, 'rate-limited: too many messages, wait a moment'));
      return;
    }
    try {
      this.act(message, bytes);
    } catch (error) {
      this.context.log.error({ err: error, message: message.type }, 'a relay message could not be answered');
      this.outbox.say(this.refusalOf(message, `error: ${publicTextOf(error)}`));
    }
  }

  private act(message: ClientMessage, bytes: number): void {
    switch (message.type) {
      case 'EVENT':
        this.publish(message.event, bytes);
        return;
      case 'AUTH':
        this.authenticate(message.event);
        return;
      case 'REQ':
        this.subscribe(message.subscription, message.filters, bytes);
        return;
      case 'COUNT':
        this.count(message.subscription, message.filters, bytes);
        return;
      case 'CLOSE':
        this.subscriptions.remove(message.subscription);
        this.queries.cancel(message.subscription);
    }
  }

  private publish(event: NostrEvent, bytes: number): void {
    if (!takeFromAll([this.events, this.caller.events], 1)) {
      this.refuse(rejectedMessage(event.id, 'rate-limited: too many events, wait a moment'));
      return;
    }
    if (!this.context.verifier.verify(event)) {
      this.outbox.say(rejectedMessage(event.id, BAD_SIGNATURE));
      return;
    }
    if (!this.mayStore(bytes)) {
      const { events: most, bytes: room } = this.context.limits.perMinute;
      const text = `rate-limited: ${most} events of ${Math.floor(room / 1024 / 1024)} MiB a minute come from your address`;
      this.refuse(rejectedMessage(event.id, text as Reason));
      return;
    }
    this.queue.add(event, bytes, this.authenticated, (answer) => {
      if (this.ended) return;
      this.outbox.say(answer);
      this.intake.goOn();
    });
  }

  /** Counts an event against what the address may store in this minute; false when that is used up. */
  private mayStore(bytes: number): boolean {
    const { events, bytes: room } = this.caller.stored;
    if (!events.has(1) || !room.has(bytes)) return false;
    events.take(1);
    room.take(bytes);
    return true;
  }

  private authenticate(event: NostrEvent): void {
    const reject = (reason: Reason) => this.outbox.say(rejectedMessage(event.id, reason));
    const { verifier, relayUrl, limits } = this.context;
    if (!verifier.verify(event)) {
      reject(BAD_SIGNATURE);
      return;
    }
    const shown = checkRelayAuth(event, { relayUrl, challenge: this.challenge, now: this.seconds() });
    if (!shown.ok) {
      reject(`auth-required: ${shown.reason}`);
      return;
    }
    if (!this.authenticated.has(shown.value) && this.authenticated.size >= limits.keysPerConnection) {
      reject(`restricted: a connection may authenticate ${limits.keysPerConnection} keys`);
      return;
    }
    this.authenticated.add(shown.value);
    this.outbox.say(acceptedMessage(event.id));
  }

  private subscribe(id: string, filters: readonly Filter[], bytes: number): void {
    if (!this.spend(filters.length - 1)) {
      this.refuse(this.closed(id, 'rate-limited: too many filters, wait a moment'));
      return;
    }
    const { events, limits } = this.context;
    const subscription = this.subscriptions.add(id, filters, bytes);
    if (typeof subscription === 'string') {
      this.outbox.say(this.closed(id, `rate-limited: ${subscription}, close one of them first`));
      return;
    }
    const most = limits.eventsPerFilter;
    const bounded = filters.map((filter) => ({ ...filter, limit: Math.min(filter.limit ?? most, most) }));
    const limit = bounded.reduce((sum, filter) => sum + filter.limit, 0);
    // From here on new events wait behind the stored ones, which are looked for now.
    this.outbox.begin(subscription);
    const seenAt = this.visibility.hidings();
    this.queries.ask({
      name: id,
      bytes,
      work: unless(
        () => !this.subscriptions.isOpen(subscription),
        events.finding(bounded, { limit, ...this.view() }),
      ),
      answer: (found) => {
        if (found === undefined) this.outbox.drop(subscription);
        else this.outbox.answer(subscription, found, endOfStoredMessage(id), seenAt);
      },
      failed: (error) => {
        this.outbox.drop(subscription);
        this.cannotAnswer('REQ', id, error);
      },
      dropped: () => this.outbox.drop(subscription),
    });
  }

  private count(id: string, filters: readonly Filter[], bytes: number): void {
    if (!this.spend(filters.length - 1)) {
      this.refuse(this.closed(id, 'rate-limited: too many filters, wait a moment'));
      return;
    }
    this.queries.ask({
      name: id,
      bytes,
      work: settledCount(this.visibility, () => this.context.events.counting(filters, this.view())),
      answer: (count) => this.outbox.say(countMessage(id, count)),
      failed: (error) => this.cannotAnswer('COUNT', id, error),
      dropped: () => undefined,
    });
  }

  private cannotAnswer(message: string, id: string, error: unknown): void {
    this.context.log.error({ err: error, message }, 'a relay message could not be answered');
    this.outbox.say(this.closed(id, `error: ${publicTextOf(error)}`));
  }

  private refusalOf(message: ClientMessage, reason: Reason): string {
    if ('event' in message) return rejectedMessage(message.event.id, reason);
    return this.closed(message.subscription, reason);
  }

  /** Refuses a REQ or COUNT. After a CLOSED the client expects nothing more under the name, whatever was open before. */
  private closed(id: string, reason: Reason): string {
    this.subscriptions.remove(id);
    return closedMessage(id, reason);
  }

  /** What this client may see now. */
  private view() {
    return { now: this.seconds(), visible: this.visibility.visible };
  }

  private spend(tokens: number): boolean {
    return takeFromAll([this.messages, this.caller.messages], tokens);
  }

  /** Sends a refusal because of a rate limit. A client that gets too many of them is disconnected. */
  private refuse(answer: string): void {
    this.outbox.say(answer);
    if (takeFromAll([this.refusals], 1)) return;
    this.end(POLICY, 'too many messages although the client was told to wait');
  }

  private seconds(): number {
    return Math.floor(this.context.clock.now() / 1000);
  }
}

const BAD_SIGNATURE: Reason = 'invalid: the id or the signature is wrong';

/** Runs work until it is done, or until `isOver` returns true: then there is no result. */
function* unless<T>(isOver: () => boolean, work: Cooperative<T>): Cooperative<T | undefined> {
  for (;;) {
    if (isOver()) return undefined;
    const { done, value } = work.next();
    if (done === true) return value;
    yield;
  }
}

/** A message that is too long is not parsed; the answer finds the id of an event by a pattern. */
function tooLong(text: string, limit: number): string {
  const reason: Reason = `invalid: a message may have ${limit} bytes`;
  const [, id] = /"id"\s*:\s*"([0-9a-f]{64})"/.exec(text) ?? [];
  return id === undefined ? noticeMessage(reason) : rejectedMessage(id, reason);
}

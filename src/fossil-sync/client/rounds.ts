import type { Card } from '../../fossil/cards.ts';
import type { CardWriter } from '../../fossil/write-cards.ts';
import { CairnError } from '../../lib/errors.ts';
import { runWithin, type SyncObserver, type SyncOperation } from '../observer.ts';
import type { Transport } from '../transport.ts';
import { Counters } from './counters.ts';
import { ServerMessages } from './server-messages.ts';
import type { SessionOptions } from './sync-options.ts';
import type { SyncResult } from './sync-result.ts';
import { Wire } from './wire.ts';

/**
 * The rounds of one session, one request and one reply each: bounds, counts and reports them. A clone is a session of two
 * parts, pages and then a sync, which share it.
 */
export class Rounds {
  readonly wire: Wire;
  readonly counters = new Counters();
  readonly words = new ServerMessages();
  private readonly operation: SyncOperation;
  private readonly observer: SyncObserver;
  private readonly progress: SessionOptions['progress'];
  /** Rounds of the parts before this one. */
  private before = 0;

  constructor(
    operation: SyncOperation,
    transport: Transport,
    options: SessionOptions,
    observer: SyncObserver,
  ) {
    this.operation = operation;
    this.wire = new Wire(transport, options);
    this.observer = observer;
    this.progress = options.progress;
  }

  /** The number of the current round in this part of the session, from 1. */
  get number(): number {
    return this.counters.rounds - this.before;
  }

  /**
   * Runs the rounds of one part of the session, until one says that it was the last.
   * @param round returns whether another one is needed
   * @param beyond the error if it needs more rounds than the client may make
   * @throws the signal's reason, and what `round` throws
   */
  async run(round: () => Promise<boolean>, beyond: (rounds: number) => CairnError): Promise<void> {
    const { wire, counters, observer, operation } = this;
    this.before = counters.rounds;
    for (let goesOn = true; goesOn; ) {
      wire.signal.throwIfAborted();
      if (this.number >= wire.limits.rounds) throw beyond(this.number);
      const within = observer.roundStarted({ operation, round: counters.rounds + 1 });
      counters.begin(wire.bytesSent, wire.bytesReceived);
      goesOn = await runWithin(within, round);
    }
  }

  /**
   * Sends a request.
   * @param projectCode for the login; undefined while it is unknown
   * @returns the cards of the reply that are about more than the session: without texts, locks and the cookie
   * @throws as {@link Wire.exchange}; `corrupt` for a card that is unknown
   */
  async exchange(writer: CardWriter, projectCode: string | undefined): Promise<readonly Card[]> {
    const cards: Card[] = [];
    for (const card of await this.wire.exchange(writer, projectCode)) {
      if (this.words.read(card)) continue;
      if (card.card === 'cookie') this.wire.cookie = card.value;
      else if (card.card === 'unknown') {
        throw new CairnError('corrupt', `the server sends an unknown card: ${card.line.slice(0, 100)}`);
      } else cards.push(card);
    }
    return cards;
  }

  /** Reports a round that has been carried out. */
  completed(sent: { readonly gimmesSent: number; readonly igotsSent: number }): void {
    const { bytesSent, bytesReceived } = this.wire;
    const end = this.counters.end(this.operation, { ...sent, bytesSent, bytesReceived });
    this.observer.roundCompleted(end);
    this.progress?.(end);
  }

  /** What the session has done so far. */
  get result(): Omit<SyncResult, 'missing'> {
    const { counters, wire, words } = this;
    const { rounds, filesSent, filesReceived, unversionedSent, unversionedReceived } = counters;
    return {
      ...{ rounds, filesSent, filesReceived, unversionedSent, unversionedReceived },
      bytesSent: wire.bytesSent,
      bytesReceived: wire.bytesReceived,
      errors: words.errors,
      checkInLockFailure: words.checkInLockFailure,
    };
  }
}

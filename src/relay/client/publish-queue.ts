/** The events that one client wants to publish, one after another, because one may refer to the one before. */
import { publicTextOf } from '../../lib/errors.ts';
import type { VerifiedEvent } from '../../nostr/event.ts';
import { kinds } from '../../nostr/kinds.ts';
import { acceptedMessage, rejectedMessage } from '../../nostr/relay-message.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Authenticated, Publication } from '../publication.ts';

/** Events that may change a repository. */
const CHANGING: ReadonlySet<number> = new Set([kinds.repository, kinds.repositoryState, kinds.deletion]);

/** With so many waiting, the client is not read for a while. */
const EVENTS_WAITING = 32;
const BYTES_WAITING = 1024 * 1024;

export class PublishQueue {
  private readonly publication: Publication;
  private readonly log: Logger;
  private readonly address: string;
  private last: Promise<void> = Promise.resolve();
  private events = 0;
  private bytes = 0;

  /** @param address of the client */
  constructor(publication: Publication, log: Logger, address: string) {
    this.publication = publication;
    this.log = log;
    this.address = address;
  }

  isFull(): boolean {
    return this.events >= EVENTS_WAITING || this.bytes >= BYTES_WAITING;
  }

  /**
   * @param bytes the size of the message it came in
   * @param answer gets the OK message when the event has been decided; must not throw
   */
  add(event: VerifiedEvent, bytes: number, sender: Authenticated, answer: (text: string) => void): void {
    this.events++;
    this.bytes += bytes;
    this.last = this.last.then(async () => {
      const text = await this.publish(event, sender);
      this.events--;
      this.bytes -= bytes;
      answer(text);
    });
  }

  /** Resolves when every event added so far has been answered. */
  idle(): Promise<void> {
    return this.last;
  }

  private async publish(event: VerifiedEvent, sender: Authenticated): Promise<string> {
    try {
      const { accepted, note } = await this.publication.publish(event, sender, this.address);
      if (!note.startsWith('error:')) this.logVerdict(event, accepted, note);
      if (accepted) return acceptedMessage(event.id, note);
      return rejectedMessage(event.id, note === '' ? 'error: the event was not taken' : note);
    } catch (error) {
      this.log.error({ err: error, event: event.id, kind: event.kind }, 'an event was not published');
      return rejectedMessage(event.id, `error: ${publicTextOf(error)}`);
    }
  }

  /** Logs refusals, and events that may change a repository, at level info; other events only for debugging. */
  private logVerdict({ id, kind, pubkey }: VerifiedEvent, accepted: boolean, note: string): void {
    const about = { event: id, kind, author: pubkey, client: this.address, note };
    if (!accepted) this.log.info(about, 'event refused');
    else this.log[CHANGING.has(kind) ? 'info' : 'debug'](about, 'event taken');
  }
}

import type { ArtifactName } from '../../fossil/artifact-name.ts';
import type { Card } from '../../fossil/cards.ts';
import type { ContentType } from '../../fossil/framing.ts';
import { FOSSIL_VERSION, pragmaCard } from '../../fossil/pragmas.ts';
import { CardWriter } from '../../fossil/write-cards.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Bytes } from '../../lib/file-bytes.ts';
import type { RoundLimits } from './round-limits.ts';

/** Cards of artifacts in memory that serves again. */
export interface WrittenCards {
  readonly bytes: Uint8Array;
  /** How many cards there are. */
  readonly files: number;
  readonly release: () => void;
}

/** A reply under construction: its cards, their costs, and the remaining budget. */
export class Reply {
  filesSent = 0;
  igotsSent = 0;
  gimmesSent = 0;
  /** How it travels. Clones from version 3 on are sent uncompressed, since their payloads are compressed already. */
  type: ContentType;
  private readonly cards = new CardWriter();
  private readonly clock: Clock;
  private readonly limits: RoundLimits;
  private readonly until: number;
  private announced = 0;
  private readonly written: (() => void)[] = [];
  private readonly held: AsyncDisposable[] = [];

  constructor(type: ContentType, clock: Clock, limits: RoundLimits) {
    this.type = type;
    this.clock = clock;
    this.limits = limits;
    this.until = clock.monotonic() + limits.replyMilliseconds;
    this.add(pragmaCard({ pragma: 'server-version', ...FOSSIL_VERSION }));
  }

  /** Bytes so far. */
  get size(): number {
    return this.cards.size;
  }

  /** Whether artifacts have no more room or time. */
  get isFull(): boolean {
    return this.size >= this.limits.replyBytes || this.clock.monotonic() >= this.until;
  }

  /** Bytes that artifacts may still take. */
  get room(): number {
    return Math.max(0, this.limits.replyBytes - this.size);
  }

  add(card: Card<Bytes>): void {
    this.cards.add(card);
    if (card.card === 'file' || card.card === 'cfile' || card.card === 'uvfile') this.filesSent++;
    else if (card.card === 'gimme' || card.card === 'uvgimme') this.gimmesSent++;
  }

  /** Adds cards of artifacts that are written already. */
  addWritten({ bytes, files, release }: WrittenCards): void {
    this.cards.addWritten(bytes);
    this.filesSent += files;
    this.written.push(release);
  }

  /** Lets memory of cards serve again. To be called once nothing of the message is read any more. */
  release(): void {
    for (const release of this.written.splice(0)) release();
  }

  /** Keeps open what payloads are read from, until the reply has been sent. */
  hold<T extends AsyncDisposable>(resource: T): T {
    this.held.push(resource);
    return resource;
  }

  /** Closes what is held. To be called in any case, once nothing of the message is read any more. */
  async close(): Promise<void> {
    for (const resource of this.held.splice(0)) await resource[Symbol.asyncDispose]();
  }

  /** Announces an artifact. @returns false when no more can be announced in this reply */
  announce(name: ArtifactName, isPrivate: boolean): boolean {
    if (this.announced >= this.limits.announcementBytes) return false;
    const before = this.size;
    this.add({ card: 'igot', name, isPrivate });
    this.igotsSent++;
    this.announced += this.size - before;
    return true;
  }

  /** The message in chunks, ended by the same line as messages of stock servers: clients compare clocks with it. */
  end(errors: number): readonly Bytes[] {
    const time = new Date(this.clock.now()).toISOString().slice(0, 19);
    this.add({ card: 'comment', text: `timestamp ${time} errors ${errors}` });
    return this.cards.chunks();
  }
}

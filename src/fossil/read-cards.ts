import type { Bytes } from '../lib/file-bytes.ts';
import { CardLine, type MessageCursor } from './card-line.ts';
import type { Card } from './cards.ts';
import { readCard } from './read-card.ts';
import { readTableCard } from './read-table-card.ts';
import { FossilSyntaxError } from './syntax-error.ts';

/** What a message may have at most, and which cards are known. */
export interface CardLimits {
  /** Cards, comments included. */
  readonly cards: number;
  /** Bytes of one line. */
  readonly line: number;
  /** Bytes of all lines that hold no card. Reading them is one step for whoever reads the cards, whatever they are. */
  readonly empty: number;
  /** Bytes of one payload, as it travels. */
  readonly payload: number;
  /** Whether the cards of the table extension are known. */
  readonly tables: boolean;
}

/** A first push of a project that has no clusters names every artifact, so there may be many cards. */
export const CARD_LIMITS: CardLimits = {
  cards: 500_000,
  line: 16_384,
  // Stock Fossil writes a line feed after the payload of a cfile card.
  empty: 1_000_000,
  payload: 128 * 2 ** 20,
  tables: false,
};

/**
 * The cards of a message, in order.
 * @param message uncompressed (framing.ts). Payloads are views of it, not copies
 * @returns a reader that reads one card per call, and can be iterated once. It throws
 *   {@link FossilSyntaxError} at the first card that is malformed or beyond a limit
 */
export function readCards(message: Uint8Array, limits: Partial<CardLimits> = {}): CardReader {
  return new CardReader(new WholeMessage(message), { ...CARD_LIMITS, ...limits });
}

/** A message in memory. Payloads are views of it. */
class WholeMessage implements MessageCursor {
  readonly bytes: Buffer;
  at = 0;

  constructor(message: Uint8Array) {
    this.bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  payload(size: number): Uint8Array {
    const { at } = this;
    this.at += size;
    return this.bytes.subarray(at, this.at);
  }

  content(size: number): Uint8Array {
    return this.payload(size);
  }

  reach(): void {
    // All of it is there.
  }
}

/** Reads the cards of one message one after the other. */
export class CardReader<P extends Bytes = Uint8Array> implements Iterable<Card<P>> {
  private readonly cursor: MessageCursor<P>;
  private readonly limits: CardLimits;
  /** Where the line begins that was read last. */
  private begin = 0;
  private lines = 0;
  private cards = 0;
  private emptyBytes = 0;
  private nextIsPrivate = false;
  private hasLogin = false;

  constructor(cursor: MessageCursor<P>, limits: CardLimits) {
    this.cursor = cursor;
    this.limits = limits;
  }

  /** How many bytes are read: the end of the card that came last. */
  get offset(): number {
    return this.cursor.at;
  }

  /** What is not read yet. Right after a `login` card, these are the bytes that its nonce covers. */
  get rest(): Uint8Array {
    return this.cursor.bytes.subarray(this.cursor.at);
  }

  *[Symbol.iterator](): Generator<Card<P>, void, undefined> {
    for (let card = this.next(); card !== undefined; card = this.next()) yield card;
  }

  /** The next card; undefined at the end of the message. Throws {@link FossilSyntaxError}. */
  next(): Card<P> | undefined {
    while (this.cursor.left > 0) {
      const line = this.readLine();
      if (line === undefined) {
        this.emptyBytes += this.cursor.at - this.begin;
        if (this.emptyBytes <= this.limits.empty) continue;
        throw new FossilSyntaxError(
          'too-large',
          `a message has at most ${this.limits.empty} bytes of empty lines`,
        );
      }
      this.cards++;
      if (this.cards > this.limits.cards) {
        throw new FossilSyntaxError('too-large', `a message has at most ${this.limits.cards} cards`);
      }
      if (line.card !== 'private') return this.readCard(line);
      line.takes(0);
      this.nextIsPrivate = true;
    }
    if (!this.nextIsPrivate) return undefined;
    throw new FossilSyntaxError('invalid', 'a private card stands before a file, and no file follows');
  }

  /** Goes back to the begin of a card whose line was read, and whose content is not in memory yet. */
  stepBack(): void {
    this.cursor.at = this.begin;
    this.lines--;
    this.cards--;
  }

  private readCard(line: CardLine<P>): Card<P> {
    const table = this.limits.tables ? readTableCard(line) : undefined;
    const card = table ?? readCard(line, this.nextIsPrivate);
    if (card.card === 'file' || card.card === 'cfile') this.nextIsPrivate = false;
    if (card.card === 'login') {
      // Older servers added the rights of a second login to those of the first.
      if (this.hasLogin) throw line.wrong('multiple login cards');
      this.hasLogin = true;
    }
    return card;
  }

  /** @returns undefined for a line that says nothing */
  private readLine(): CardLine<P> | undefined {
    this.cursor.reach(this.limits.line + 1);
    const { bytes, at } = this.cursor;
    this.begin = at;
    this.lines++;
    const window = bytes.subarray(at, at + this.limits.line + 1);
    const feed = window.indexOf(0x0a);
    if (feed === -1 && window.length > this.limits.line) {
      throw new FossilSyntaxError('too-large', `line ${this.lines} is longer than ${this.limits.line} bytes`);
    }
    const end = feed === -1 ? at + window.length : at + feed;
    this.cursor.at = feed === -1 ? end : end + 1;
    const text = textOf(bytes, at, end);
    const tokens = text.startsWith('#') ? ['#'] : tokensOf(text);
    if (tokens.length === 0) return undefined;
    return new CardLine(text, tokens, this.lines, this.cursor, this.limits.payload);
  }
}

/** Most lines are ASCII, which is decoded fastest as Latin-1. What is not UTF-8 becomes U+FFFD. */
function textOf(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('latin1', start, end);
  return /[\x80-\xff]/.test(text) ? bytes.toString('utf8', start, end) : text;
}

/** Fossil takes any white space between tokens; as a rule it is one space. */
function tokensOf(text: string): readonly string[] {
  if (text === '') return [];
  if (!/[\t\r\v\f]| {2}|^ | $/.test(text)) return text.split(' ');
  return text.split(/[ \t\r\v\f]+/).filter((token) => token !== '');
}

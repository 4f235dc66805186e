import type { FileBytes } from '../lib/file-bytes.ts';
import { type MessageCursor, MissingBytes } from './card-line.ts';
import type { Card } from './cards.ts';
import { CARD_LIMITS, type CardLimits, CardReader } from './read-cards.ts';

/** Bytes of the message that are in memory at once, unless one card needs more. */
const WINDOW = 1 << 18;

/**
 * The cards of a message that is in a file, in order. Payloads of files stay there.
 * @param message uncompressed
 * @returns a reader that can be iterated once. It throws `FossilSyntaxError` as `readCards` does; CairnError `unavailable` if the file
 *   cannot be read
 */
export function readCardsOfFile(message: FileBytes, limits: Partial<CardLimits> = {}): FileCardReader {
  return new FileCardReader(message, { ...CARD_LIMITS, ...limits });
}

/** Reads the cards of one message in a file one after the other. */
export class FileCardReader implements AsyncIterable<Card<FileBytes>> {
  private readonly window: MessageWindow;
  private readonly reader: CardReader<FileBytes>;

  constructor(message: FileBytes, limits: CardLimits) {
    this.window = new MessageWindow(message);
    this.reader = new CardReader(this.window, limits);
  }

  /** What is not read yet: see `CardReader.rest`. */
  get rest(): FileBytes {
    return this.window.rest;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Card<FileBytes>, void, undefined> {
    for (let card = await this.next(); card !== undefined; card = await this.next()) yield card;
  }

  /** The next card; undefined at the end of the message. */
  async next(): Promise<Card<FileBytes> | undefined> {
    for (;;) {
      try {
        return this.reader.next();
      } catch (error) {
        if (!(error instanceof MissingBytes)) throw error;
        if (error.isInCard) this.reader.stepBack();
        await this.window.move(error.upTo);
      }
    }
  }
}

/** A part of the message in memory, from which lines are read. */
class MessageWindow implements MessageCursor<FileBytes> {
  bytes: Buffer = Buffer.alloc(0);
  at = 0;
  private readonly message: FileBytes;
  /** Where {@link bytes} is in the message. */
  private base = 0;

  constructor(message: FileBytes) {
    this.message = message;
  }

  get left(): number {
    return this.message.length - this.base - this.at;
  }

  get rest(): FileBytes {
    return this.message.slice(this.base + this.at);
  }

  payload(size: number): FileBytes {
    const begin = this.base + this.at;
    this.at += size;
    return this.message.slice(begin, begin + size);
  }

  content(size: number): Uint8Array {
    const { at, bytes } = this;
    if (at + size > bytes.length) throw new MissingBytes(at + size, true);
    this.at += size;
    // A copy: a view would keep the whole window in memory.
    return Uint8Array.from(bytes.subarray(at, this.at));
  }

  reach(size: number): void {
    if (this.at + Math.min(size, this.left) > this.bytes.length) {
      throw new MissingBytes(this.at + size, false);
    }
  }

  /** Reads on from where it is. @param upTo a position in {@link bytes}, which are there afterwards or have ended */
  async move(upTo: number): Promise<void> {
    const size = Math.max(WINDOW, upTo - this.at);
    this.base += this.at;
    this.at = 0;
    this.bytes = await this.message.read(this.base, this.base + size);
  }
}

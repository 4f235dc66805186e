import { CairnError } from '../lib/errors.ts';
import { type Bytes, FileBytes } from '../lib/file-bytes.ts';
import type { Card, UnversionedIgotCard } from './cards.ts';
import { fossilize } from './tokens.ts';

/** Bytes from which on a payload is a chunk of its own. */
const LARGE = 64 * 1024;

/** Collects cards and makes a message of them. Payloads are kept as they are until `bytes()` joins everything once. */
export class CardWriter {
  private readonly parts: Bytes[] = [];
  /** Lines that no payload has come after yet. */
  private lines = '';
  private written = 0;

  /** Bytes of the message so far. */
  get size(): number {
    return this.written;
  }

  /**
   * Adds a card, and before a private file the `private` card.
   * Throws `invalid` for a card that cannot travel: an argument is empty or has white space where none can be encoded.
   */
  add(card: Card<Bytes>): void {
    switch (card.card) {
      case 'file':
        if (card.isPrivate) this.line('private');
        this.line('file', card.name, ...optional(card.source), String(card.payload.length));
        this.payload(card.payload);
        return;
      case 'cfile':
        if (card.isPrivate) this.line('private');
        this.line(
          'cfile',
          card.name,
          ...optional(card.source),
          String(card.size),
          String(card.payload.length),
        );
        this.payload(card.payload);
        return;
      case 'uvfile':
        this.line('uvfile', ...unversioned(card), String(card.flags));
        if (card.content !== undefined) this.payload(card.content);
        return;
      case 'config':
        this.line('config', card.name, String(card.content.byteLength));
        this.payload(card.content);
        // Not counted in its size.
        this.text('\n');
        return;
      case 'schema':
        this.line(
          'schema',
          card.table,
          String(card.version),
          card.hash,
          String(card.time),
          String(card.content.byteLength),
        );
        this.payload(card.content);
        return;
      case 'xrow':
      case 'xdelete':
        this.line(card.card, card.table, card.key, String(card.time), String(card.content.byteLength));
        this.payload(card.content);
        return;
      case 'comment':
        this.text(`# ${oneLine(card.text)}\n`);
        return;
      case 'unknown':
        this.text(`${oneLine(card.line)}\n`);
        return;
      case 'message':
      case 'error':
        // Without a text there is no token, and the card is still whole.
        this.text(`${card.card} ${fossilize(card.text)}\n`);
        return;
      default:
        this.line(card.card, ...argumentsOf(card));
    }
  }

  /** Adds cards that are written already. */
  addWritten(cards: Uint8Array): void {
    this.payload(cards);
  }

  /** The message, if no payload is in a file. Cards can be added after it, too. */
  bytes(): Buffer {
    this.flush();
    return Buffer.concat(this.parts.map(ofMemory), this.written);
  }

  /** The message in chunks: large payloads, and those in files, as they are; what is between them joined. */
  chunks(): readonly Bytes[] {
    this.flush();
    const chunks: Bytes[] = [];
    let small: Uint8Array[] = [];
    const join = () => {
      if (small.length > 0) chunks.push(Buffer.concat(small));
      small = [];
    };
    for (const part of this.parts) {
      if (!(part instanceof FileBytes) && part.length < LARGE) small.push(part);
      else {
        join();
        chunks.push(part);
      }
    }
    join();
    return chunks;
  }

  private line(...tokens: readonly string[]): void {
    for (const token of tokens) {
      // What Fossil takes for white space: a no-break space may be in a name.
      if (token === '' || /[ \t\n\r\v\f\0]/.test(token)) {
        throw new CairnError(
          'invalid',
          `a ${tokens[0]} card cannot have ${JSON.stringify(token)} as an argument`,
        );
      }
    }
    this.text(`${tokens.join(' ')}\n`);
  }

  private text(text: string): void {
    this.lines += text;
    this.written += Buffer.byteLength(text);
  }

  private payload(bytes: Bytes): void {
    this.flush();
    this.parts.push(bytes);
    this.written += bytes.length;
  }

  private flush(): void {
    if (this.lines === '') return;
    this.parts.push(Buffer.from(this.lines));
    this.lines = '';
  }
}

function ofMemory(part: Bytes): Uint8Array {
  if (part instanceof FileBytes) throw new TypeError('a payload is in a file');
  return part;
}

/** A whole message of these cards. */
export function writeCards(cards: Iterable<Card>): Buffer {
  const writer = new CardWriter();
  for (const card of cards) writer.add(card);
  return writer.bytes();
}

type LineCard = Exclude<
  Card,
  {
    readonly card:
      | 'file'
      | 'cfile'
      | 'uvfile'
      | 'config'
      | 'schema'
      | 'xrow'
      | 'xdelete'
      | 'comment'
      | 'unknown'
      | 'message'
      | 'error';
  }
>;

/** The arguments of a card that is a line and nothing more. */
function argumentsOf(card: LineCard): readonly string[] {
  switch (card.card) {
    case 'login':
      return [fossilize(card.user), card.nonce, card.signature];
    case 'push':
    case 'pull':
      return [card.serverCode, card.projectCode];
    case 'clone':
      if (card.position !== undefined) return [String(card.version), String(card.position)];
      // Version 1 has no arguments. Others begin at the first artifact, which has the position 1.
      return card.version === 1 ? [] : [String(card.version), '1'];
    case 'clone_seqno':
      return [String(card.position)];
    case 'igot':
      return card.isPrivate ? [card.name, '1'] : [card.name];
    case 'gimme':
      return [card.name];
    case 'uvigot':
      return unversioned(card);
    case 'uvgimme':
      return [fossilize(card.name)];
    case 'cookie':
      return [card.value];
    case 'reqconfig':
      return [card.name];
    case 'pragma':
      return [card.name, ...card.args.map(fossilize)];
    case 'xigot':
      return [card.table, card.key, String(card.time)];
    case 'xgimme':
      return [card.table, card.key];
  }
}

function optional(token: string | undefined): readonly string[] {
  return token === undefined ? [] : [token];
}

function unversioned(file: Omit<UnversionedIgotCard, 'card'>): readonly string[] {
  return [fossilize(file.name), String(file.time), file.hash ?? '-', String(file.size)];
}

function oneLine(text: string): string {
  if (!text.includes('\n')) return text;
  throw new CairnError('invalid', 'a line of a message cannot contain a line feed');
}

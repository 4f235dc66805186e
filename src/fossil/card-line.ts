import type { Bytes } from '../lib/file-bytes.ts';
import { type ArtifactName, parseArtifactName } from './artifact-name.ts';
import { FossilSyntaxError } from './syntax-error.ts';
import { defossilize } from './tokens.ts';

/** A message, and how much of it is read. */
export interface MessageCursor<Payload extends Bytes = Uint8Array> {
  /** Lines are read from here: the message, or a part of it. */
  readonly bytes: Buffer;
  /** A position in {@link bytes}. */
  at: number;
  /** Bytes of the message that are not read. */
  readonly left: number;
  /** Reads `size` bytes of those that are left: the payload of a file. */
  payload(size: number): Payload;
  /** Reads `size` bytes of those that are left into memory. Throws {@link MissingBytes} if they are not in {@link bytes} yet. */
  content(size: number): Uint8Array;
  /** Throws {@link MissingBytes} unless the next `size` bytes, or all that are left, are in {@link bytes}. */
  reach(size: number): void;
}

/** The part of a message that is in memory ends too early to go on. */
export class MissingBytes extends Error {
  /** A position in {@link MessageCursor.bytes}, behind their end. */
  readonly upTo: number;
  /** Whether a card was begun, whose line has been read. */
  readonly isInCard: boolean;

  constructor(upTo: number, isInCard: boolean) {
    super(`the bytes up to ${upTo} are not in memory`);
    this.upTo = upTo;
    this.isInCard = isInCard;
  }
}

/** The line that a card begins with, and the bytes after it. Every method throws {@link FossilSyntaxError}. */
export class CardLine<Payload extends Bytes = Uint8Array> {
  /** The whole line without its line feed. */
  readonly text: string;
  /** The arguments as they travel, without the name of the card. */
  readonly args: readonly string[];
  readonly card: string;
  private readonly cursor: MessageCursor<Payload>;
  private readonly number: number;
  private readonly longestPayload: number;

  /**
   * @param tokens the name of the card first
   * @param number of the line, from 1
   */
  constructor(
    text: string,
    tokens: readonly string[],
    number: number,
    cursor: MessageCursor<Payload>,
    longestPayload: number,
  ) {
    this.text = text;
    this.card = tokens[0] ?? '';
    this.args = tokens.slice(1);
    this.number = number;
    this.cursor = cursor;
    this.longestPayload = longestPayload;
  }

  /** Refuses the card unless it has so many arguments. */
  takes(least: number, most = least): void {
    const given = this.args.length;
    if (given >= least && given <= most) return;
    const taken = least === most ? `${least}` : `${least} to ${most}`;
    throw this.wrong(`it takes ${taken} arguments, not ${given}`);
  }

  /** An argument as it travels. Negative indexes count from the end. */
  token(index: number): string {
    return this.args.at(index) ?? '';
  }

  /** An argument that is the name of an artifact. */
  artifact(index: number): ArtifactName {
    const name = parseArtifactName(this.token(index));
    if (name !== undefined) return name;
    throw this.wrong(
      `${this.quoted(index)} is not the name of an artifact: 40 or 64 hex digits in lower case`,
    );
  }

  /** An argument that is the name of an artifact, or a dash for a deleted file. */
  artifactOrDash(index: number): ArtifactName | undefined {
    return this.token(index) === '-' ? undefined : this.artifact(index);
  }

  /** An argument that is a whole number from 0 on. */
  count(index: number): number {
    const value = parseCount(this.token(index));
    if (value === undefined) throw this.wrong(`${this.quoted(index)} is not a number`);
    return value;
  }

  /** An argument that is the name of a file. Names are compared, so one that is not UTF-8 must not pass for another. */
  fileName(index: number): string {
    const name = defossilize(this.token(index));
    if (name === '' || name.includes('\ufffd')) throw this.wrong('the name of the file is not UTF-8');
    return name;
  }

  /** The `size` bytes that follow, for a file. A view of the message, not a copy. */
  payload(size: number): Payload {
    return this.checked(size).payload(size);
  }

  /** The `size` bytes that follow, in memory. */
  content(size: number): Uint8Array {
    return this.checked(size).content(size);
  }

  private checked(size: number): MessageCursor<Payload> {
    if (size > this.longestPayload) {
      throw this.wrong(
        `its payload has ${size} bytes; at most ${this.longestPayload} are taken`,
        'too-large',
      );
    }
    const { left } = this.cursor;
    if (size > left) throw this.wrong(`its payload is cut short: ${left} of ${size} bytes are there`);
    return this.cursor;
  }

  /** What follows the name of the card, as one text. It should be one token; some senders forget to encode it. */
  rest(): string {
    return defossilize(this.text.replace(/^[ \t\r\v\f]*[^ \t\r\v\f]+[ \t\r\v\f]*/, '').replace(/\r$/, ''));
  }

  /** The error that names this card and line. */
  wrong(problem: string, kind: 'invalid' | 'too-large' = 'invalid'): FossilSyntaxError {
    const card = this.card.length > 40 ? `${this.card.slice(0, 40)}…` : this.card;
    return new FossilSyntaxError(kind, problem, { card, line: this.number });
  }

  /** An argument as a sender gave it, short enough for an error. */
  private quoted(index: number): string {
    const token = this.token(index);
    return JSON.stringify(token.length > 80 ? `${token.slice(0, 80)}…` : token);
  }
}

/** A whole number from 0 on in decimal digits; undefined for anything else. */
export function parseCount(token: string): number | undefined {
  return /^[0-9]{1,15}$/.test(token) ? Number(token) : undefined;
}

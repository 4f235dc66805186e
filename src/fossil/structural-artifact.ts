/**
 * Structural artifacts (fossil-scm.org, "Fossil File Formats"): lines that begin with a capital letter, in the order of the
 * letters. The last one, `Z`, has the MD5 of everything before it.
 */
import { hashHex } from '../lib/digest.ts';

/** `Z`, a space, 32 digits and a line feed. */
const CHECKSUM_LINE = 35;

/**
 * Lines, and cards that are kept, of one artifact. Real check-ins have some hundred thousand files and a few other cards; a
 * content of 128 MiB could have forty million cards, which take more memory than a server has.
 */
const MOST_LINES = 2_000_000;
const MOST_CARDS = 250_000;

const LINE_FEED = 0x0a;
const SPACE = 0x20;
const A = 0x41;
const E = 0x45;
const N = 0x4e;
const P = 0x50;
const U = 0x55;
const W = 0x57;
const Z = 0x5a;

/** What signed artifacts begin with, and their signatures. Fossil signs with PGP, and from 2.27 on with SSH as well. */
const SIGNED = /^-----BEGIN (?:PGP|SSH) SIGNED MESSAGE-----/;
const SIGNED_BYTES = 34;
const SIGNATURES = ['\n-----BEGIN PGP SIGNATURE-----', '\n-----BEGIN SSH SIGNATURE-----'] as const;
const DASH = 0x2d;

/** One card: its letter, and what follows it on its line. Of `W` it is the text that comes behind its line. */
export type ArtifactCard = readonly [letter: string, text: string];

/**
 * The cards of a structural artifact in their order, without `Z`. A signature around it is left out. `kindOfCards` tells
 * whether they suit each other.
 * @param unread a letter of which only the first card is given, without its text. Check-ins have very many of `F`. Where it is given,
 *   the text of `W` is left out, too
 * @returns undefined if the content is not one: cards out of order, a line that is not a card, a wrong checksum, or more than
 *   250,000 cards or two million lines
 */
export function readStructuralArtifact(
  content: Uint8Array,
  unread?: string,
): readonly ArtifactCard[] | undefined {
  const bytes = withoutSignature(Buffer.from(content.buffer, content.byteOffset, content.length));
  if (bytes === undefined || !endsWithChecksum(bytes)) return undefined;
  const body = bytes.subarray(0, bytes.length - CHECKSUM_LINE);
  if (body[0] === undefined || body[0] < A || body[0] > Z || body[1] !== SPACE) return undefined;
  const checksum = hashHex('md5', body);
  if (checksum !== bytes.toString('latin1', bytes.length - 33, bytes.length - 1)) return undefined;

  const cards: ArtifactCard[] = [];
  const skipped = unread?.charCodeAt(0);
  let previous = A;
  let lines = 0;
  let hasEvent = false;
  for (let at = 0; at < body.length; ) {
    const letter = body[at] ?? 0;
    // Technotes that were made before 2021 have N behind P.
    const mayComeLate = hasEvent && letter === N && previous === P;
    if ((letter < previous && !mayComeLate) || letter >= Z) return undefined;
    hasEvent ||= letter === E;
    const end = body.indexOf(LINE_FEED, at);
    if (body[at + 1] !== SPACE && !(end === at + 1 && (letter === P || letter === U))) return undefined;
    // The name of a parent is not empty.
    if (letter === P && end === at + 2) return undefined;
    lines++;
    if (lines > MOST_LINES || cards.length >= MOST_CARDS) return undefined;
    if (letter === W) {
      const text = textBehind(body, at, end);
      if (text === undefined) return undefined;
      cards.push(['W', unread === undefined ? text.toString('utf8') : '']);
      previous = letter;
      at = end + 1 + text.length + 1;
      continue;
    }
    if (letter !== skipped) cards.push([String.fromCharCode(letter), body.toString('utf8', at + 2, end)]);
    else if (letter !== previous) cards.push([String.fromCharCode(letter), '']);
    previous = letter;
    at = end + 1;
  }
  return cards;
}

/** Whether a content that begins with these bytes may be structural: with a letter of a card, or with a signature. */
export function mayBeStructural([first = 0]: Uint8Array): boolean {
  return (first >= A && first <= Z) || first === DASH;
}

/** The text of a `W` card, whose line says how many bytes it has; a line feed follows it. */
function textBehind(body: Buffer, at: number, end: number): Buffer | undefined {
  const size = /^\d{1,9}$/.exec(body.toString('latin1', at + 2, Math.min(end, at + 16)))?.[0];
  if (size === undefined) return undefined;
  const stop = end + 1 + Number(size);
  return body[stop] === LINE_FEED ? body.subarray(end + 1, stop) : undefined;
}

/** The bytes of a structural artifact that has these lines. @param lines each with its line feed, in the order of the format */
export function writeStructuralArtifact(lines: string): Uint8Array {
  return Buffer.from(`${lines}Z ${hashHex('md5', lines)}\n`);
}

/** Whether content ends with a line that has the form of a checksum. */
function endsWithChecksum(content: Uint8Array): boolean {
  const at = content.length - CHECKSUM_LINE;
  return (
    at > 0 &&
    content[at - 1] === LINE_FEED &&
    content[at] === Z &&
    content[at + 1] === SPACE &&
    content[content.length - 1] === LINE_FEED
  );
}

/**
 * What a clear-signed message (RFC 4880, section 7) holds, told as by Fossil: behind the first empty line, and before the last signature.
 * Content that is not signed is given back as it is.
 */
function withoutSignature(content: Buffer): Buffer | undefined {
  if (!SIGNED.test(content.toString('latin1', 0, SIGNED_BYTES))) return content;
  const begins = ['\n\n', '\n\r\n'].flatMap((line) => {
    const at = content.indexOf(line, SIGNED_BYTES - 1);
    return at === -1 ? [] : [at + line.length];
  });
  if (begins.length === 0) return undefined;
  const message = content.subarray(Math.min(...begins));
  const end = Math.max(...SIGNATURES.map((line) => message.lastIndexOf(line)));
  return end === -1 ? message : message.subarray(0, end + 1);
}

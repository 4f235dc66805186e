/**
 * Structural artifacts (fossil-scm.org, "Fossil File Formats"): lines that begin with a capital letter, in the order of the
 * letters. The last one, `Z`, has the MD5 of everything before it.
 */
import { createHash } from 'node:crypto';

/** `Z`, a space, 32 digits and a line feed. */
const CHECKSUM_LINE = 35;

const LINE_FEED = 0x0a;
const SPACE = 0x20;
const Z = 0x5a;

const PGP_HEAD = '-----BEGIN PGP SIGNED MESSAGE-----';
const PGP_SIGNATURE = '\n-----BEGIN PGP SIGNATURE-----';

/** One card: its letter, and what follows it on its line. */
export type ArtifactCard = readonly [letter: string, text: string];

/**
 * The cards of a structural artifact in their order, without `Z`. A signature around it is left out.
 * @returns undefined if the content is none: cards out of order, a line that is no card, or a wrong checksum
 */
export function readStructuralArtifact(content: Uint8Array): readonly ArtifactCard[] | undefined {
  const bytes = withoutSignature(Buffer.from(content.buffer, content.byteOffset, content.length));
  if (bytes === undefined || !endsWithChecksum(bytes)) return undefined;
  const body = bytes.subarray(0, bytes.length - CHECKSUM_LINE);
  if (body[0] === undefined || body[0] < 0x41 || body[0] > Z || body[1] !== SPACE) return undefined;
  const checksum = createHash('md5').update(body).digest('hex');
  if (checksum !== bytes.toString('latin1', bytes.length - 33, bytes.length - 1)) return undefined;

  const cards: ArtifactCard[] = [];
  let previous = '';
  for (const line of body.toString('utf8', 0, body.length - 1).split('\n')) {
    const letter = line.charAt(0);
    if (letter < 'A' || letter >= 'Z' || line.charAt(1) !== ' ' || letter < previous) return undefined;
    cards.push([letter, line.slice(2)]);
    previous = letter;
  }
  return cards;
}

/** The bytes of a structural artifact that has these lines. @param lines each with its line feed, in the order of the format */
export function writeStructuralArtifact(lines: string): Uint8Array {
  return Buffer.from(`${lines}Z ${createHash('md5').update(lines).digest('hex')}\n`);
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

/** What a clear-signed message (RFC 4880, section 7) holds; content that is not signed is given back as it is. */
function withoutSignature(content: Buffer): Buffer | undefined {
  if (content.toString('latin1', 0, PGP_HEAD.length) !== PGP_HEAD) return content;
  const begin = content.indexOf('\n\n');
  const end = content.indexOf(PGP_SIGNATURE);
  return begin === -1 || end === -1 || end < begin ? undefined : content.subarray(begin + 2, end + 1);
}

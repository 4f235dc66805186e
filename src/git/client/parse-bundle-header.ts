import { CairnError } from '../../lib/errors.ts';
import { type ObjectFormat, readObjectId } from '../object-id.ts';
import { cleanReason } from '../reason.ts';
import { decodeRefName } from '../refs/ref-name.ts';

/** What a bundle says before its pack (gitformat-bundle). */
export interface BundleHeader {
  readonly objectFormat: ObjectFormat;
  /** Commits that a reader of the bundle must have. */
  readonly prerequisites: readonly string[];
  /** Object ids by name, in the order of the bundle. HEAD may be one of them. */
  readonly refs: ReadonlyMap<string, string>;
  /** Refs whose names are not UTF-8, as lines of an advertisement have them: id, space, name. */
  readonly otherRefs: readonly Buffer[];
  /** Bytes of the header: the pack begins behind them. */
  readonly length: number;
}

const SIGNATURE = /^# v([23]) git bundle\n/;
/** Bytes of a signature. */
export const bundleSignatureLength = 16;

/** True if a file that begins like this is a bundle. @param start its first {@link bundleSignatureLength} bytes */
export function isBundle(start: Buffer): boolean {
  return SIGNATURE.test(start.toString('latin1', 0, bundleSignatureLength));
}

/**
 * Parses the header of a bundle.
 * @param bytes the bundle from its first byte on
 * @returns undefined until the whole header is there
 * @throws CairnError `corrupt` when no bundle looks like this, `invalid` when it is of a kind that cannot be read
 */
export function parseBundleHeader(bytes: Buffer): BundleHeader | undefined {
  if (!isBundle(bytes)) throw new CairnError('corrupt', 'this is not a bundle of version 2 or 3');
  const end = bytes.indexOf('\n\n', 0, 'latin1');
  if (end === -1) return undefined;
  let objectFormat: ObjectFormat = 'sha1';
  const prerequisites: string[] = [];
  const refs = new Map<string, string>();
  const otherRefs: Buffer[] = [];
  for (let start = bundleSignatureLength; start <= end; ) {
    const lineEnd = bytes.indexOf(0x0a, start);
    const line = bytes.subarray(start, lineEnd);
    start = lineEnd + 1;
    if (line.length === 0) break;
    if (line[0] === AT) objectFormat = formatIn(line);
    else if (line[0] === MINUS) prerequisites.push(idOf(line.subarray(1), objectFormat).oid);
    else {
      const { oid, rest } = idOf(line, objectFormat);
      if (rest.length === 0 || rest.includes(0)) throw notUnderstood(line);
      const name = decodeRefName(rest);
      if (name === undefined) otherRefs.push(line);
      else refs.set(name, oid);
    }
  }
  return { objectFormat, prerequisites, refs, otherRefs, length: end + 2 };
}

const AT = 0x40;
const MINUS = 0x2d;

/** A capability. Git, too, does not read a bundle with one that it does not know. */
function formatIn(line: Buffer): ObjectFormat {
  const text = line.toString('utf8');
  if (text === '@object-format=sha1') return 'sha1';
  if (text === '@object-format=sha256') return 'sha256';
  if (text.startsWith('@filter=')) {
    throw new CairnError('invalid', 'the bundle lacks objects: it was made with a filter');
  }
  throw new CairnError('invalid', `the bundle needs an unknown capability: ${cleanReason(text, 100)}`);
}

function idOf(line: Buffer, format: ObjectFormat): { readonly oid: string; readonly rest: Buffer } {
  const space = line.indexOf(0x20);
  const end = space === -1 ? line.length : space;
  const oid = readObjectId(line.toString('latin1', 0, end), format);
  if (oid === undefined) throw notUnderstood(line);
  return { oid, rest: line.subarray(end + 1) };
}

function notUnderstood(line: Buffer): CairnError {
  const shown = JSON.stringify(cleanReason(line.toString('utf8', 0, 100)));
  return new CairnError('corrupt', `the header of the bundle has an invalid line: ${shown}`);
}

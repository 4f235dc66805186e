/** Commits and tags as text: what they link to, what of them cannot be kept, and their form with other ids. */
import { CairnError } from '../../lib/errors.ts';

/** What is left out, because it states a SHA-1 id or signs one. */
export interface Dropped {
  /** Signatures of the commit or tag itself. */
  readonly signatures: number;
  /** Headers of a merge that hold a signed tag. */
  readonly mergetags: number;
}

/** A commit or tag. Texts have a character for each byte (latin1), so that every encoding is kept. */
export interface CommitText extends Dropped {
  readonly kind: 'commit' | 'tag';
  /** The tree of a commit, or what a tag points at. */
  readonly target: string;
  /** The type of what a tag points at, as the tag states it; `tree` for a commit. */
  readonly targetType: string;
  readonly parents: readonly string[];
  /** The other lines of the header that are kept, each with its line feed. */
  readonly header: string;
  /** What follows the header: an empty line and the message; empty if there is neither. */
  readonly message: string;
  /** When it was committed or tagged, in seconds; 0 if that is not stated. */
  readonly date: number;
}

/** Headers with a signature, and with a tag that a merge took in. */
const SIGNATURE = /^gpgsig(?:-sha256)?(?: |$)/;
const MERGETAG = /^mergetag(?: |$)/;

/** Lines that begin a signature at the end of a tag, in the formats that git knows. */
const SIGNATURE_OF_TAG = /^-----BEGIN (?:PGP SIGNATURE|PGP MESSAGE|SIGNED MESSAGE|SSH SIGNATURE)-----/gm;

/** @throws CairnError `corrupt` if it does not begin as a commit does */
export function parseCommit(content: Buffer): CommitText {
  const { lines, message } = split(content);
  const [, target] = /^tree ([0-9a-f]{40})$/.exec(lines[0] ?? '') ?? [];
  if (target === undefined) throw new CairnError('corrupt', 'it does not begin with the id of a tree');
  const parents: string[] = [];
  let at = 1;
  for (; at < lines.length; at++) {
    const [, parent] = /^parent ([0-9a-f]{40})$/.exec(lines[at] ?? '') ?? [];
    if (parent === undefined) break;
    parents.push(parent);
  }
  const { header, ...dropped } = keptLines(lines.slice(at));
  return {
    kind: 'commit',
    target,
    targetType: 'tree',
    parents,
    header,
    message,
    date: dateIn(/^committer .*$/m.exec(header)?.[0]),
    ...dropped,
  };
}

/** @throws CairnError `corrupt` if it does not begin as a tag does */
export function parseTag(content: Buffer): CommitText {
  const { lines, message } = split(content);
  const [, target] = /^object ([0-9a-f]{40})$/.exec(lines[0] ?? '') ?? [];
  const [, targetType] = /^type (commit|tree|blob|tag)$/.exec(lines[1] ?? '') ?? [];
  if (target === undefined || targetType === undefined) {
    throw new CairnError('corrupt', 'it does not begin with the id and the type of what it points at');
  }
  const { header, signatures, mergetags } = keptLines(lines.slice(1));
  const payload = withoutSignature(message);
  return {
    kind: 'tag',
    target,
    targetType,
    parents: [],
    header,
    message: payload,
    date: dateIn(/^tagger .*$/m.exec(header)?.[0]),
    signatures: signatures + (payload.length < message.length ? 1 : 0),
    mergetags,
  };
}

/** The commit or tag with other ids and another message. */
export function encodeCommitText(
  { kind, header }: CommitText,
  target: string,
  parents: readonly string[],
  message: string,
): Buffer {
  const first = kind === 'commit' ? 'tree' : 'object';
  const links = [`${first} ${target}\n`, ...parents.map((parent) => `parent ${parent}\n`)];
  return Buffer.from(links.join('') + header + message, 'latin1');
}

function split(content: Buffer): { readonly lines: string[]; readonly message: string } {
  const end = content.indexOf('\n\n');
  const text = content.toString('latin1');
  if (end === -1) return { lines: text.split('\n'), message: '' };
  return { lines: text.slice(0, end).split('\n').concat(''), message: text.slice(end + 1) };
}

/** A line that begins with a space belongs to the header before it. */
function keptLines(lines: readonly string[]): Dropped & { readonly header: string } {
  const kept: string[] = [];
  let [signatures, mergetags, isDropped] = [0, 0, false];
  for (const line of lines) {
    if (!line.startsWith(' ')) {
      const [isSignature, isMergetag] = [SIGNATURE.test(line), MERGETAG.test(line)];
      if (isSignature) signatures++;
      if (isMergetag) mergetags++;
      isDropped = isSignature || isMergetag;
    }
    if (!isDropped) kept.push(line);
  }
  return { header: kept.join('\n'), signatures, mergetags };
}

/** git takes the last line that begins a signature, and all that follows, for the signature. */
function withoutSignature(message: string): string {
  const last = [...message.matchAll(SIGNATURE_OF_TAG)].at(-1);
  return last === undefined ? message : message.slice(0, last.index);
}

function dateIn(line = ''): number {
  return Number(/> (\d{1,15}) [+-]\d+$/.exec(line)?.[1] ?? 0);
}

/** The hex digits that a message may mean an object by. */
const MENTION = /(?<=^|[^0-9A-Za-z]|-g)[0-9A-Fa-f]{7,40}(?![0-9A-Za-z])/g;

/** Longest message in which ids are rewritten, in bytes. */
export const mostMessageBytes = 2 ** 20;

/**
 * Rewrites ids in a message: runs of 7 to 40 hex digits with no other letter or digit beside them, also after the `-g` of
 * `git describe`. A message of more than {@link mostMessageBytes} stays as it is.
 * @param newId returns what takes the place of an id, given in lower case; undefined to leave it
 */
export function rewriteMentions(message: string, newId: (prefix: string) => string | undefined): string {
  if (message.length > mostMessageBytes) return message;
  return message.replace(MENTION, (run) => newId(run.toLowerCase()) ?? run);
}

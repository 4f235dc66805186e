/**
 * The kinds of structural artifacts, and which cards each may and must have (`manifest_parse` in Fossil's `manifest.c`). A content that
 * breaks a rule is a file like any other: Fossil neither shows it nor follows its links, so Cairn must not either.
 *
 * Two rules are not here. A `D` card may hold any text: Fossil takes whatever SQLite reads as a date. And the cards of files are
 * checked only where all of them are read.
 */
import { compareBytes } from '../lib/byte-order.ts';
import type { ArtifactCard } from './structural-artifact.ts';
import { defossilize } from './tokens.ts';

export type ArtifactKind =
  | 'check-in'
  | 'cluster'
  | 'tag'
  | 'wiki'
  | 'ticket'
  | 'attachment'
  | 'technote'
  | 'forum';

/** Allowed and required cards of each kind, beside `Z`. */
const CARDS: Readonly<Record<ArtifactKind, readonly [allowed: string, required: string]>> = {
  'check-in': ['BCDFNPQRTU', 'D'],
  cluster: ['M', 'M'],
  tag: ['DTU', 'DTU'],
  wiki: ['CDLNPUW', 'DLUW'],
  ticket: ['DJKU', 'DJKU'],
  attachment: ['ACDNU', 'AD'],
  technote: ['CDENPTUW', 'DEW'],
  forum: ['DGHINPUW', 'DUW'],
};

/** Which cards tell the kind. Others may be in several. */
const KIND_OF: Readonly<Record<string, ArtifactKind>> = {
  ...{ A: 'attachment', B: 'check-in', E: 'technote', F: 'check-in', G: 'forum', H: 'forum', I: 'forum' },
  ...{ J: 'ticket', K: 'ticket', L: 'wiki', M: 'cluster', Q: 'check-in', R: 'check-in' },
};

/** Fewest and most arguments of each card but `F` and `W`. */
const ARGUMENTS: Readonly<Record<string, readonly [fewest: number, most: number]>> = {
  ...{ A: [2, 3], B: [1, 1], C: [1, 1], D: [1, 1], E: [2, 2], G: [1, 1], H: [1, 1], I: [1, 1] },
  ...{ J: [1, 2], K: [1, 1], L: [1, 1], M: [1, 1], N: [1, 1], P: [0, Number.POSITIVE_INFINITY] },
  ...{ Q: [1, 2], R: [1, 1], T: [2, 3], U: [0, 1] },
};

/** Cards of which there is one at most. */
const SINGLE = 'ABCDEGHIKLNRUW';

/** A name with capital letters, too: Fossil takes it for that of another artifact. */
const HASH = /^(?:[0-9a-fA-F]{40}|[0-9a-fA-F]{64})$/;
const HEX = /^[0-9a-fA-F]*$/;

/** One card, and the one of the same letter before it. */
interface Read {
  readonly args: readonly string[];
  readonly before: readonly string[] | undefined;
}

/** What must hold for the arguments of a card, beside their number. */
const RULES: Readonly<Record<string, (card: Read) => boolean>> = {
  A: ({ args: [name = '', target = '', source] }) =>
    isSimplePath(defossilize(name)) &&
    (HASH.test(defossilize(target)) || isTitle(defossilize(target))) &&
    isHashOrAbsent(source),
  B: isHash,
  E: ({ args: [, name = ''] }) => HASH.test(name),
  G: isHash,
  I: isHash,
  J: ({ args: [name = ''], before }) => before === undefined || compareBytes(before[0] ?? '', name) < 0,
  K: ({ args: [name = ''] }) => name.length === 40 && HEX.test(name),
  L: ({ args: [title = ''] }) => isTitle(defossilize(title)),
  M: (card) => isHash(card) && (card.before === undefined || (card.before[0] ?? '') < (card.args[0] ?? '')),
  P: ({ args }) => args.every((name) => HASH.test(name)),
  Q: ({ args: [name = '', base] }) => /^[+-]/.test(name) && HASH.test(name.slice(1)) && isHashOrAbsent(base),
  R: ({ args: [sum = ''] }) => sum.length === 32 && HEX.test(sum),
  T: isTag,
};

/**
 * The kind of an artifact.
 * @param cards as they are read; those of files may have been left out but for one without text
 * @returns undefined if the cards break a rule of Fossil: then it is a file like any other
 */
export function kindOfCards(cards: readonly ArtifactCard[]): ArtifactKind | undefined {
  const seen = new Set<string>();
  const last = new Map<string, readonly string[]>();
  let named: ArtifactKind | undefined;
  let isFollower = false;
  for (const [letter, text] of cards) {
    if (seen.has(letter) && SINGLE.includes(letter)) return undefined;
    seen.add(letter);
    named = KIND_OF[letter] ?? named;
    // Their text may have been left out, and the reader has checked the size of that of `W`.
    if (letter === 'F' || letter === 'W') continue;
    const args = argumentsOf(letter, text);
    const [fewest, most] = ARGUMENTS[letter] ?? [1, 0];
    if (args.length < fewest || args.length > most) return undefined;
    if (RULES[letter]?.({ args, before: last.get(letter) }) === false) return undefined;
    last.set(letter, args);
    isFollower ||= letter === 'P' && args.length > 0;
  }
  const kind = named ?? (seen.has('C') || isFollower ? 'check-in' : 'tag');
  const [allowed, required] = CARDS[kind];
  const isComplete = [...required].every((letter) => seen.has(letter));
  if (!isComplete || [...seen].some((letter) => !allowed.includes(letter))) return undefined;
  return suits(kind, cards, seen) ? kind : undefined;
}

/** A card of a file. */
export interface FileCard {
  readonly name: string;
  /** Of the content, in digits; undefined for a file that the baseline has and this check-in has not. */
  readonly hash: string | undefined;
  /** Letters. */
  readonly permission: string;
  readonly oldName: string | undefined;
}

/** The cards of a check-in's files; undefined unless they are as Fossil demands: in the order of their names, which must be paths. */
export function fileCards(cards: readonly ArtifactCard[]): readonly FileCard[] | undefined {
  const isDelta = cards.some(([letter]) => letter === 'B');
  const files: FileCard[] = [];
  for (const [letter, text] of cards) {
    if (letter !== 'F') continue;
    const args = text.split(' ');
    const [given = '', hash, permission = '', givenOld] = args;
    const name = defossilize(given);
    const oldName = givenOld === undefined ? undefined : defossilize(givenOld);
    if (args.length > 4 || !isSimplePath(name)) return undefined;
    if (hash === undefined ? !isDelta : !HASH.test(hash)) return undefined;
    if (oldName !== undefined && !isSimplePath(oldName)) return undefined;
    const before = files.at(-1)?.name;
    if (before !== undefined && compareBytes(before, name) >= 0) return undefined;
    files.push({ name, hash, permission, oldName });
  }
  return files;
}

/** A card of no arguments has no text; one with an empty argument has none, either, but a space before it. */
function argumentsOf(letter: string, text: string): readonly string[] {
  return text === '' && (letter === 'P' || letter === 'U') ? [] : text.split(' ');
}

/** The rules of one kind alone. */
function suits(kind: ArtifactKind, cards: readonly ArtifactCard[], seen: ReadonlySet<string>): boolean {
  const tags = () => cards.flatMap(([letter, text]) => (letter === 'T' ? [text.split(' ')] : []));
  switch (kind) {
    case 'tag':
      return tags().every(([, target]) => target !== '*');
    case 'technote':
      return tags().every(([name = '', target]) => target === '*' && defossilize(name).startsWith('+'));
    case 'forum':
      return (
        !(seen.has('H') && seen.has('I')) &&
        cards.flatMap(([letter, text]) => (letter === 'P' ? argumentsOf(letter, text) : [])).length <= 1
      );
    default:
      return true;
  }
}

function isHash({ args: [name = ''] }: Read): boolean {
  return HASH.test(name);
}

function isHashOrAbsent(text: string | undefined): boolean {
  return text === undefined || HASH.test(text);
}

/** Tags are in the order of their names, and then of what they are given to; none looks like a hash. */
function isTag({ args: [given = '', target = ''], before }: Read): boolean {
  const name = defossilize(given);
  if (!/^[-+*]/.test(name) || HEX.test(name.slice(1))) return false;
  if (target !== '*' && !HASH.test(target)) return false;
  if (before === undefined) return true;
  const [givenBefore = '', targetBefore = ''] = before;
  const order = compareBytes(defossilize(givenBefore), name);
  return order < 0 || (order === 0 && compareTargets(targetBefore, target) < 0);
}

/** The artifact itself comes before all others. */
function compareTargets(one: string, other: string): number {
  if (one === '*' || other === '*') return Number(other === '*') - Number(one === '*');
  return one < other ? -1 : Number(one > other);
}

/** The title of a page of the wiki (`wiki_name_is_wellformed`). */
function isTitle(title: string): boolean {
  const bytes = Buffer.byteLength(title);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return bytes >= 1 && bytes <= 100 && !/^ |[\0-\x1f]| {2}| $/.test(title);
}

/** A path of names between single slashes (`file_is_simple_pathname_nonstrict`). */
function isSimplePath(path: string): boolean {
  return !/\0/.test(path) && path.split('/').every((name) => name !== '' && name !== '.' && name !== '..');
}

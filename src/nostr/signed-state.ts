/**
 * The state of a repository's branches and tags, signed by one key (NIP-34, kind 30618). Signed by a maintainer, it says what
 * they are to be (a signed state). Signed by the repository's own key, it says what they are (a receipt).
 */
import { canonicalJson } from '../lib/canonical-json.ts';
import { type Digest, sha256 } from '../lib/digest.ts';
import { formatAddress } from './address.ts';
import type { EventTemplate, NostrEvent, Tag } from './event.ts';
import { kinds } from './kinds.ts';
import { type Parsed, parsed, refused } from './parsed.ts';
import { firstValue } from './tags.ts';

export interface SignedState {
  /** Id of the event. */
  readonly id: string;
  /** Public key of its author, in hex. */
  readonly author: string;
  /** Seconds. */
  readonly at: number;
  readonly identifier: string;
  /** All branches and tags there are to be, in byte order. A ref that is missing here is to be deleted. */
  readonly refs: ReadonlyMap<string, string>;
  /** The branch that HEAD names; it need not be among the refs. */
  readonly head?: string;
  /** The format of the object ids; absent without refs. */
  readonly objectFormat?: 'sha1' | 'sha256';
}

/**
 * Parses a signed state. Ignores tags for anything but branches, tags and HEAD, and entries `refs/tags/x^{}`, by which some
 * clients tell what a tag peels to.
 *
 * @param refNameProblem git's rules for names: why a name is invalid, or undefined
 */
export function parseSignedState(
  event: NostrEvent,
  refNameProblem: (name: string) => string | undefined,
): Parsed<SignedState> {
  if (event.kind !== kinds.repositoryState)
    return refused(`not a repository state: its kind is ${event.kind}`);
  const identifier = firstValue(event, 'd') ?? '';
  if (identifier === '') return refused('the state has no identifier (d tag)');
  const refs = new Map<string, string>();
  let length: number | undefined;
  for (const [name = '', oid = ''] of event.tags) {
    if (!isBranchOrTag(name) || name.endsWith('^{}')) continue;
    const problem = refNameProblem(name);
    if (problem !== undefined) return refused(`${JSON.stringify(name)}: ${problem}`);
    if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(oid))
      return refused(`${name}: not a whole object id in lower case`);
    if (/^0+$/.test(oid)) return refused(`${name}: leave out a ref that is to be deleted`);
    if (length !== undefined && oid.length !== length)
      return refused('the state mixes SHA-1 and SHA-256 object ids');
    if ((refs.get(name) ?? oid) !== oid)
      return refused(`${name}: it is there twice, with different object ids`);
    length = oid.length;
    refs.set(name, oid);
  }
  const head = firstValue(event, 'HEAD')?.replace(/^ref: /, '');
  if (head !== undefined && (!head.startsWith('refs/heads/') || refNameProblem(head) !== undefined)) {
    return refused('HEAD must name a branch: "ref: refs/heads/…"');
  }
  return parsed({
    id: event.id,
    author: event.pubkey,
    at: event.created_at,
    identifier,
    refs: inByteOrder(refs),
    ...(head === undefined ? {} : { head }),
    ...(length === undefined
      ? {}
      : { objectFormat: length === 40 ? ('sha1' as const) : ('sha256' as const) }),
  });
}

/** The refs that a state lists: branches and tags, in byte order. */
export function statedRefs(refs: ReadonlyMap<string, string>): Map<string, string> {
  return inByteOrder([...refs].filter(([name]) => isBranchOrTag(name)));
}

/** A digest that is equal for equal ref maps: SHA-256 of the map as canonical JSON (RFC 8785). */
export function refMapDigest(refs: ReadonlyMap<string, string>): Digest {
  return sha256(canonicalJson(Object.fromEntries(refs)));
}

/** A digest of branches and tags that are too many to list. */
export interface RefsDigest {
  readonly count: number;
  /** SHA-256 over a line `<object id> <name>\n` for each, in byte order of the names. */
  readonly digest: Digest;
}

/** How many branches and tags a receipt lists at most; if there are more, it states their number and a digest. */
export const mostListedRefs = 5_000;

/** What a receipt follows from. */
export interface ReceiptFacts {
  readonly owner: string;
  readonly identifier: string;
  /** All refs of the repository, of which the receipt lists branches and tags; or a digest of these. */
  readonly refs: ReadonlyMap<string, string> | RefsDigest;
  readonly head: string;
  /** Seconds. */
  readonly at: number;
  /** Public keys of those who changed refs, in this sequence; each is named once. */
  readonly actors: readonly string[];
  /** Ids of the signed states that were applied, in this sequence; each is named once. */
  readonly signedStates: readonly string[];
}

/** The receipt of a publish, to be signed by the repository's key. Equal facts give the same bytes. */
export function receiptTemplate(facts: ReceiptFacts): EventTemplate {
  const address = formatAddress({
    kind: kinds.repository,
    pubkey: facts.owner,
    identifier: facts.identifier,
  });
  const tags: Tag[] = [
    ['d', facts.identifier],
    ...('digest' in facts.refs ? [refsTag(facts.refs)] : statedRefs(facts.refs)),
    ['HEAD', `ref: ${facts.head}`],
    ['a', address],
    ...[...new Set(facts.actors)].map((actor): Tag => ['p', actor]),
    ...[...new Set(facts.signedStates)].map((id): Tag => ['e', id]),
  ];
  return { kind: kinds.repositoryState, created_at: facts.at, tags, content: '' };
}

/**
 * A state without any branch or tag tells clients that its author no longer tracks them (NIP-34). That is true here: so many
 * refs do not fit into an event that a client would want to read.
 */
function refsTag({ count, digest }: RefsDigest): Tag {
  return ['refs', String(count), digest];
}

function isBranchOrTag(name: string): boolean {
  return name.startsWith('refs/heads/') || name.startsWith('refs/tags/');
}

/** Sorts by the bytes of UTF-8, as git does; JavaScript would compare UTF-16. */
function inByteOrder(refs: Iterable<readonly [string, string]>): Map<string, string> {
  const entries = [...refs].map(([name, oid]) => ({ name, oid, bytes: Buffer.from(name) }));
  entries.sort((a, b) => Buffer.compare(a.bytes, b.bytes));
  return new Map(entries.map(({ name, oid }) => [name, oid]));
}

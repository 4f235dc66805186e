/**
 * The state of a repository's branches and tags as one key states it (NIP-34, kind 30618). Signed by a maintainer it says
 * what they shall be, signed by a repository's own key what they are.
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
  /** All branches and tags there shall be, in byte order: what is not here shall not be. */
  readonly refs: ReadonlyMap<string, string>;
  /** The branch HEAD names; it need not be among the refs. */
  readonly head?: string;
  /** Of which format the object ids are; absent without refs. */
  readonly objectFormat?: 'sha1' | 'sha256';
}

/**
 * Reads a state. Tags for other things than branches, tags and HEAD are no part of it, and neither are the entries
 * `refs/tags/x^{}` by which some tell what a tag peels to.
 *
 * @param refNameProblem git's rules for names: why a name is none, or undefined
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
    if (/^0+$/.test(oid)) return refused(`${name}: a ref that shall not be is left out`);
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

/** The part of a repository's refs that a state speaks of: branches and tags, in byte order. */
export function statedRefs(refs: ReadonlyMap<string, string>): Map<string, string> {
  return inByteOrder([...refs].filter(([name]) => isBranchOrTag(name)));
}

/** Equal for two ref maps exactly when they are: SHA-256 of the map as canonical JSON (RFC 8785). */
export function refMapDigest(refs: ReadonlyMap<string, string>): Digest {
  return sha256(canonicalJson(Object.fromEntries(refs)));
}

/** Very many branches and tags, by a digest. */
export interface RefsDigest {
  readonly count: number;
  /** SHA-256 of a line `<object id> <name>` for each, with a line feed, in byte order of the names. */
  readonly digest: Digest;
}

/** Branches and tags that a receipt lists; of more, it states the number and a digest. */
export const mostListedRefs = 5_000;

/** What a receipt is made from. */
export interface ReceiptFacts {
  readonly owner: string;
  readonly identifier: string;
  /** All refs of the repository, of which the receipt states the branches and tags; or a digest of these. */
  readonly refs: ReadonlyMap<string, string> | RefsDigest;
  readonly head: string;
  /** Seconds. */
  readonly at: number;
  /** Public keys of those who changed refs; each is named once, in this order. */
  readonly actors: readonly string[];
  /** Ids of the orders that were carried out; each is named once, in this order. */
  readonly orders: readonly string[];
}

/** The receipt of a publish, to be signed by the repository's key: for equal facts the same, bit by bit. */
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
    ...[...new Set(facts.orders)].map((order): Tag => ['e', order]),
  ];
  return { kind: kinds.repositoryState, created_at: facts.at, tags, content: '' };
}

/**
 * Without a single branch or tag, a state says to clients that its author no longer states them (NIP-34), which is so: what
 * is to be stated fits into no event that a client would want to read.
 */
function refsTag({ count, digest }: RefsDigest): Tag {
  return ['refs', String(count), digest];
}

function isBranchOrTag(name: string): boolean {
  return name.startsWith('refs/heads/') || name.startsWith('refs/tags/');
}

/** In the order of the bytes of UTF-8, which is git's; JavaScript would compare UTF-16. */
function inByteOrder(refs: Iterable<readonly [string, string]>): Map<string, string> {
  const entries = [...refs].map(([name, oid]) => ({ name, oid, bytes: Buffer.from(name) }));
  entries.sort((a, b) => Buffer.compare(a.bytes, b.bytes));
  return new Map(entries.map(({ name, oid }) => [name, oid]));
}

/** A repository announcement (NIP-34, kind 30617), parsed into facts. */
import type { NostrEvent } from './event.ts';
import { kinds } from './kinds.ts';
import { type Parsed, parsed, refused } from './parsed.ts';
import { parsePublicKey } from './public-key.ts';
import { allValues, firstValue, tagsNamed, values } from './tags.ts';

/** One `protect` tag as written: a pattern and its rules. policy/protection.ts interprets them. */
export interface ProtectEntry {
  readonly pattern: string;
  readonly rules: readonly string[];
}

/** What an announcement says. */
export interface RepositoryFacts {
  /** The `d` tag: for Nostr any text that is not empty. */
  readonly identifier: string;
  readonly name?: string;
  readonly description?: string;
  /** URLs for git, as written. */
  readonly clone: readonly string[];
  /** URLs for people, as written. */
  readonly web: readonly string[];
  /** Relays that the owner watches, as written. */
  readonly relays: readonly string[];
  /** Public keys in hex, each once, without the owner's. */
  readonly maintainers: readonly string[];
  /** The commit that identifies the project: usually its root. */
  readonly earliestUniqueCommit?: string;
  readonly hashtags: readonly string[];
  readonly protection: readonly ProtectEntry[];
  readonly private: boolean;
  /** Public keys in hex that may read a private repository, each once. */
  readonly readers: readonly string[];
  /** The format wanted at creation; absent when the announcement does not say. */
  readonly objectFormat?: 'sha1' | 'sha256';
  /** The version control system of the repository (`vcs` tag); absent: git. */
  readonly vcs?: VersionControl;
}

/** The version control systems of repositories here. */
export type VersionControl = 'git' | 'fossil';

export interface Announcement extends RepositoryFacts {
  /** Id of the event. */
  readonly id: string;
  /** Public key of its author, in hex. */
  readonly owner: string;
  /** Seconds. */
  readonly at: number;
}

/**
 * Parses an announcement. Refuses what would silently mean less than its author meant: an invalid key, a protection without
 * rules, a private tag that is neither true nor false.
 */
export function parseAnnouncement(event: NostrEvent): Parsed<Announcement> {
  if (event.kind !== kinds.repository) return refused(`not an announcement: its kind is ${event.kind}`);
  const identifier = firstValue(event, 'd') ?? '';
  if (identifier === '') return refused('the announcement has no identifier (d tag)');
  const maintainers = keysOf(event, 'maintainers');
  if (!maintainers.ok) return maintainers;
  const readers = keysOf(event, 'reader');
  if (!readers.ok) return readers;
  const protection: ProtectEntry[] = [];
  for (const [, pattern, ...rules] of tagsNamed(event, 'protect')) {
    if (pattern === undefined || rules.length === 0)
      return refused('a protect tag needs a pattern and rules');
    protection.push({ pattern, rules });
  }
  const secrecy = tagsNamed(event, 'private').map((tag) => tag[1]);
  if (secrecy.some((value) => value !== 'true' && value !== 'false')) {
    return refused('the private tag must be "true" or "false"');
  }
  const objectFormat = firstValue(event, 'object-format');
  if (objectFormat !== undefined && objectFormat !== 'sha1' && objectFormat !== 'sha256') {
    return refused('the object-format tag must be "sha1" or "sha256"');
  }
  const vcs = firstValue(event, 'vcs');
  if (vcs !== undefined && vcs !== 'git' && vcs !== 'fossil') {
    return refused('the vcs tag must be "git" or "fossil"');
  }
  const name = firstValue(event, 'name');
  const description = firstValue(event, 'description');
  const commit = tagsNamed(event, 'r').find((tag) => tag[2] === 'euc')?.[1];
  return parsed({
    id: event.id,
    owner: event.pubkey,
    at: event.created_at,
    identifier,
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    clone: allValues(event, 'clone'),
    web: allValues(event, 'web'),
    relays: allValues(event, 'relays'),
    maintainers: maintainers.value.filter((key) => key !== event.pubkey),
    ...(commit !== undefined && /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(commit)
      ? { earliestUniqueCommit: commit }
      : {}),
    hashtags: values(event, 't'),
    protection,
    // Of contradicting tags, private wins.
    private: secrecy.includes('true'),
    readers: readers.value,
    ...(objectFormat === undefined ? {} : { objectFormat }),
    ...(vcs === undefined ? {} : { vcs }),
  });
}

/** The public keys in the tags of a name, each once. Accepts npubs and skips empty values. */
function keysOf(event: NostrEvent, name: string): Parsed<string[]> {
  const keys = new Set<string>();
  for (const text of allValues(event, name)) {
    if (text === '') continue;
    const key = parsePublicKey(text);
    if (key === undefined) return refused(`the ${name} tag has a value that is not a public key`);
    keys.add(key);
  }
  return parsed([...keys]);
}

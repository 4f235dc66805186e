/** Reposts (NIP-18): events that repeat another event, in their content or by its id. */
import type { NostrEvent } from './event.ts';
import { kinds } from './kinds.ts';
import { isProtected, values } from './tags.ts';

/** Finds a stored event. */
type FindEvent = (id: string) => Pick<NostrEvent, 'tags' | 'pubkey'> | undefined;

/**
 * The authors of all protected events (NIP-70) that a repost would publish: those in its content, also inside nested reposts,
 * and those that it names by id.
 * @param find finds a stored event that the sender may see
 * @returns public keys; none when nothing protected is reposted
 */
export function protectedAuthors(event: NostrEvent, find: FindEvent): ReadonlySet<string> {
  const authors = new Set<string>();
  let current: { readonly kind: unknown; readonly tags: NostrEvent['tags']; readonly content: string } =
    event;
  // Each content is shorter than its event, so this ends.
  while (current.kind === kinds.repost || current.kind === kinds.genericRepost) {
    for (const id of values(current, 'e')) {
      const named = find(id);
      if (named !== undefined && isProtected(named)) authors.add(named.pubkey);
    }
    const embedded = embeddedEvent(current.content);
    if (embedded === undefined) break;
    if (isProtected(embedded)) authors.add(embedded.pubkey);
    current = embedded;
  }
  return authors;
}

interface EmbeddedEvent {
  readonly kind: unknown;
  readonly pubkey: string;
  readonly tags: NostrEvent['tags'];
  readonly content: string;
}

/** The event in a content. Its signature does not matter: readers see it in any case. */
function embeddedEvent(content: string): EmbeddedEvent | undefined {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch {
    // Not JSON: nothing is embedded.
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { kind, pubkey, tags, content: inner } = value as Readonly<Record<string, unknown>>;
  const isTag = (tag: unknown): tag is string[] =>
    Array.isArray(tag) && tag.every((word) => typeof word === 'string');
  return {
    kind,
    pubkey: typeof pubkey === 'string' ? pubkey : '',
    tags: Array.isArray(tags) ? tags.filter(isTag) : [],
    content: typeof inner === 'string' ? inner : '',
  };
}

/**
 * Who may read a repository and who may push to it, by the keys that its announcements name. Pure: facts in, a decision with
 * a reason out. Rules for single refs are in protection.ts.
 */
export type Role = WriterRole | 'reader' | 'stranger' | 'anonymous';
/** The roles that may push. */
export type WriterRole = 'owner' | 'maintainer';

/** What a repository's announcements say about keys. */
export interface AccessFacts {
  readonly owner: string;
  /** Keys that may push, the owner's among them. */
  readonly writers: readonly string[];
  readonly private: boolean;
  /** Keys that may read it although it is private. */
  readonly readers: readonly string[];
}

/**
 * - `unauthenticated`: show a key
 * - `hidden`: for this key there is no such repository
 * - `forbidden`: the key may see the repository, and may not do this
 */
export type AccessAnswer = 'unauthenticated' | 'hidden' | 'forbidden';

export type Access =
  | { readonly allow: true; readonly role: Role }
  | { readonly allow: false; readonly answer: AccessAnswer; readonly reason: string };

/** The role of a key in a repository. @param actor undefined for a caller that has shown no key */
export function roleOf(actor: string | undefined, facts: AccessFacts): Role {
  if (actor === undefined) return 'anonymous';
  if (actor === facts.owner) return 'owner';
  if (facts.writers.includes(actor)) return 'maintainer';
  return facts.readers.includes(actor) ? 'reader' : 'stranger';
}

/** The role of a key that may push; undefined for every other key, and for nobody. */
export function writerRole(actor: string | undefined, facts: AccessFacts): WriterRole | undefined {
  const role = roleOf(actor, facts);
  return role === 'owner' || role === 'maintainer' ? role : undefined;
}

/** True when a key is the owner or a maintainer. */
export function isWriter(actor: string | undefined, facts: AccessFacts): boolean {
  return writerRole(actor, facts) !== undefined;
}

/** The refusal of a push by a key that is neither the owner nor a maintainer. */
export const NOT_A_WRITER = 'your key is neither the owner of this repository nor one of its maintainers';

/** True when a client that has shown these keys may know that the repository exists. */
export function mayKnowOf(facts: AccessFacts, keys: ReadonlySet<string>): boolean {
  return !facts.private || [...keys].some((key) => roleOf(key, facts) !== 'stranger');
}

/**
 * Decides whether a key may read from a repository, or push to it. A private repository and a missing one get exactly the
 * same answer, so that outsiders cannot tell them apart.
 *
 * @param actor the key that the caller has shown, or undefined
 * @param facts undefined when the repository does not exist, or not any more
 */
export function decideAccess(
  operation: 'read' | 'push',
  actor: string | undefined,
  facts: AccessFacts | undefined,
): Access {
  const role = facts === undefined ? (actor === undefined ? 'anonymous' : 'stranger') : roleOf(actor, facts);
  const visible = facts !== undefined && (!facts.private || (role !== 'anonymous' && role !== 'stranger'));
  if (!visible) {
    return role === 'anonymous'
      ? refuse('unauthenticated', 'sign in to see whether there is such a repository')
      : refuse('hidden', 'there is no such repository, or none that your key may see');
  }
  if (operation === 'read' || isWriter(actor, facts)) return { allow: true, role };
  return role === 'anonymous'
    ? refuse('unauthenticated', 'a push needs a token signed by the owner or a maintainer')
    : refuse('forbidden', NOT_A_WRITER);
}

function refuse(answer: AccessAnswer, reason: string): Access {
  return { allow: false, answer, reason };
}

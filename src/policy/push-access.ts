/**
 * Who may read a repository and who may push to it, by the keys its announcements name. Pure: facts in, a decision with a
 * reason out. What single refs allow is for their protection to say.
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
 * - `unauthenticated`: say who you are
 * - `hidden`: as far as you are concerned there is no such repository
 * - `forbidden`: you see it, and may not do this
 */
export type AccessAnswer = 'unauthenticated' | 'hidden' | 'forbidden';

export type Access =
  | { readonly allow: true; readonly role: Role }
  | { readonly allow: false; readonly answer: AccessAnswer; readonly reason: string };

/** What a key is to a repository. @param actor undefined for somebody who has not said who he is */
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

/** What the sender of a push is told whose key is neither the owner's nor a maintainer's. */
export const NOT_A_WRITER = 'your key is neither the owner of this repository nor one of its maintainers';

/** True when somebody who has shown these keys may know that there is such a repository. */
export function mayKnowOf(facts: AccessFacts, keys: ReadonlySet<string>): boolean {
  return !facts.private || [...keys].some((key) => roleOf(key, facts) !== 'stranger');
}

/**
 * Decides whether somebody may read from a repository, or push to it. A private repository and one that is not there get
 * the same answer, word for word: whoever has no business with it cannot tell the two apart.
 *
 * @param actor the key that has shown itself, or undefined
 * @param facts undefined when there is no such repository, or none any more
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

/** Who may write to a repository: its owner, and the maintainers that the announcements under its identifier name. */
import type { Announcement } from './announcement.ts';

/**
 * - `recursive`: the owner, the keys that the owner names, those that they name in announcements with the same identifier,
 *   and so on (GRASP, and every client of it)
 * - `reciprocal`: like recursive, but a named key counts only when its own announcement names a member in turn: a fork
 *   does not join a project that its owner has not heard of
 * - `owner-only`: only the owner
 */
export type MaintainerRule = 'recursive' | 'reciprocal' | 'owner-only';

export const maxMaintainerDepth = 8;
export const maxWriters = 64;

export interface Closure {
  /** Public keys that may write: the owner first, then by distance. */
  readonly writers: readonly string[];
  /** Ids of the announcements that this follows from: those of the writers, in the same sequence. */
  readonly announcements: readonly string[];
  /** False when keys were left out because a chain was too long or the keys were too many. */
  readonly complete: boolean;
}

/**
 * Computes who may write. The result does not depend on the sequence in which announcements arrived.
 * @param announcementOf the newest announcement of a key under the identifier of the repository, if it has one
 */
export function maintainerClosure(
  owner: string,
  announcementOf: (publicKey: string) => Announcement | undefined,
  rule: MaintainerRule,
): Closure {
  const writers = new Set([owner]);
  let complete = true;
  /** Keys that members have named and that are not admitted: under `reciprocal` a later member may be named back by them. */
  const invited = new Set<string>();
  let newest = [owner];
  for (let depth = 0; newest.length > 0 && rule !== 'owner-only'; depth += 1) {
    for (const member of newest) {
      const named = announcementOf(member)?.maintainers ?? [];
      if (named.length > maxWriters) complete = false;
      for (const key of named.slice(0, maxWriters)) if (!writers.has(key)) invited.add(key);
    }
    const admitted = [...invited].filter(
      (key) => rule === 'recursive' || namesBack(announcementOf(key), writers),
    );
    const room = depth < maxMaintainerDepth ? maxWriters - writers.size : 0;
    if (admitted.length > room) complete = false;
    newest = admitted.slice(0, room);
    for (const key of newest) {
      invited.delete(key);
      writers.add(key);
    }
  }
  const announcements = [...writers].flatMap((key) => announcementOf(key)?.id ?? []);
  return { writers: [...writers], announcements, complete };
}

function namesBack(announcement: Announcement | undefined, members: ReadonlySet<string>): boolean {
  return announcement?.maintainers.some((key) => members.has(key)) === true;
}

/**
 * The owners whose repositories an author accepts. The author accepts them by an announcement of their own under the
 * identifier: it names the owners, or names somebody who does. Being named by others accepts nothing.
 * @param announcementOf the newest announcement of a key under the identifier, if it has one
 * @returns the author first; undefined when the author has announced nothing under the identifier, and so accepts all
 */
export function acceptedOwners(
  author: string,
  announcementOf: (publicKey: string) => Announcement | undefined,
  rule: MaintainerRule,
): readonly string[] | undefined {
  if (announcementOf(author) === undefined) return undefined;
  // Only what the author says counts here, not whether those that it names agree.
  const own = rule === 'owner-only' ? rule : 'recursive';
  return maintainerClosure(author, announcementOf, own).writers;
}

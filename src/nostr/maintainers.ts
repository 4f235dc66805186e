/** Who may write to a repository: its owner, and whom the announcements under its identifier name as maintainers. */
import type { Announcement } from './announcement.ts';

/**
 * - `recursive`: the owner, those he names, those they name in announcements with the same identifier, and so on
 *   (GRASP, and every client of it)
 * - `reciprocal`: as recursive, but a named key is only invited until its own announcement names a member in turn:
 *   nobody's fork becomes part of a project that he has not heard of
 * - `owner-only`: the owner alone
 */
export type MaintainerRule = 'recursive' | 'reciprocal' | 'owner-only';

export const maxMaintainerDepth = 8;
export const maxWriters = 64;

export interface Closure {
  /** Public keys that may write, the owner first, then nearest first. */
  readonly writers: readonly string[];
  /** Ids of the announcements this follows from: those of the writers, in the same order. */
  readonly announcements: readonly string[];
  /** False when somebody was left out because the chain was too long or the keys too many. */
  readonly complete: boolean;
}

/**
 * Computes who may write. The answer is the same whatever order announcements arrived in.
 * @param announcementOf the newest announcement of a key under the identifier of the repository, if it has one
 */
export function maintainerClosure(
  owner: string,
  announcementOf: (publicKey: string) => Announcement | undefined,
  rule: MaintainerRule,
): Closure {
  const writers = new Set([owner]);
  let complete = true;
  /** Keys named by members so far and not admitted: under `reciprocal` somebody admitted later may answer for them. */
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
 * The keys whose repositories an author accepts: he says so by an announcement of his own under the identifier. It names
 * them, or names somebody who does; being named by others accepts nothing.
 * @param announcementOf the newest announcement of a key under the identifier, if it has one
 * @returns the author first; undefined when he has announced nothing under the identifier: then he accepts everybody
 */
export function acceptedOwners(
  author: string,
  announcementOf: (publicKey: string) => Announcement | undefined,
  rule: MaintainerRule,
): readonly string[] | undefined {
  if (announcementOf(author) === undefined) return undefined;
  // Whether those he names answer for him is their word. This is about his.
  const own = rule === 'owner-only' ? rule : 'recursive';
  return maintainerClosure(author, announcementOf, own).writers;
}

/** What is announced of a repository, and who may know of it. */
import type { Announcement } from '../../nostr/announcement.ts';
import { namesThisService } from '../../nostr/named-service.ts';
import type { AccessFacts } from '../../policy/push-access.ts';
import { identifierProblem } from '../../repository/repository-id.ts';
import type { Places, Words } from '../words.ts';

/** A repository as its announcements describe it. */
export interface AnnouncedRepository extends AccessFacts {
  /** The owner's. */
  readonly announcement: Announcement;
  /** True when its announcement asks for no repository on this service. */
  readonly elsewhere: boolean;
  /** Owners it speaks for, of whom nothing is announced here; left out while it asks for a repository or stands for one. */
  readonly standsFor?: readonly string[];
}

export interface AnnouncedContext {
  readonly words: Words;
  /** Public base URL. */
  readonly base: string;
}

/** What is announced of one repository, here or elsewhere; undefined when its owner has announced none. */
export function announcedBy(
  owner: string,
  identifier: string,
  context: AnnouncedContext,
): AnnouncedRepository | undefined {
  const facts = asAnnounced(owner, identifier, context);
  if (facts === undefined) return undefined;
  if (facts.private || !facts.elsewhere) return facts;
  const others = reposBehind(facts, context);
  if (others.length === 0) {
    const owners = context.words.acceptedBy(owner, identifier).filter((other) => other !== owner);
    return owners.length === 0 ? facts : { ...facts, standsFor: owners };
  }
  if (others.some((other) => !other.private)) return facts;
  const readers = [...new Set(others.flatMap((other) => [...other.writers, ...other.readers]))];
  return { ...facts, private: true, readers };
}

function asAnnounced(
  owner: string,
  identifier: string,
  { words, base }: AnnouncedContext,
): AnnouncedRepository | undefined {
  const announcement = words.announcementOf(owner, identifier);
  if (announcement === undefined || identifierProblem(identifier) !== undefined) return undefined;
  const { readers, private: secret } = announcement;
  const writers = words.writersOf(owner, identifier);
  const named = namesThisService(announcement, base);
  const elsewhere = named.clone === 'none' || !named.relays;
  return { owner, writers, private: secret, readers, announcement, elsewhere };
}

/**
 * A maintainer's announcement that asks for no repository here is kept for the sake of those he maintains: of those he
 * names in it, or of all if he names none of them. If all of these are private, it is one of the things nobody else may
 * know of.
 */
function reposBehind(facts: AnnouncedRepository, context: AnnouncedContext): AnnouncedRepository[] {
  const { owner, announcement } = facts;
  const { words } = context;
  const { identifier } = announcement;
  const among = ({ owners }: Places) =>
    owners
      .filter((other) => other !== owner)
      .flatMap((other) => asAnnounced(other, identifier, context) ?? [])
      // Such announcements of others stand for nobody else's.
      .filter((other) => other.private || !other.elsewhere);
  const accepted = among(words.placesOf(owner, identifier));
  return accepted.length > 0 ? accepted : among(words.placesNaming(owner, identifier));
}

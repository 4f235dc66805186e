/** What is announced about a repository, and who may know of it. */
import type { Announcement } from '../../nostr/announcement.ts';
import { namesThisService } from '../../nostr/named-service.ts';
import type { AccessFacts } from '../../policy/push-access.ts';
import { identifierProblem } from '../../repository/repository-id.ts';
import type { Trust, TrustingOwners } from '../trust.ts';

/** A repository as its announcements describe it. */
export interface AnnouncedRepository extends AccessFacts {
  /** The owner's announcement. */
  readonly announcement: Announcement;
  /** True when the announcement asks for no repository on this service. */
  readonly elsewhere: boolean;
  /** Owners whose repositories the announcement supports, if none of them has one announced here. Otherwise left out. */
  readonly standsFor?: readonly string[];
}

export interface AnnouncedContext {
  readonly trust: Trust;
  /** Public base URL. */
  readonly base: string;
}

/** What is announced about one repository, here or elsewhere; undefined when its owner has announced none. */
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
    const owners = context.trust.acceptedBy(owner, identifier).filter((other) => other !== owner);
    return owners.length === 0 ? facts : { ...facts, standsFor: owners };
  }
  if (others.some((other) => !other.private)) return facts;
  const readers = [...new Set(others.flatMap((other) => [...other.writers, ...other.readers]))];
  return { ...facts, private: true, readers };
}

function asAnnounced(
  owner: string,
  identifier: string,
  { trust, base }: AnnouncedContext,
): AnnouncedRepository | undefined {
  const announcement = trust.announcementOf(owner, identifier);
  if (announcement === undefined || identifierProblem(identifier) !== undefined) return undefined;
  const { readers, private: secret } = announcement;
  const writers = trust.writersOf(owner, identifier);
  const named = namesThisService(announcement, base);
  const elsewhere = named.clone === 'none' || !named.relays;
  return { owner, writers, private: secret, readers, announcement, elsewhere };
}

/**
 * The repositories for whose sake a maintainer's announcement is kept that asks for none here: those the announcement names,
 * or else all that name the maintainer. If all of them are private, the announcement is hidden like them.
 */
function reposBehind(facts: AnnouncedRepository, context: AnnouncedContext): AnnouncedRepository[] {
  const { owner, announcement } = facts;
  const { trust } = context;
  const { identifier } = announcement;
  const among = ({ owners }: TrustingOwners) =>
    owners
      .filter((other) => other !== owner)
      .flatMap((other) => asAnnounced(other, identifier, context) ?? [])
      // An announcement of the same sort does not count: it needs others itself.
      .filter((other) => other.private || !other.elsewhere);
  const accepted = among(trust.repositoriesOf(owner, identifier));
  return accepted.length > 0 ? accepted : among(trust.repositoriesTrusting(owner, identifier));
}

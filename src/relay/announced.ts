/** What is announced under one identifier, and who may know of it. */
import type { Announcement } from '../nostr/announcement.ts';
import { kinds } from '../nostr/kinds.ts';
import { type MaintainerRule, maintainerClosure } from '../nostr/maintainers.ts';
import { namesThisService } from '../nostr/named-service.ts';
import type { AccessFacts } from '../policy/push-access.ts';
import { identifierProblem } from '../repository/repository-id.ts';
import type { EventReader } from './events.ts';
import { readAnnouncement } from './read-announcement.ts';

/** A repository as its announcements describe it. */
export interface AnnouncedRepository extends AccessFacts {
  /** The owner's. */
  readonly announcement: Announcement;
}

export interface AnnouncedContext {
  readonly events: Pick<EventReader, 'announcements' | 'latest'>;
  readonly rule: MaintainerRule;
  /** Public base URL. */
  readonly base: string;
}

/** Every repository announced under an identifier, here or elsewhere, by its owner. */
export function announcedUnder(
  identifier: string,
  { events, rule, base }: AnnouncedContext,
): Map<string, AnnouncedRepository> {
  const found = new Map<string, AnnouncedRepository>();
  if (identifierProblem(identifier) !== undefined) return found;
  const of = (key: string) => readAnnouncement(events.latest(kinds.repository, key, identifier));
  for (const event of events.announcements(identifier)) {
    const announcement = readAnnouncement(event);
    if (announcement === undefined) continue;
    const { owner, readers, private: secret } = announcement;
    const { writers } = maintainerClosure(owner, of, rule);
    found.set(owner, { owner, writers, private: secret, readers, announcement });
  }
  const announced = [...found.values()];
  for (const facts of announced) {
    const members = membersBehind(facts, announced, base);
    if (members !== undefined) found.set(facts.owner, { ...facts, private: true, readers: members });
  }
  return found;
}

/**
 * A maintainer's announcement that asks for no repository here is kept for the sake of those he maintains. If all of these
 * are private, it is one of the things nobody else may know of.
 * @returns the keys that may know of it; undefined when it stands for itself
 */
function membersBehind(
  facts: AnnouncedRepository,
  announced: readonly AnnouncedRepository[],
  base: string,
): readonly string[] | undefined {
  const { owner, announcement } = facts;
  const others = announced.filter((other) => other.owner !== owner && other.writers.includes(owner));
  if (facts.private || others.length === 0 || others.some((other) => !other.private)) return undefined;
  const named = namesThisService(announcement, base);
  if (named.clone !== 'none' && named.relays) return undefined;
  return [...new Set(others.flatMap(({ writers, readers }) => [...writers, ...readers]))];
}

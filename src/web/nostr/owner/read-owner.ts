import { parseAddress } from '../../../nostr/address.ts';
import { type Announcement, parseAnnouncement } from '../../../nostr/announcement.ts';
import type { Profile } from '../../../nostr/collaboration/profile.ts';
import { subjectOf, threadOf } from '../../../nostr/collaboration/references.ts';
import { STATUS_KINDS } from '../../../nostr/collaboration/status.ts';
import { type ThreadKind, threadKindOf } from '../../../nostr/collaboration/thread-kind.ts';
import { parseThreadStart } from '../../../nostr/collaboration/thread-start.ts';
import type { NostrEvent } from '../../../nostr/event.ts';
import { kinds } from '../../../nostr/kinds.ts';
import { namesThisService } from '../../../nostr/named-service.ts';
import { firstValue, values } from '../../../nostr/tags.ts';
import type { People } from '../../../relay/discussions/people.ts';
import type { Authenticated } from '../../../relay/publication.ts';

/** What the page of somebody is read from. */
export type PeopleRead = Pick<People, 'profile' | 'announcements' | 'activity' | 'event'>;

export interface OwnerContent {
  readonly key: string;
  readonly profile: Profile | undefined;
  /** Those hosted here that the visitor may see, newest announcement first. */
  readonly repositories: readonly Announcement[];
  readonly moreRepositories: boolean;
  /** Newest first. */
  readonly activity: readonly Activity[];
}

/** Something that somebody did. */
export interface Activity {
  /** Id of the event. */
  readonly id: string;
  /** Seconds. */
  readonly at: number;
  readonly did: string;
  /** The repository, if the event names it, or the one that begins its thread does. */
  readonly repository?: { readonly owner: string; readonly identifier: string };
  /** The thread that it belongs to, if that is known. */
  readonly thread?: { readonly kind: ThreadKind; readonly id: string };
  /** One line: of the thread, or the identifier of an announced repository. */
  readonly subject?: string;
}

/** Bounds of a page. */
const MOST_REPOSITORIES = 100;
const MOST_ACTIVITY = 30;

/**
 * Reads what is known here about a key.
 * @returns undefined if that is nothing that the reader may see
 */
export async function readOwner(
  people: PeopleRead,
  base: string,
  key: string,
  reader: Authenticated,
): Promise<OwnerContent | undefined> {
  const profile = people.profile(key, reader);
  const announcements = await people.announcements(key, reader, MOST_REPOSITORIES + 1, (event) =>
    isHostedHere(event, base),
  );
  const activity = await people.activity(key, reader, MOST_ACTIVITY);
  if (profile === undefined && announcements.length === 0 && activity.length === 0) return undefined;
  const repositories = announcements.slice(0, MOST_REPOSITORIES).flatMap((event) => {
    const parsed = parseAnnouncement(event);
    return parsed.ok ? parsed.value : [];
  });
  return {
    key,
    profile,
    repositories,
    moreRepositories: announcements.length > MOST_REPOSITORIES,
    activity: activity.map((event) => activityOf(event, threadStart(people, event, reader))),
  };
}

/** Whether an announcement asks for a repository on this service: a maintainer may announce one that is elsewhere. */
function isHostedHere(event: NostrEvent, base: string): boolean {
  const parsed = parseAnnouncement(event);
  if (!parsed.ok) return false;
  const { clone, relays } = namesThisService(parsed.value, base);
  return clone !== 'none' && relays;
}

/** The event that begins the thread of another one; undefined if that is the event itself, or is not for the reader. */
function threadStart(
  people: Pick<PeopleRead, 'event'>,
  event: NostrEvent,
  reader: Authenticated,
): NostrEvent | undefined {
  if (event.kind === kinds.repository || threadKindOf(event.kind) !== undefined) return undefined;
  const id = threadOf(event) ?? subjectOf(event);
  return id === undefined ? undefined : people.event(id, reader);
}

/** @param start of the thread that the event belongs to, if it does not begin it */
function activityOf(event: NostrEvent, start: NostrEvent | undefined): Activity {
  const { id, created_at: at, kind } = event;
  const repository = repositoryOf(event) ?? (start === undefined ? undefined : repositoryOf(start));
  const first = start ?? event;
  const threadKind = threadKindOf(first.kind);
  const subject = kind === kinds.repository ? firstValue(event, 'd') : parseThreadStart(first)?.subject;
  return {
    id,
    at,
    did: deedOf(kind),
    ...(repository === undefined ? {} : { repository }),
    ...(threadKind === undefined ? {} : { thread: { kind: threadKind, id: first.id } }),
    ...(subject === undefined ? {} : { subject }),
  };
}

function repositoryOf(event: NostrEvent): Activity['repository'] {
  if (event.kind === kinds.repository) {
    return { owner: event.pubkey, identifier: firstValue(event, 'd') ?? '' };
  }
  const named = [...values(event, 'a'), ...values(event, 'A'), ...values(event, 'q')].map(parseAddress);
  const address = named.find((one) => one?.kind === kinds.repository);
  return address === undefined ? undefined : { owner: address.pubkey, identifier: address.identifier };
}

function deedOf(kind: number): string {
  const status = STATUS_KINDS.get(kind);
  if (status !== undefined) return `marked as ${status}`;
  switch (kind) {
    case kinds.repository:
      return 'announced the repository';
    case kinds.issue:
      return 'wrote an issue';
    case kinds.patch:
      return 'sent a patch';
    case kinds.pullRequest:
      return 'made a pull request';
    case kinds.pullRequestUpdate:
      return 'updated a pull request';
    default:
      return 'wrote a comment';
  }
}

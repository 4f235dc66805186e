import type { Clock } from '../../lib/clock.ts';
import { formatAddress } from '../../nostr/address.ts';
import type { NostrEvent } from '../../nostr/event.ts';
import { kinds } from '../../nostr/kinds.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';
import type { EventReader, Events } from '../events.ts';
import type { Authenticated } from '../publication.ts';
import type { Trust } from '../trust.ts';

/** What readers of discussions ask. */
export interface DiscussionContext {
  readonly events: Pick<EventReader, 'get' | 'isHidden' | 'latest' | 'listing' | 'querying'> &
    Pick<Events, 'onEvent'>;
  readonly trust: Pick<Trust, 'counts' | 'writersOf'>;
  /** Whether somebody who has shown these keys may see an event. */
  readonly visible: (event: NostrEvent, reader: Authenticated) => boolean;
  /** The repositories that an event is about, directly or through the events it answers. */
  readonly mentions: (
    event: NostrEvent,
  ) => readonly { readonly owner: string; readonly announcement: { readonly identifier: string } }[];
  readonly clock: Clock;
}

/** The address of a repository's announcement: what `a` tags name it by. */
export function repositoryAddress({ owner, identifier }: RepositoryId): string {
  return formatAddress({ kind: kinds.repository, pubkey: owner, identifier });
}

/** The keys whose word counts in a repository (decision 37): those that the owner trusts, and that accept it. */
export function keysThatCount(
  { trust }: Pick<DiscussionContext, 'trust'>,
  { owner, identifier }: RepositoryId,
): string[] {
  return trust.writersOf(owner, identifier).filter((key) => trust.counts(key, owner, identifier));
}

/** Seconds. */
export function nowOf({ clock }: Pick<DiscussionContext, 'clock'>): number {
  return Math.floor(clock.now() / 1000);
}

/** An event that a reader may see; undefined when it is not here, hidden, expired, or not for this reader. */
export function seenEvent(
  { events, visible }: Pick<DiscussionContext, 'events' | 'visible'>,
  id: string,
  reader: Authenticated,
): NostrEvent | undefined {
  const event = events.get(id);
  return event !== undefined && !events.isHidden(id) && visible(event, reader) ? event : undefined;
}

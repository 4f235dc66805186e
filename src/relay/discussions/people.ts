/** People as this relay knows them: by their keys, and by what they say of themselves. */
import { cooperate } from '../../lib/cooperative.ts';
import { LruMap } from '../../lib/lru.ts';
import { type Profile, parseProfile } from '../../nostr/collaboration/profile.ts';
import type { NostrEvent } from '../../nostr/event.ts';
import { kinds } from '../../nostr/kinds.ts';
import type { Authenticated } from '../publication.ts';
import { type DiscussionContext, nowOf, seenEvent } from './discussion-context.ts';

/** Kinds that tell what somebody does here. */
const ACTIVITY: ReadonlySet<number> = new Set([
  kinds.repository,
  kinds.issue,
  kinds.patch,
  kinds.pullRequest,
  kinds.pullRequestUpdate,
  kinds.comment,
  kinds.oldReply,
  kinds.statusOpen,
  kinds.statusApplied,
  kinds.statusClosed,
  kinds.statusDraft,
]);
const KEPT_PROFILES = 10_000;
/** Events that are looked at for each one that is returned. */
const LOOKS = 5;

export class People {
  private readonly context: DiscussionContext;
  /** By id of the event: an event never changes. */
  private readonly read = new LruMap<string, Profile>(KEPT_PROFILES);

  constructor(context: DiscussionContext) {
    this.context = context;
  }

  /** What a key says of itself; undefined when this relay has nothing that the reader may see. */
  profile(key: string, reader: Authenticated): Profile | undefined {
    const { events, visible } = this.context;
    const event = events.latest(kinds.profile, key, '');
    if (event === undefined || events.isHidden(event.id) || !visible(event, reader)) return undefined;
    const known = this.read.get(event.id) ?? parseProfile(event);
    this.read.set(event.id, known, 1);
    return known;
  }

  /** The last things that a key did here and that the reader may see, newest first. */
  activity(key: string, reader: Authenticated, limit: number): Promise<NostrEvent[]> {
    return this.newest(ACTIVITY, key, reader, limit, () => true);
  }

  /** An event that somebody's activity is about; undefined if it is not here, or not for the reader. */
  event(id: string, reader: Authenticated): NostrEvent | undefined {
    return seenEvent(this.context, id, reader);
  }

  /** The announcements of a key that the reader may see, newest first. @param passes which of them are asked for */
  announcements(
    key: string,
    reader: Authenticated,
    limit: number,
    passes: (event: NostrEvent) => boolean,
  ): Promise<NostrEvent[]> {
    return this.newest(new Set([kinds.repository]), key, reader, limit, passes);
  }

  private newest(
    wanted: ReadonlySet<number>,
    key: string,
    reader: Authenticated,
    limit: number,
    passes: (event: NostrEvent) => boolean,
  ): Promise<NostrEvent[]> {
    const { events, visible } = this.context;
    const filter = { kinds: wanted, authors: new Set([key]), tags: new Map<string, never>() };
    const seen = (event: NostrEvent) => passes(event) && visible(event, reader);
    const options = { limit, now: nowOf(this.context), visible: seen, looks: LOOKS * limit };
    return cooperate(events.querying([filter], options));
  }
}

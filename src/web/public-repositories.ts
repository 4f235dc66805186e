import type { Clock } from '../lib/clock.ts';
import { cooperate } from '../lib/cooperative.ts';
import { SingleFlight } from '../lib/single-flight.ts';
import { type Announcement, parseAnnouncement } from '../nostr/announcement.ts';
import type { NostrEvent } from '../nostr/event.ts';
import type { Filter } from '../nostr/filter.ts';
import { kinds } from '../nostr/kinds.ts';
import { namesThisService } from '../nostr/named-service.ts';
import type { EventReader } from '../relay/events.ts';
import type { RepositoryId } from '../repository/repository-id.ts';

const ANNOUNCEMENTS: Filter = { kinds: new Set([kinds.repository]), tags: new Map() };

export interface PublicRepositoriesContext {
  readonly events: Pick<EventReader, 'get' | 'latest' | 'isHidden' | 'querying'>;
  /** Whether somebody who has not said who he is may see an event. */
  readonly visible: (event: NostrEvent) => boolean;
  /** The public base URL of the service. */
  readonly base: string;
  readonly clock: Clock;
}

/** How owners describe their repositories here, as far as everybody may know. */
export class PublicRepositories {
  private readonly context: PublicRepositoriesContext;
  /** What an event says does not change, and the front page asks of all of them each time. */
  private readonly read = new WeakMap<NostrEvent, Reading>();
  private readonly searching = new SingleFlight<number, NostrEvent[]>();

  constructor(context: PublicRepositoriesContext) {
    this.context = context;
  }

  /** The owner's announcement of a repository, if it is here and may be shown. */
  find({ owner, identifier }: RepositoryId): Announcement | undefined {
    const event = this.context.events.latest(kinds.repository, owner, identifier);
    if (event === undefined || this.context.events.isHidden(event.id)) return undefined;
    return this.context.visible(event) ? this.reading(event).public : undefined;
  }

  /**
   * Repositories hosted here, announced last first. A maintainer's announcement of somebody else's repository, which
   * does not name this service, is none.
   */
  async newest(limit: number): Promise<Announcement[]> {
    const { events, clock, visible } = this.context;
    const now = Math.floor(clock.now() / 1000);
    const isListed = (event: NostrEvent) => this.reading(event).namesThisService && visible(event);
    // Most of what is announced may be private, and anybody may ask: one search at a time, a slice at a time.
    const found = await this.searching.run(limit, () =>
      cooperate(events.querying([ANNOUNCEMENTS], { limit, now, visible: isListed })),
    );
    // Some may have gone, or been hidden, since the search began.
    const stands = ({ id }: NostrEvent) => events.get(id) !== undefined && !events.isHidden(id);
    return found.flatMap((event) =>
      stands(event) && isListed(event) ? (this.reading(event).public ?? []) : [],
    );
  }

  private reading(event: NostrEvent): Reading {
    let reading = this.read.get(event);
    if (reading === undefined) {
      reading = read(event, this.context.base);
      this.read.set(event, reading);
    }
    return reading;
  }
}

/** What an announcement says to everybody. */
interface Reading {
  readonly public?: Announcement;
  /** As the place where its repository is, and as the relay to watch. */
  readonly namesThisService: boolean;
}

function read(event: NostrEvent, base: string): Reading {
  const parsed = parseAnnouncement(event);
  if (!parsed.ok || parsed.value.private) return { namesThisService: false };
  const { clone, relays } = namesThisService(parsed.value, base);
  return { public: parsed.value, namesThisService: clone !== 'none' && relays };
}

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
  /** Whether an anonymous client may see an event. */
  readonly visible: (event: NostrEvent) => boolean;
  /** The public base URL of the service. */
  readonly base: string;
  readonly clock: Clock;
}

/** The public announcements of repositories hosted here. */
export class PublicRepositories {
  private readonly context: PublicRepositoriesContext;
  /** Parsed announcements: the front page needs all of them each time, and an event never changes. */
  private readonly read = new WeakMap<NostrEvent, Reading>();
  private readonly searching = new SingleFlight<number, NostrEvent[]>();

  constructor(context: PublicRepositoriesContext) {
    this.context = context;
  }

  /** The owner's announcement of a repository, if it is here and public. */
  find({ owner, identifier }: RepositoryId): Announcement | undefined {
    const event = this.context.events.latest(kinds.repository, owner, identifier);
    if (event === undefined || this.context.events.isHidden(event.id)) return undefined;
    return this.context.visible(event) ? this.reading(event).public : undefined;
  }

  /**
   * Public repositories hosted here, newest announcement first. Announcements that do not name this service are skipped: a
   * maintainer may announce a repository that is hosted elsewhere.
   */
  async newest(limit: number): Promise<Announcement[]> {
    const { events, clock, visible } = this.context;
    const now = Math.floor(clock.now() / 1000);
    const isListed = (event: NostrEvent) => this.reading(event).namesThisService && visible(event);
    // Anyone may ask, and most announcements may be private: only one search runs at a time, and it yields to other work.
    const found = await this.searching.run(limit, () =>
      cooperate(events.querying([ANNOUNCEMENTS], { limit, now, visible: isListed })),
    );
    // Events may have been deleted or hidden since the search started.
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

/** The public content of an announcement. */
interface Reading {
  readonly public?: Announcement;
  /** True if it names this service in its clone URLs and in its relays. */
  readonly namesThisService: boolean;
}

function read(event: NostrEvent, base: string): Reading {
  const parsed = parseAnnouncement(event);
  if (!parsed.ok || parsed.value.private) return { namesThisService: false };
  const { clone, relays } = namesThisService(parsed.value, base);
  return { public: parsed.value, namesThisService: clone !== 'none' && relays };
}

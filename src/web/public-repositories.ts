import { type Announcement, parseAnnouncement } from '../nostr/announcement.ts';
import type { NostrEvent } from '../nostr/event.ts';
import { kinds } from '../nostr/kinds.ts';
import { namesThisService } from '../nostr/named-service.ts';
import type { EventReader } from '../relay/events.ts';
import type { RepositoryId } from '../repository/repository-id.ts';

export interface PublicRepositoriesContext {
  readonly events: Pick<EventReader, 'latest' | 'isHidden'>;
  /** Whether an anonymous client may see an event. */
  readonly visible: (event: NostrEvent) => boolean;
  /** The public base URL of the service. */
  readonly base: string;
}

/** The public announcements of repositories hosted here. */
export class PublicRepositories {
  private readonly context: PublicRepositoriesContext;
  /** Parsed announcements: pages need them again and again, and an event never changes. */
  private readonly read = new WeakMap<NostrEvent, Reading>();

  constructor(context: PublicRepositoriesContext) {
    this.context = context;
  }

  /** The owner's announcement of a repository, if it is here and public. */
  find({ owner, identifier }: RepositoryId): Announcement | undefined {
    const event = this.context.events.latest(kinds.repository, owner, identifier);
    if (event === undefined || this.context.events.isHidden(event.id)) return undefined;
    return this.context.visible(event) ? this.reading(event).public : undefined;
  }

  /** The owner's announcement of a repository, private or not: for visitors who may read the repository. */
  known({ owner, identifier }: RepositoryId): Announcement | undefined {
    const event = this.context.events.latest(kinds.repository, owner, identifier);
    if (event === undefined || this.context.events.isHidden(event.id)) return undefined;
    const parsed = parseAnnouncement(event);
    return parsed.ok ? parsed.value : undefined;
  }

  /**
   * What an event announces, if it is a public repository hosted here. Announcements that do not name this service are skipped:
   * a maintainer may announce a repository that is hosted elsewhere. Whether it may be seen is another question.
   */
  listed(event: NostrEvent): Announcement | undefined {
    if (this.context.events.isHidden(event.id)) return undefined;
    const reading = this.reading(event);
    return reading.namesThisService ? reading.public : undefined;
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

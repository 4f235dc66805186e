import { LruMap } from '../../lib/lru.ts';
import { formatAddress, parseAddress } from '../../nostr/address.ts';
import type { Announcement } from '../../nostr/announcement.ts';
import { kinds } from '../../nostr/kinds.ts';
import { firstValue, values } from '../../nostr/tags.ts';
import type { EventReader, Events } from '../events.ts';
import { readAnnouncement } from './read-announcement.ts';

export interface AnnouncementMemoryContext {
  readonly events: Pick<EventReader, 'isHidden' | 'latest'> & Pick<Events, 'onEvent'>;
}

interface Remembered {
  /** undefined for a key that has announced nothing under the identifier. */
  readonly announcement: Announcement | undefined;
  readonly hidden: boolean;
}

/** How many keys and texts of announcements are cached: some ten thousand announcements, or 20 MB. */
const BUDGET = 200_000;

/** The newest announcement of each key under an identifier, parsed once: access is checked for every event that is shown. */
export class AnnouncementMemory {
  private readonly context: AnnouncementMemoryContext;
  /** By address. */
  private readonly known = new LruMap<string, Remembered>(BUDGET);
  /** The address of each cached announcement, by its id. */
  private readonly addressOf = new LruMap<string, string>(BUDGET / 10);

  constructor(context: AnnouncementMemoryContext) {
    this.context = context;
    context.events.onEvent((event) => {
      if (event.kind === kinds.repository) {
        this.known.delete(nameOf(event.pubkey, firstValue(event, 'd') ?? ''));
      }
      if (event.kind !== kinds.deletion) return;
      for (const address of values(event, 'a').map(parseAddress)) {
        if (address !== undefined) this.known.delete(nameOf(address.pubkey, address.identifier));
      }
      for (const id of values(event, 'e')) {
        const name = this.addressOf.get(id);
        if (name !== undefined) this.known.delete(name);
      }
    });
  }

  /** @returns undefined when the key has no readable announcement under the identifier */
  find(key: string, identifier: string): Announcement | undefined {
    const { events } = this.context;
    const name = nameOf(key, identifier);
    const known = this.known.get(name);
    // A hidden announcement that expires causes no event.
    const isGone = known?.hidden === true && !events.isHidden(known.announcement?.id ?? '');
    if (known !== undefined && !isGone) return known.announcement;
    const announcement = readAnnouncement(events.latest(kinds.repository, key, identifier));
    const hidden = announcement !== undefined && events.isHidden(announcement.id);
    this.known.set(name, { announcement, hidden }, weightOf(announcement));
    if (announcement !== undefined) this.addressOf.set(announcement.id, name, 1);
    return announcement;
  }
}

function weightOf(announcement: Announcement | undefined): number {
  if (announcement === undefined) return 10;
  const { maintainers, readers, clone, web, relays, hashtags, protection } = announcement;
  return [maintainers, readers, clone, web, relays, hashtags, protection].reduce(
    (sum, { length }) => sum + length,
    10,
  );
}

function nameOf(pubkey: string, identifier: string): string {
  return formatAddress({ kind: kinds.repository, pubkey, identifier });
}

/**
 * Which keys' events count in which repositories. Naming a key as a maintainer gives it rights in one repository. The events
 * of a key count only in repositories that trust the key and that the key accepts. All of it follows from announcements.
 */
import { parseAddress } from '../nostr/address.ts';
import type { Announcement } from '../nostr/announcement.ts';
import type { NostrEvent } from '../nostr/event.ts';
import { kinds } from '../nostr/kinds.ts';
import {
  acceptedOwners,
  type MaintainerRule,
  maintainerClosure,
  maxMaintainerDepth,
  maxWriters,
} from '../nostr/maintainers.ts';
import { firstValue, values } from '../nostr/tags.ts';
import { AnnouncementMemory } from './announcements/announcement-memory.ts';
import { readAnnouncement } from './announcements/read-announcement.ts';
import type { EventReader, Events } from './events.ts';

export interface TrustContext {
  readonly events: Pick<EventReader, 'announcements' | 'get' | 'isHidden' | 'latest'> &
    Pick<Events, 'onEvent'>;
  readonly rule: MaintainerRule;
}

/** The repositories under an identifier in which a key's events count. */
export interface TrustingOwners {
  /** Owners: the key itself first, whether it has a repository or not. */
  readonly owners: readonly string[];
  /** False when so many owners name the key that not all were looked at. Always true for a key that has announced. */
  readonly complete: boolean;
}

/** How many repositories are looked up for a key that has not announced which ones it accepts. */
export const maxTrustingOwners = 64;
/** How many owners are looked at to find them. */
const MOST_TRIED = 256;
/** How many names are kept of one key whose announcements replace one another, before the index is rebuilt. */
const MOST_NOTED = 4 * maxWriters;

/** Who names whom under one identifier. */
interface Names {
  /** By the key that is named. */
  readonly namers: Map<string, Set<string>>;
  /** By the key that names, all those it is listed under. */
  readonly named: Map<string, ReadonlySet<string>>;
  /** Ids of the announcements that were hidden when this was built: no listener is called when those go. */
  readonly hidden: readonly string[];
}

/** Create it before other listeners that ask it about events, so that it sees an announcement first. */
export class Trust {
  private readonly context: TrustContext;
  private readonly memory: AnnouncementMemory;
  /** By identifier, built on demand. A surplus name does no harm: each is checked before it counts. */
  private readonly names = new Map<string, Names>();

  constructor(context: TrustContext) {
    this.context = context;
    this.memory = new AnnouncementMemory(context);
    context.events.onEvent((event, { hidden }) => {
      if (event.kind !== kinds.repository) return;
      const identifier = firstValue(event, 'd') ?? '';
      const known = this.names.get(identifier);
      if (known === undefined) return;
      // When a hidden announcement goes, the one before it is in force again.
      note(known, event.pubkey, readAnnouncement(event)?.maintainers ?? [], hidden);
      if ((known.named.get(event.pubkey)?.size ?? 0) > MOST_NOTED) this.names.delete(identifier);
    });
  }

  /** The keys that may write to a repository by its announcements; the owner first. */
  writersOf(owner: string, identifier: string): readonly string[] {
    return maintainerClosure(owner, this.announcementsOf(identifier), this.context.rule).writers;
  }

  /** The newest announcement of a key under an identifier, if it has one. */
  announcementOf(key: string, identifier: string): Announcement | undefined {
    return this.memory.find(key, identifier);
  }

  /** True for a key that has an announcement of its own under the identifier. */
  hasAnnounced(key: string, identifier: string): boolean {
    return this.announcementsOf(identifier)(key) !== undefined;
  }

  /** True when a key accepts that its events count in an owner's repository. The owner has to trust the key, too. */
  accepts(author: string, owner: string, identifier: string): boolean {
    if (author === owner) return true;
    const { rule } = this.context;
    return acceptedOwners(author, this.announcementsOf(identifier), rule)?.includes(owner) ?? true;
  }

  /** The owners whose repositories a key accepts by its own announcement, the key itself first; empty without one. */
  acceptedBy(key: string, identifier: string): readonly string[] {
    return acceptedOwners(key, this.announcementsOf(identifier), this.context.rule) ?? [];
  }

  /** True when a key's events count in an owner's repository: the owner trusts the key, and the key accepts it. */
  counts(author: string, owner: string, identifier: string): boolean {
    return (
      author === owner || (this.accepts(author, owner, identifier) && this.trusts(owner, author, identifier))
    );
  }

  /**
   * The repositories in which a key's events count. The work does not grow with others' announcements: it follows the key's
   * own announcement, and looks at those who name the key only if it has none.
   */
  repositoriesOf(author: string, identifier: string): TrustingOwners {
    const accepted = acceptedOwners(author, this.announcementsOf(identifier), this.context.rule);
    if (accepted === undefined) return this.repositoriesTrusting(author, identifier);
    const owners = accepted.filter((owner) => owner === author || this.trusts(owner, author, identifier));
    return { owners, complete: true };
  }

  /** The repositories in which a signed state counts: only those that it names by `a` tags, if it names any. */
  repositoriesOfState(event: NostrEvent): TrustingOwners {
    const identifier = firstValue(event, 'd') ?? '';
    const named = repositoriesNamed(event);
    if (named.length === 0) return this.repositoriesOf(event.pubkey, identifier);
    const owners = named
      .filter((address) => address.identifier === identifier)
      .slice(0, maxTrustingOwners)
      .map(({ pubkey }) => pubkey);
    const counting = owners.filter((owner) => this.counts(event.pubkey, owner, identifier));
    return { owners: [...new Set(counting)], complete: true };
  }

  /** The repositories that trust a key, whatever the key accepts: the key's own first. */
  repositoriesTrusting(key: string, identifier: string): TrustingOwners {
    const owners = [key];
    let tried = 0;
    for (const owner of this.naming(key, identifier)) {
      if (owners.length > maxTrustingOwners || ++tried > MOST_TRIED) return { owners, complete: false };
      if (this.trusts(owner, key, identifier)) owners.push(owner);
    }
    return { owners, complete: true };
  }

  /**
   * The writers of a repository whose signed states may be held with the key instead of the repository: keys without an
   * announcement, named by more owners than {@link repositoriesOf} looks at.
   */
  crowdedWriters(owner: string, identifier: string): readonly string[] {
    return this.writersOf(owner, identifier).filter((key) => {
      if (key === owner || this.hasAnnounced(key, identifier)) return false;
      let count = 0;
      for (const _ of this.naming(key, identifier)) if (++count > maxTrustingOwners) return true;
      return false;
    });
  }

  private trusts(owner: string, key: string, identifier: string): boolean {
    return this.writersOf(owner, identifier).includes(key);
  }

  private announcementsOf(identifier: string) {
    return (key: string) => this.memory.find(key, identifier);
  }

  /** Keys that may have named a key, directly or through others; nearest first, each once. */
  private *naming(key: string, identifier: string): Generator<string> {
    const { namers } = this.namesUnder(identifier);
    const seen = new Set([key]);
    let nearest = [key];
    for (let depth = 0; depth < maxMaintainerDepth && nearest.length > 0; depth++) {
      const next: string[] = [];
      for (const each of nearest) {
        for (const namer of namers.get(each) ?? []) {
          if (seen.has(namer)) continue;
          seen.add(namer);
          next.push(namer);
          yield namer;
        }
      }
      nearest = next;
    }
  }

  private namesUnder(identifier: string): Names {
    const { events } = this.context;
    const known = this.names.get(identifier);
    if (known?.hidden.every((id) => events.get(id) !== undefined)) return known;
    const announcements = events.announcements(identifier);
    const hidden = announcements.flatMap(({ id }) => (events.isHidden(id) ? id : []));
    const names: Names = { namers: new Map(), named: new Map(), hidden };
    for (const event of announcements) {
      note(names, event.pubkey, readAnnouncement(event)?.maintainers ?? [], false);
    }
    // Anyone may ask about any identifier: only announced ones are cached.
    if (names.named.size > 0) this.names.set(identifier, names);
    else this.names.delete(identifier);
    return names;
  }
}

/** The repositories that an event names by `a` tags. */
export function repositoriesNamed(
  event: NostrEvent,
): { readonly pubkey: string; readonly identifier: string }[] {
  return values(event, 'a')
    .map(parseAddress)
    .flatMap((address) => (address?.kind === kinds.repository ? address : []));
}

/** @param besides true to keep earlier names, because an earlier announcement may come into force again */
function note(names: Names, namer: string, maintainers: readonly string[], besides: boolean): void {
  const before = names.named.get(namer) ?? new Set<string>();
  const named = new Set(maintainers.slice(0, maxWriters));
  if (besides) for (const key of before) named.add(key);
  for (const key of before) {
    if (named.has(key)) continue;
    const namers = names.namers.get(key);
    namers?.delete(namer);
    if (namers?.size === 0) names.namers.delete(key);
  }
  for (const key of named) {
    const namers = names.namers.get(key);
    if (namers === undefined) names.namers.set(key, new Set([namer]));
    else namers.add(namer);
  }
  if (named.size === 0) names.named.delete(namer);
  else names.named.set(namer, named);
}

/**
 * Limits on stored events. Keys cost nothing. So what strangers send is bounded by the repositories it is about, and what
 * owners and maintainers send by their keys: neither can use up the room of the other.
 */
import { addressOf, formatAddress } from '../../nostr/address.ts';
import type { EventHead, NostrEvent } from '../../nostr/event.ts';
import { encodeEvent } from '../../nostr/event.ts';
import { kinds } from '../../nostr/kinds.ts';
import type { Reason } from '../../nostr/relay-message.ts';
import type { EventReader } from '../events.ts';
import { type Amount, MAX_CHARGES } from './event-charges.ts';

export interface EventQuotas {
  /** For each key that owns or maintains a repository here. */
  readonly member: Amount;
  /** For any other key. */
  readonly stranger: Amount;
  /** About each repository, by all keys that neither own nor maintain it. */
  readonly repository: Amount;
  /**
   * By strangers, about no repository here: profiles, deletions of events that are gone, lists of servers. As much again is for what
   * names repositories that are not here.
   */
  readonly unclaimed: Amount;
  /** Bytes of memory of the index. Strangers may use only {@link STRANGERS_SHARE} of it. */
  readonly indexBytes: number;
}

/** The part of the index's memory that strangers may use. The rest is for owners and maintainers. */
export const STRANGERS_SHARE = 0.8;

/**
 * Deletions and changed announcements get this much of a quota, so that a key that has used up its quota can still delete, and make a
 * repository private.
 */
const HIDING_SHARE = 1.25;

/** How much is stored. */
export interface Ledger {
  /** Bytes of memory that the index uses. */
  readonly memory: number;
  byAuthor(publicKey: string): Amount;
  /** About a repository, by keys other than these; below `enough` the result may include these keys. */
  byOthers(address: string, keys: readonly string[], enough: Amount): Amount;
  unclaimed(): Amount;
  /** About repositories of which none is announced here. */
  elsewhere(): Amount;
  /** About that announced repository of an event which has most; undefined if it names none. */
  fullest(event: EventHead): Amount | undefined;
  /** How many repositories an event would be charged to. */
  chargesOf(event: EventHead): number;
}

/** A repository that an event is about. */
export interface Mentioned {
  readonly owner: string;
  readonly writers: readonly string[];
  readonly announcement: { readonly identifier: string };
}

export interface EventQuotaContext {
  readonly ledger: Ledger;
  readonly events: Pick<EventReader, 'latest'>;
  readonly mentions: (event: NostrEvent) => readonly Mentioned[];
  readonly hasRepository: (publicKey: string) => boolean;
  readonly quotas: EventQuotas;
}

export class EventQuota {
  private readonly context: EventQuotaContext;

  constructor(context: EventQuotaContext) {
    this.context = context;
  }

  /**
   * Why an event may not be stored; undefined when it may. Call it only when the sender may know of the repositories that the
   * event is about.
   */
  refusal(event: NostrEvent): Reason | undefined {
    const { ledger, quotas, hasRepository } = this.context;
    const isMember = hasRepository(event.pubkey);
    const replaced = this.replacedBy(event);
    const mayHide =
      event.kind === kinds.deletion || (event.kind === kinds.repository && replaced !== undefined);
    const share = mayHide ? HIDING_SHARE : 1;
    const room = quotas.indexBytes * share * (isMember ? 1 : STRANGERS_SHARE);
    const bytes = sizeOf(event);
    const isLarger = replaced === undefined || bytes > replaced.bytes;
    if (isLarger && ledger.memory >= room) return 'blocked: this relay has no room for more events';
    const ofKey = scaled(isMember ? quotas.member : quotas.stranger, share);
    if (!fits(ledger.byAuthor(event.pubkey), bytes, ofKey, replaced?.bytes)) {
      return `blocked: one key may have ${described(ofKey)} here: delete some of yours first`;
    }
    // An announcement describes its author's own repository: the limits for strangers do not apply.
    if (event.kind === kinds.repository) return undefined;
    return this.strangersRefusal(event, bytes, share, isMember, replaced);
  }

  private strangersRefusal(
    event: NostrEvent,
    bytes: number,
    share: number,
    isMember: boolean,
    replaced: Replaced | undefined,
  ): Reason | undefined {
    const { ledger, quotas, mentions } = this.context;
    const foreign = mentions(event).filter(({ writers }) => !writers.includes(event.pubkey));
    // An event that is replaced leaves room only where it was counted.
    const before = replaced === undefined ? [] : mentions(replaced.event).map(addressOfRepository);
    const charges = ledger.chargesOf(event);
    if (charges === 0 && !isMember) {
      const limit = scaled(quotas.unclaimed, share);
      const room =
        replaced !== undefined && ledger.chargesOf(replaced.event) === 0 ? replaced.bytes : undefined;
      return fits(ledger.unclaimed(), bytes, limit, room)
        ? undefined
        : 'blocked: there are too many events here that are about no repository here';
    }
    if (foreign.length === 0 && isMember) return undefined;
    if (charges > MAX_CHARGES) return `blocked: it is about more than ${MAX_CHARGES} repositories`;
    if (foreign.length === 0) return this.elsewhereRefusal(event, bytes, share, replaced);
    const limit = scaled(quotas.repository, share);
    for (const repository of foreign) {
      const { writers, announcement } = repository;
      const address = addressOfRepository(repository);
      const room = before.includes(address) ? replaced?.bytes : undefined;
      if (fits(ledger.byOthers(address, writers, limit), bytes, limit, room)) continue;
      return `blocked: keys that do not maintain ${announcement.identifier} may store ${described(limit)} about it, and have done so`;
    }
    return undefined;
  }

  /**
   * Why a stranger's event that names repositories, but none that this service hosts, may not be stored. Events here may refer to it,
   * or it deletes something of its author. One that names an announced repository counts there, whether or not that is hosted.
   */
  private elsewhereRefusal(
    event: NostrEvent,
    bytes: number,
    share: number,
    replaced: Replaced | undefined,
  ): Reason | undefined {
    const { ledger, quotas } = this.context;
    const isElsewhere = (one: NostrEvent) => ledger.chargesOf(one) > 0 && ledger.fullest(one) === undefined;
    const announced = ledger.fullest(event);
    const there = announced ?? ledger.elsewhere();
    const limit = scaled(announced === undefined ? quotas.unclaimed : quotas.repository, share);
    const leavesRoom = announced === undefined && replaced !== undefined && isElsewhere(replaced.event);
    if (fits(there, bytes, limit, leavesRoom ? replaced.bytes : undefined)) return undefined;
    return 'blocked: there are too many events here that name only repositories elsewhere';
  }

  /** The event that this one takes the place of. */
  private replacedBy(event: NostrEvent): Replaced | undefined {
    const address = addressOf(event);
    if (address === undefined) return undefined;
    const latest = this.context.events.latest(address.kind, address.pubkey, address.identifier);
    return latest === undefined ? undefined : { event: latest, bytes: sizeOf(latest) };
  }
}

interface Replaced {
  readonly event: NostrEvent;
  readonly bytes: number;
}

function sizeOf(event: NostrEvent): number {
  return Buffer.byteLength(encodeEvent(event));
}

function addressOfRepository({ owner, announcement: { identifier } }: Mentioned): string {
  return formatAddress({ kind: kinds.repository, pubkey: owner, identifier });
}

/**
 * True when one more event of this size stays within a limit.
 * @param replaced bytes of the event that it takes the place of, if that is counted here. One that is no larger always fits.
 */
function fits(there: Amount, bytes: number, limit: Amount, replaced?: number): boolean {
  if (replaced === undefined) return there.events < limit.events && there.bytes + bytes <= limit.bytes;
  return bytes <= replaced || there.bytes - replaced + bytes <= limit.bytes;
}

function scaled({ events, bytes }: Amount, share: number): Amount {
  return { events: Math.floor(events * share), bytes: Math.floor(bytes * share) };
}

function described({ events, bytes }: Amount): string {
  return `${events} events of ${Math.floor(bytes / 1024 / 1024)} MiB`;
}

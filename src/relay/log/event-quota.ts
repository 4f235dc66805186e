/**
 * How much may be stored of whom. Keys cost nothing, so what strangers send is bounded by the repositories it is about, and
 * what owners and maintainers send by their keys: neither takes room from the other.
 */
import { addressOf, formatAddress } from '../../nostr/address.ts';
import type { EventHead, NostrEvent } from '../../nostr/event.ts';
import { encodeEvent } from '../../nostr/event.ts';
import { kinds } from '../../nostr/kinds.ts';
import type { Reason } from '../../nostr/relay-message.ts';
import type { EventReader } from '../events.ts';
import { type Amount, MAX_CHARGES } from './event-charges.ts';

export interface EventQuotas {
  /** Of one key that owns or maintains a repository here. */
  readonly member: Amount;
  /** Of any other key. */
  readonly stranger: Amount;
  /** About one repository, by all keys that neither own nor maintain it. */
  readonly repository: Amount;
  /** By strangers, about nothing that is here: deletions of what has gone, lists of servers. */
  readonly unclaimed: Amount;
  /** Bytes of memory of the index. Strangers get no more beyond {@link STRANGERS_SHARE} of it. */
  readonly indexBytes: number;
}

/** Of the memory of the index. The rest is for those who own or maintain a repository here. */
export const STRANGERS_SHARE = 0.8;

/** Who has used up a quota may still take back what was sent: with so much more, as deletions are events as well. */
const DELETIONS_SHARE = 1.25;

/** What is stored, counted. */
export interface Ledger {
  /** Bytes of memory that the index takes. */
  readonly memory: number;
  byAuthor(publicKey: string): Amount;
  /** About a repository, by others than these keys; what is below `enough` may be counted with theirs. */
  byOthers(address: string, keys: readonly string[], enough: Amount): Amount;
  unclaimed(): Amount;
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
   * Why an event is not to be stored besides all that is; undefined when it is. To be asked when the sender may know of the
   * repositories that the event is about.
   */
  refusal(event: NostrEvent): Reason | undefined {
    const { ledger, quotas, hasRepository } = this.context;
    const isMember = hasRepository(event.pubkey);
    const share = event.kind === kinds.deletion ? DELETIONS_SHARE : 1;
    const room = quotas.indexBytes * share * (isMember ? 1 : STRANGERS_SHARE);
    if (this.replacesOwn(event)) return undefined;
    if (ledger.memory >= room) return 'blocked: this relay has no room for more events';
    const bytes = Buffer.byteLength(encodeEvent(event));
    const ofKey = scaled(isMember ? quotas.member : quotas.stranger, share);
    if (!fits(ledger.byAuthor(event.pubkey), bytes, ofKey)) {
      return `blocked: one key may have ${described(ofKey)} here: delete some of yours first`;
    }
    // What an announcement says, it says of its author's own.
    if (event.kind === kinds.repository) return undefined;
    return this.strangersRefusal(event, bytes, share, isMember);
  }

  private strangersRefusal(
    event: NostrEvent,
    bytes: number,
    share: number,
    isMember: boolean,
  ): Reason | undefined {
    const { ledger, quotas, mentions } = this.context;
    const foreign = mentions(event).filter(({ writers }) => !writers.includes(event.pubkey));
    const charges = ledger.chargesOf(event);
    if (charges === 0 && !isMember) {
      const limit = scaled(quotas.unclaimed, share);
      return fits(ledger.unclaimed(), bytes, limit)
        ? undefined
        : 'blocked: too much is here that is about nothing here';
    }
    if (foreign.length === 0) return undefined;
    if (charges > MAX_CHARGES) return `blocked: it is about more than ${MAX_CHARGES} repositories`;
    const limit = scaled(quotas.repository, share);
    for (const { owner, writers, announcement } of foreign) {
      const address = formatAddress({
        kind: kinds.repository,
        pubkey: owner,
        identifier: announcement.identifier,
      });
      if (fits(ledger.byOthers(address, writers, limit), bytes, limit)) continue;
      return `blocked: others than its maintainers may store ${described(limit)} about ${announcement.identifier}, and did`;
    }
    return undefined;
  }

  /** It takes the place of one that is counted already. */
  private replacesOwn(event: NostrEvent): boolean {
    const address = addressOf(event);
    if (address === undefined) return false;
    return this.context.events.latest(address.kind, address.pubkey, address.identifier) !== undefined;
  }
}

/** True when one more event of so many bytes is within a limit. */
function fits(there: Amount, bytes: number, limit: Amount): boolean {
  return there.events < limit.events && there.bytes + bytes <= limit.bytes;
}

function scaled({ events, bytes }: Amount, share: number): Amount {
  return { events: Math.floor(events * share), bytes: Math.floor(bytes * share) };
}

function described({ events, bytes }: Amount): string {
  return `${events} events of ${Math.floor(bytes / 1024 / 1024)} MiB`;
}

/** Which repositories an event is about: those that it names, and those of the events that it answers. */
import { addressOf, formatAddress, parseAddress } from '../../nostr/address.ts';
import type { NostrEvent } from '../../nostr/event.ts';
import { kinds } from '../../nostr/kinds.ts';
import { firstValue, tagsNamed, values } from '../../nostr/tags.ts';
import type { EventReader } from '../events.ts';
import { repositoriesNamed, type Trust } from '../trust.ts';

export interface EventRepositoriesContext {
  readonly events: Pick<EventReader, 'get' | 'isReferredTo' | 'query'>;
  readonly trust: Trust;
  /** The key that signs the receipts of a repository. */
  readonly receiptKey: (owner: string, identifier: string) => string;
  /** Whether the owner has announced the repository, and on this service. */
  readonly announced: (owner: string, identifier: string) => 'here' | 'elsewhere' | undefined;
}

/** The owner and the identifier of a repository, here or elsewhere. */
export interface Named {
  readonly owner: string;
  readonly identifier: string;
}

/** The repositories that an event is about. */
export interface About {
  readonly named: readonly Named[];
  /** True when the event only quotes or mentions events about these repositories: it belongs to none of them. */
  readonly quoted: boolean;
}

/** How many events are followed along answers. */
const MAX_ROOTS = 64;
/** How many references the followed events may have together: each takes microseconds, and strangers fill events with thousands. */
export const MAX_REFERENCES = 2_000;
/** Tags that refer to events and repositories. */
const REFERENCES: ReadonlySet<string | undefined> = new Set(['a', 'A', 'e', 'E', 'q']);
/** How many states are looked at to find receipts that name a signed state. */
const MAX_RECEIPTS = 256;

export class EventRepositories {
  private readonly context: EventRepositoriesContext;

  constructor(context: EventRepositoriesContext) {
    this.context = context;
  }

  /** The repositories that an event belongs to, here or elsewhere; if it belongs to none, those that it quotes. */
  about(event: NostrEvent): About {
    const { events } = this.context;
    const named = this.namedBy(follow(event, events, answered), ['a', 'A']);
    if (named.length > 0) return { named, quoted: false };
    if (event.kind === kinds.repositoryState) return { named: this.appliedIn(event), quoted: false };
    return { named: this.namedBy(follow(event, events, referred), ['a', 'A', 'q']), quoted: true };
  }

  /** Every repository that some events name, each once. */
  private namedBy(events: readonly NostrEvent[], tags: readonly string[]): Named[] {
    const found = new Map<string, Named>();
    const add = (owner: string, identifier: string) =>
      found.set(nameOf(owner, identifier), { owner, identifier });
    for (const about of events) {
      // An announcement belongs to its own repository only, whatever others it names.
      if (about.kind === kinds.repository) {
        add(about.pubkey, firstValue(about, 'd') ?? '');
        continue;
      }
      const addresses = tags.flatMap((name) => values(about, name)).map(parseAddress);
      if (about.kind !== kinds.repositoryState) addresses.push(addressOf(about));
      // A receipt names its repository, so others that name its key do not count.
      else if (repositoriesNamed(about).length === 0) {
        for (const { owner, identifier } of this.repositoriesOfState(about)) add(owner, identifier);
      }
      for (const address of addresses) {
        if (address?.kind === kinds.repository) add(address.pubkey, address.identifier);
        if (address?.kind !== kinds.repositoryState) continue;
        const { owners } = this.context.trust.repositoriesOf(address.pubkey, address.identifier);
        for (const owner of this.announcedAmong(owners, address.identifier)) add(owner, address.identifier);
      }
    }
    return [...found.values()];
  }

  /** Where a signed state counts. If that is not here, or not fully known, also where it was applied. */
  private repositoriesOfState(state: NostrEvent): Named[] {
    const identifier = firstValue(state, 'd') ?? '';
    const { owners, complete } = this.context.trust.repositoriesOfState(state);
    const counting = this.announcedAmong(owners, identifier).map((owner) => ({ owner, identifier }));
    const isHere = counting.some(({ owner }) => this.context.announced(owner, identifier) === 'here');
    return complete && isHere ? counting : [...counting, ...this.appliedIn(state)];
  }

  private announcedAmong(owners: readonly string[], identifier: string): string[] {
    return owners.filter((owner) => this.context.announced(owner, identifier) !== undefined);
  }

  /** The repositories in which a signed state was applied, by their receipts. */
  private appliedIn(state: NostrEvent): Named[] {
    const { events, receiptKey } = this.context;
    const identifier = firstValue(state, 'd') ?? '';
    if (!events.isReferredTo(state.id)) return [];
    const found = new Map<string, Named>();
    const visible = (receipt: NostrEvent) => {
      for (const { pubkey: owner, identifier: of } of repositoriesNamed(receipt)) {
        if (of !== identifier || this.context.announced(owner, of) === undefined) continue;
        if (receiptKey(owner, of) !== receipt.pubkey) continue;
        found.set(nameOf(owner, of), { owner, identifier });
      }
      return false;
    };
    const naming = { kinds: new Set([kinds.repositoryState]), tags: new Map([['e', new Set([state.id])]]) };
    events.query([naming], { limit: 1, now: 0, visible, looks: MAX_RECEIPTS });
    return [...found.values()];
  }
}

/** An event, and all events here that it refers to, directly or through others. */
export function followed(event: NostrEvent, events: Pick<EventReader, 'get'>): NostrEvent[] {
  return follow(event, events, referred);
}

/** What lies behind a bound counts as an event that is not here. */
function follow(
  event: NostrEvent,
  events: Pick<EventReader, 'get'>,
  references: (event: NostrEvent) => readonly string[],
): NostrEvent[] {
  const found = new Map([[event.id, event]]);
  let left = MAX_REFERENCES;
  for (const each of found.values()) {
    for (const id of references(each)) {
      if (found.size >= MAX_ROOTS) return [...found.values()];
      const root = found.has(id) ? undefined : events.get(id);
      if (root === undefined) continue;
      left -= root.tags.filter(([name]) => REFERENCES.has(name)).length;
      if (left < 0) return [...found.values()];
      found.set(id, root);
    }
  }
  return [...found.values()];
}

/** The events that an event answers or deletes: it belongs to the same repositories. */
export function answered(event: NostrEvent): string[] {
  // These belong only to their own repository, whatever they refer to.
  if (event.kind === kinds.repository || event.kind === kinds.repositoryState) return [];
  const tags = [...tagsNamed(event, 'e'), ...tagsNamed(event, 'E')];
  return tags.flatMap(([, id, , marker]) => (id === undefined || marker === 'mention' ? [] : id));
}

/** The events that an event refers to in any way. */
function referred(event: NostrEvent): string[] {
  return [...values(event, 'e'), ...values(event, 'E'), ...values(event, 'q')];
}

function nameOf(owner: string, identifier: string): string {
  return formatAddress({ kind: kinds.repository, pubkey: owner, identifier });
}

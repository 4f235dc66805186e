import type { Clock } from '../../lib/clock.ts';
import { type Cooperative, cooperate } from '../../lib/cooperative.ts';
import { SingleFlight } from '../../lib/single-flight.ts';
import { formatAddress, parseAddress } from '../../nostr/address.ts';
import type { Announcement } from '../../nostr/announcement.ts';
import type { NostrEvent } from '../../nostr/event.ts';
import type { Filter } from '../../nostr/filter.ts';
import { kinds } from '../../nostr/kinds.ts';
import { firstValue, values } from '../../nostr/tags.ts';
import type { EventReader, Events } from '../../relay/events.ts';
import type { PublicRepositories } from '../public-repositories.ts';
import { ListedRepositories, type RepositoryQuestion } from './listed-repositories.ts';
import { type ListedRepository, listedRepository } from './listed-repository.ts';
import type { Place } from './sorts.ts';

export interface RepositoryIndexContext {
  readonly events: Pick<EventReader, 'counting' | 'latest'> & Pick<Events, 'onEvent'>;
  readonly announced: Pick<PublicRepositories, 'listed'>;
  /** Whether an anonymous client may see an event. */
  readonly visible: (event: NostrEvent) => boolean;
  /** The key that signs the receipts of a repository. Absent: nothing is known of pushes. */
  readonly receiptKey?: (owner: string, identifier: string) => string;
  readonly clock: Clock;
}

export interface FoundRepository {
  readonly announcement: Announcement;
  /** Seconds: when it was pushed to last. */
  readonly pushed?: number;
}

export interface FoundRepositories {
  readonly repositories: readonly FoundRepository[];
  /** Where the next page begins; absent on the last one. */
  readonly next?: Place;
}

/** The kinds of events that change what is listed. */
const FOLLOWED: ReadonlySet<number> = new Set([kinds.repository, kinds.repositoryState, kinds.deletion]);

/**
 * The public repositories that are announced here, to be searched and listed. It is filled from the events by the first
 * question, and then follows them as they come. A page costs work for what is on it, and for the words that begin like those
 * looked for. What is shown is looked up each time, so nothing is shown that has meanwhile gone or become private, and
 * nothing tells how much of that there is.
 */
export class RepositoryIndex {
  private readonly context: RepositoryIndexContext;
  private readonly filling = new SingleFlight<'all', ListedRepositories>();
  private listed: ListedRepositories | undefined;
  /** Events that came while it was being filled. */
  private missed: NostrEvent[] | undefined;

  constructor(context: RepositoryIndexContext) {
    this.context = context;
    context.events.onEvent((event, { hidden }) => {
      if (hidden || !FOLLOWED.has(event.kind)) return;
      if (this.missed !== undefined) this.missed.push(event);
      else if (this.listed !== undefined) this.follow(this.listed, event);
    });
  }

  /** Number of repositories in memory. */
  get size(): number {
    return this.listed?.size ?? 0;
  }

  /** Finds the repositories of a page. @param count how many at most */
  async find(question: RepositoryQuestion, count: number): Promise<FoundRepositories> {
    const listed = this.listed ?? (await this.filling.run('all', () => this.fill()));
    return cooperate(this.page(listed, question, count));
  }

  private *page(
    all: ListedRepositories,
    question: RepositoryQuestion,
    count: number,
  ): Cooperative<FoundRepositories> {
    const repositories: FoundRepository[] = [];
    let last: Place | undefined;
    for (const listed of all.matching(question)) {
      yield;
      const announcement = listed === undefined ? undefined : this.shown(all, listed);
      if (listed === undefined || announcement === undefined) continue;
      const claimed = listed.pushed;
      const pushed = this.pushed(listed);
      if (pushed !== claimed) all.setPushed(listed, pushed);
      // It comes again further down, where it belongs.
      if (question.sort === 'pushed' && pushed < claimed) continue;
      if (repositories.length === count) {
        return last === undefined ? { repositories } : { repositories, next: last };
      }
      repositories.push(pushed === 0 ? { announcement } : { announcement, pushed });
      const { owner, identifier, at, name } = listed;
      last = { owner, identifier, at, pushed, name };
    }
    return { repositories };
  }

  /** The current announcement; undefined if it must not be shown. */
  private shown(all: ListedRepositories, { owner, identifier }: ListedRepository): Announcement | undefined {
    const { announced, events } = this.context;
    const event = events.latest(kinds.repository, owner, identifier);
    const announcement = event === undefined ? undefined : announced.listed(event);
    if (announcement === undefined) all.delete(owner, identifier);
    // It may be seen again later, without an event of its own.
    return event !== undefined && this.context.visible(event) ? announcement : undefined;
  }

  /** Others may have claimed another date than the receipt has, so that is looked up. @returns 0 if it is not known */
  private pushed({ owner, identifier, pushed }: ListedRepository): number {
    const { events, receiptKey } = this.context;
    if (receiptKey === undefined || pushed === 0) return 0;
    return events.latest(kinds.repositoryState, receiptKey(owner, identifier), identifier)?.created_at ?? 0;
  }

  private async fill(): Promise<ListedRepositories> {
    this.missed = [];
    try {
      const pushes = new Map<string, number>();
      await this.each(kinds.repositoryState, (event) => {
        const address = pushedAddress(event);
        if (address === undefined) return;
        pushes.set(address, Math.max(pushes.get(address) ?? 0, event.created_at));
      });
      const found = new Map<string, ListedRepository>();
      await this.each(kinds.repository, (event) => {
        const announcement = this.context.announced.listed(event);
        if (announcement === undefined) return;
        const address = formatAddress({ ...announcement, kind: event.kind, pubkey: event.pubkey });
        found.set(address, listedRepository(announcement, pushes.get(address) ?? 0));
      });
      const listed = new ListedRepositories();
      await cooperate(listed.fill([...found.values()]));
      for (const event of this.missed) this.follow(listed, event);
      this.listed = listed;
      return listed;
    } finally {
      this.missed = undefined;
    }
  }

  /** Looks at all visible events of a kind, without holding them. */
  private async each(kind: number, take: (event: NostrEvent) => void): Promise<void> {
    const { events, clock } = this.context;
    const filter: Filter = { kinds: new Set([kind]), tags: new Map() };
    const visible = (event: NostrEvent) => {
      take(event);
      return false;
    };
    await cooperate(events.counting([filter], { now: Math.floor(clock.now() / 1000), visible }));
  }

  /** Takes in what an event changes. */
  private follow(all: ListedRepositories, event: NostrEvent): void {
    if (event.kind === kinds.deletion) {
      // Single events that are deleted by their ids are missed when they would be shown.
      for (const address of values(event, 'a').map(parseAddress)) {
        if (address?.kind === kinds.repository) this.refresh(all, address.pubkey, address.identifier);
      }
    } else if (event.kind === kinds.repository) {
      this.refresh(all, event.pubkey, firstValue(event, 'd') ?? '');
    } else {
      const address = parseAddress(pushedAddress(event) ?? '');
      const listed = address === undefined ? undefined : all.get(address.pubkey, address.identifier);
      if (listed !== undefined && event.created_at > listed.pushed) all.setPushed(listed, event.created_at);
    }
  }

  private refresh(all: ListedRepositories, owner: string, identifier: string): void {
    const { announced, events } = this.context;
    const event = events.latest(kinds.repository, owner, identifier);
    const announcement = event === undefined ? undefined : announced.listed(event);
    if (announcement === undefined) all.delete(owner, identifier);
    else all.put(listedRepository(announcement, all.get(owner, identifier)?.pushed ?? 0));
  }
}

/** The address that a receipt is about. Whether it is one shows when it is needed. */
function pushedAddress(event: NostrEvent): string | undefined {
  const address = firstValue(event, 'a');
  return address !== undefined && address.length < 500 ? address : undefined;
}

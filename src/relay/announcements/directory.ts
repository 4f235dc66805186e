/**
 * What announcements say about repositories: who may do what in them, and which of them an event is about. It follows from
 * the events alone. Only for repositories that have no announcement any more does it read what was published.
 */
import { messageOf } from '../../lib/errors.ts';
import { LruMap } from '../../lib/lru.ts';
import { SingleFlight } from '../../lib/single-flight.ts';
import { formatAddress, parseAddress } from '../../nostr/address.ts';
import type { NostrEvent } from '../../nostr/event.ts';
import { kinds, roleOfKind } from '../../nostr/kinds.ts';
import { firstValue, values } from '../../nostr/tags.ts';
import type { Logger } from '../../observability/logger.ts';
import { type AccessFacts, mayKnowOf } from '../../policy/push-access.ts';
import { identifierProblem, repositoryId } from '../../repository/repository-id.ts';
import type { EventReader, Events } from '../events.ts';
import { type About, answered, EventRepositories, followed, type Named } from '../log/event-repositories.ts';
import type { Authenticated } from '../publication.ts';
import type { Trust } from '../trust.ts';
import { type AnnouncedRepository, announcedBy } from './announced.ts';
import type { AnnouncedKinds } from './announced-kind.ts';

export interface DirectoryContext {
  readonly events: EventReader & Pick<Events, 'onEvent'>;
  readonly repositories: Pick<AnnouncedKinds, 'resolve'>;
  readonly trust: Trust;
  /** The key that signs the receipts of a repository. */
  readonly receiptKey: (owner: string, identifier: string) => string;
  /** Public base URL. */
  readonly base: string;
  readonly log: Logger;
}

/** What a client may see of an event because of one repository. */
type Sight = 'shown' | 'hidden' | 'unknown' | 'nothing';

/** What is announced under one identifier. */
interface Announced {
  readonly byOwner: Map<string, AnnouncedRepository>;
  /** Ids of the announcements among them that are hidden. */
  readonly hidden: Set<string>;
  /** False while more may be announced than has been computed. */
  whole: boolean;
}

/** How many repositories without an announcement are looked up in the bucket for one event. */
const MAX_LOOKUPS = 64;
/** How many are looked up at once for events that are shown; the others stay unknown until they are asked about again. */
const MOST_AT_ONCE = 16;
const REMEMBERED = 10_000;

/** Create it before listeners that show events, so that it hears of a change first. */
export class Directory {
  private readonly context: DirectoryContext;
  /** By identifier, computed on demand. */
  private readonly announced = new Map<string, Announced>();
  private readonly identifierOf = new Map<string, string>();
  private readonly identifiersOfKey = new Map<string, Set<string>>();
  private readonly changed = new Set<string>();
  private complete = false;
  private hidden = 0;
  /** For repositories without an announcement: what was published last, or null when nothing ever was. */
  private readonly published = new LruMap<string, AccessFacts | null>(REMEMBERED);
  private readonly places: EventRepositories;
  /** What each deletion request was about. */
  private readonly deletions = new LruMap<string, About>(REMEMBERED);
  private readonly asking = new SingleFlight<string, void>();

  constructor(context: DirectoryContext) {
    this.context = context;
    const announced = (owner: string, identifier: string) => {
      const facts = this.facts(owner, identifier);
      return facts === undefined ? undefined : facts.elsewhere ? 'elsewhere' : 'here';
    };
    this.places = new EventRepositories({ ...context, announced });
    context.events.onEvent((event, { elsewhere }) => {
      this.heard(event);
      if (elsewhere)
        this.prepare(event).catch((error: unknown) => this.cannotTell({ event: event.id }, error));
    });
  }

  /** How many identifiers and keys are cached. */
  get size(): number {
    return this.announced.size + this.identifierOf.size + this.identifiersOfKey.size;
  }

  /** How many times an event may have become invisible to somebody: each change of what is announced counts. */
  get hidings(): number {
    return this.hidden;
  }

  /** What is announced about one repository; undefined when its owner has announced none. */
  facts(owner: string, identifier: string): AnnouncedRepository | undefined {
    const known = this.known(identifier);
    const facts = known?.byOwner.get(owner);
    if (facts !== undefined || known?.whole === true) return facts;
    const found = announcedBy(owner, identifier, this.context);
    // Anyone may ask about any name: only announced ones are cached.
    if (found !== undefined) this.remember(identifier, found);
    return found;
  }

  /** Every repository announced under an identifier, by its owner. Some may be hosted only elsewhere. */
  under(identifier: string): ReadonlyMap<string, AnnouncedRepository> {
    const known = this.known(identifier);
    if (known?.whole !== true) {
      for (const { pubkey } of this.context.events.announcements(identifier)) this.facts(pubkey, identifier);
    }
    this.changed.delete(identifier);
    const found = this.announced.get(identifier);
    if (found === undefined) return new Map();
    found.whole = true;
    return found.byOwner;
  }

  /** True for a key that owns or maintains a repository announced here. */
  hasRepository(publicKey: string): boolean {
    return this.repositoriesOf(publicKey).length > 0;
  }

  /** The announced repositories that a key may write to. */
  repositoriesOf(publicKey: string): AnnouncedRepository[] {
    return this.aroundKey(publicKey).filter((facts) => facts.writers.includes(publicKey));
  }

  /** The announced repositories that an event is about: directly, or through events that it answers or quotes. */
  mentions(event: NostrEvent): readonly AnnouncedRepository[] {
    const { named } = this.about(event);
    return named.flatMap(({ owner, identifier }) => this.facts(owner, identifier) ?? []);
  }

  /**
   * False when all repositories that the event belongs to are private, and none of these keys may know of any of them. Each
   * repository shows the event to its own readers, whatever the others do. An event that only quotes them is shown to keys
   * that may know of all. Until {@link prepare} has run, an event may count as invisible.
   */
  visible(event: NostrEvent, authenticated: Authenticated): boolean {
    if (roleOfKind(event.kind) === 'author') return this.authorVisible(event.pubkey, authenticated);
    const { named, quoted } = this.about(event);
    // A signed state without a repository here: that one was withdrawn, or the author does not maintain it any more.
    if (event.kind === kinds.repositoryState && named.length === 0) return authenticated.has(event.pubkey);
    if (named.length === 0 && this.mayHideSomething(event, authenticated)) return false;
    let hidden = event.kind === kinds.repositoryState && !authenticated.has(event.pubkey);
    const unknown: Named[] = [];
    for (const place of named) {
      const sight = this.sightOf(place, event, authenticated);
      if (sight === 'shown' && !quoted) return true;
      if (sight === 'hidden') hidden = true;
      if (sight === 'unknown') unknown.push(place);
    }
    // Only now: nothing needs to be looked up for an event that is shown in any case.
    for (const { owner, identifier } of unknown.slice(0, MAX_LOOKUPS)) {
      this.lookUpSoon(owner, identifier);
      if (!authenticated.has(owner)) hidden = true;
    }
    return !hidden;
  }

  /** What one repository decides about an event that is about it; `nothing` when there is no such repository here. */
  private sightOf(place: Named, event: NostrEvent, authenticated: Authenticated): Sight {
    const { owner, identifier } = place;
    const announced = this.facts(owner, identifier);
    if (announced?.elsewhere && event.kind === kinds.repositoryState) {
      // The announcement names another service, but the repository may have been here earlier.
      const published = this.lastPublished(owner, identifier);
      if (published === undefined) return 'unknown';
      if (published === null) return 'nothing';
    }
    const facts = announced ?? this.lastPublished(owner, identifier);
    if (facts === undefined) return 'unknown';
    if (facts === null) return 'nothing';
    if (!mayKnowOf(facts, authenticated)) return 'hidden';
    return this.standsForSecret(announced, authenticated) ? 'hidden' : 'shown';
  }

  /** True for a maintainer's announcement that supports a withdrawn private repository, or one not looked up yet. */
  private standsForSecret(facts: AnnouncedRepository | undefined, authenticated: Authenticated): boolean {
    if (facts?.standsFor === undefined || authenticated.has(facts.owner)) return false;
    const { identifier } = facts.announcement;
    return facts.standsFor.some((owner) => {
      if (this.facts(owner, identifier) !== undefined) return false;
      const published = this.lastPublished(owner, identifier);
      if (published === undefined) this.lookUpSoon(owner, identifier);
      return published === undefined || (published !== null && !mayKnowOf(published, authenticated));
    });
  }

  /**
   * Looks up what {@link visible} needs for an event. Await it before an event is stored, so that the event is shown at
   * once. Never rejects.
   */
  async prepare(event: NostrEvent): Promise<void> {
    const wanted = this.about(event).named.flatMap((place): Named[] => {
      const { owner, identifier } = place;
      const facts = this.facts(owner, identifier);
      const behind = (facts?.standsFor ?? []).map((other) => ({ owner: other, identifier }));
      const isTold = facts !== undefined && !(facts.elsewhere && event.kind === kinds.repositoryState);
      return isTold ? behind : [place, ...behind];
    });
    const unknown = wanted.filter(
      ({ owner, identifier }) => this.lastPublished(owner, identifier) === undefined,
    );
    await Promise.all(
      unknown.slice(0, MAX_LOOKUPS).map(({ owner, identifier }) => this.lookUp(owner, identifier)),
    );
  }

  /** True for a key that owns or maintains a repository announced here that these keys may know of. */
  hasRepositoryFor(publicKey: string, authenticated: Authenticated): boolean {
    return this.repositoriesOf(publicKey).some(
      (facts) => facts.standsFor === undefined && mayKnowOf(facts, authenticated),
    );
  }

  /** Notes what a repository was when it was withdrawn, so that it need not be looked up. */
  learn(identifier: string, facts: AccessFacts): void {
    this.hidden++;
    this.published.set(nameOf(facts.owner, identifier), facts, 1);
  }

  /**
   * Notes a deletion request before it takes effect: afterwards nobody can tell what it was about. Another server, or this one
   * after a restart, knows only what the request itself names.
   */
  noteDeletion(event: NostrEvent): void {
    const about = this.places.about(event);
    if (about.named.length > 0) this.deletions.set(event.id, about, 1);
  }

  private about(event: NostrEvent): About {
    return this.deletions.get(event.id) ?? this.places.about(event);
  }

  /** An author with only private repositories here is visible only to keys that may know of one of them. */
  private authorVisible(author: string, authenticated: Authenticated): boolean {
    const own = this.repositoriesOf(author);
    return (
      own.length === 0 || authenticated.has(author) || own.some((facts) => mayKnowOf(facts, authenticated))
    );
  }

  /**
   * True for an answer to an event that is not here (deleted, or not arrived), by somebody who may know of a private
   * repository: the answer may be about that one.
   */
  private mayHideSomething(event: NostrEvent, authenticated: Authenticated): boolean {
    if (authenticated.has(event.pubkey)) return false;
    const related = followed(event, this.context.events);
    const ids = new Set(related.map(({ id }) => id));
    if (related.every((about) => answered(about).every((id) => ids.has(id)))) return false;
    return this.aroundKey(event.pubkey).some(
      (facts) => this.isMember(event.pubkey, facts) && !mayKnowOf(facts, authenticated),
    );
  }

  /** All repositories announced under the identifiers that a key is involved in. */
  private aroundKey(publicKey: string): AnnouncedRepository[] {
    this.refresh();
    return [...(this.identifiersOfKey.get(publicKey) ?? [])].flatMap((identifier) => [
      ...this.under(identifier).values(),
    ]);
  }

  /** True for a writer who accepts the repository, and for a reader of a private one. */
  private isMember(key: string, facts: AnnouncedRepository): boolean {
    if (!membersOf(facts).includes(key)) return false;
    return (
      facts.readers.includes(key) ||
      this.context.trust.accepts(key, facts.owner, facts.announcement.identifier)
    );
  }

  private lastPublished(owner: string, identifier: string): AccessFacts | null | undefined {
    // A repository here cannot have such a name.
    if (identifierProblem(identifier) !== undefined) return null;
    return this.published.get(nameOf(owner, identifier));
  }

  /** Looks a repository up for a later question, unless many are looked up already: strangers choose what events name. */
  private lookUpSoon(owner: string, identifier: string): void {
    if (this.asking.size < MOST_AT_ONCE) void this.lookUp(owner, identifier);
  }

  private lookUp(owner: string, identifier: string): Promise<void> {
    const name = nameOf(owner, identifier);
    return this.asking.run(name, async () => {
      try {
        const state = await this.context.repositories.resolve(repositoryId(owner, identifier));
        this.published.set(name, state === undefined ? null : { owner, ...state.manifest.policy }, 1);
      } catch (error) {
        // It stays unknown, and events about it stay hidden, until the next request looks it up.
        this.cannotTell({ repository: name }, error);
      }
    });
  }

  private cannotTell(
    what: { readonly repository: string } | { readonly event: string },
    error: unknown,
  ): void {
    this.context.log.warn({ ...what, problem: messageOf(error) }, 'cannot tell who may see it');
  }

  private heard(event: NostrEvent): void {
    if (event.kind === kinds.repository) this.forget(event.pubkey, firstValue(event, 'd') ?? '');
    if (event.kind !== kinds.deletion) return;
    for (const address of values(event, 'a').map(parseAddress)) {
      if (address?.kind === kinds.repository) this.forget(event.pubkey, address.identifier);
    }
    for (const id of values(event, 'e')) {
      const identifier = this.identifierOf.get(id);
      if (identifier !== undefined) this.forget(event.pubkey, identifier);
    }
  }

  private forget(author: string, identifier: string): void {
    this.drop(identifier);
    this.changed.add(identifier);
    // A withdrawal that was noted (see learn) is newer than any announcement that is not here any more.
    if (this.context.events.latest(kinds.repository, author, identifier) !== undefined) {
      this.published.delete(nameOf(author, identifier));
    }
  }

  /** What is cached for an identifier, if it is still valid. */
  private known(identifier: string): Announced | undefined {
    const known = this.announced.get(identifier);
    if (known === undefined) return undefined;
    // A hidden announcement that expires causes no event.
    for (const id of known.hidden) {
      if (this.context.events.get(id) !== undefined) continue;
      this.drop(identifier);
      this.changed.add(identifier);
      return undefined;
    }
    return known;
  }

  private remember(identifier: string, facts: AnnouncedRepository): void {
    const known = this.announced.get(identifier) ?? { byOwner: new Map(), hidden: new Set(), whole: false };
    this.announced.set(identifier, known);
    const { id } = facts.announcement;
    known.byOwner.set(facts.owner, facts);
    if (this.context.events.isHidden(id)) known.hidden.add(id);
    this.identifierOf.set(id, identifier);
    for (const key of membersOf(facts)) this.note(key, identifier);
    // Under it there may be other announcements that nobody has asked about yet.
    if (!known.whole) this.changed.add(identifier);
  }

  private drop(identifier: string): void {
    this.hidden++;
    for (const facts of this.announced.get(identifier)?.byOwner.values() ?? []) {
      this.identifierOf.delete(facts.announcement.id);
      for (const key of membersOf(facts)) this.unnote(key, identifier);
    }
    this.announced.delete(identifier);
  }

  private note(key: string, identifier: string): void {
    const identifiers = this.identifiersOfKey.get(key);
    if (identifiers === undefined) this.identifiersOfKey.set(key, new Set([identifier]));
    else identifiers.add(identifier);
  }

  private unnote(key: string, identifier: string): void {
    const identifiers = this.identifiersOfKey.get(key);
    identifiers?.delete(identifier);
    if (identifiers?.size === 0) this.identifiersOfKey.delete(key);
  }

  /** Computes what has changed; at the first call, everything. */
  private refresh(): void {
    if (!this.complete) {
      this.complete = true;
      for (const event of this.context.events.query(
        [{ kinds: new Set([kinds.repository]), tags: new Map() }],
        {
          limit: Number.POSITIVE_INFINITY,
          now: 0,
          visible: () => true,
        },
      )) {
        this.changed.add(firstValue(event, 'd') ?? '');
      }
    }
    for (const identifier of [...this.changed]) this.under(identifier);
  }
}

/** The keys that may write to a repository, or that may read a private one. */
function membersOf({ writers, readers, private: secret }: AccessFacts): readonly string[] {
  return secret ? [...writers, ...readers] : writers;
}

function nameOf(owner: string, identifier: string): string {
  return formatAddress({ kind: kinds.repository, pubkey: owner, identifier });
}

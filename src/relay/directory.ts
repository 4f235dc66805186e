/**
 * What the announcements say about repositories: who may do what in them, and which of them an event is about. All of it
 * follows from the events; only of repositories that no announcement speaks of any more does it ask what was published.
 */
import { messageOf } from '../lib/errors.ts';
import { LruMap } from '../lib/lru.ts';
import { SingleFlight } from '../lib/single-flight.ts';
import { addressOf, formatAddress, parseAddress } from '../nostr/address.ts';
import type { NostrEvent } from '../nostr/event.ts';
import { kinds, roleOfKind } from '../nostr/kinds.ts';
import type { MaintainerRule } from '../nostr/maintainers.ts';
import { firstValue, values } from '../nostr/tags.ts';
import type { Logger } from '../observability/logger.ts';
import { type AccessFacts, roleOf } from '../policy/push-access.ts';
import type { Repositories } from '../repository/repositories.ts';
import { identifierProblem, repositoryId } from '../repository/repository-id.ts';
import { type AnnouncedRepository, announcedUnder } from './announced.ts';
import type { EventReader, Events } from './events.ts';
import type { Authenticated } from './publication.ts';

export interface DirectoryContext {
  readonly events: EventReader & Pick<Events, 'onEvent'>;
  readonly repositories: Pick<Repositories, 'get'>;
  readonly rule: MaintainerRule;
  /** Public base URL. */
  readonly base: string;
  readonly log: Logger;
}

/** The owner and the identifier of a repository, here or elsewhere. */
interface Named {
  readonly owner: string;
  readonly identifier: string;
}

/** What is announced under one identifier. */
interface Announced {
  readonly byOwner: ReadonlyMap<string, AnnouncedRepository>;
  /** Ids of the announcements among them that are hidden. */
  readonly hidden: readonly string[];
}

/** Events followed from one to the next that it answers. */
const MAX_ROOTS = 64;
/** Repositories of one event, known from no announcement, that the bucket is asked about. */
const MAX_LOOKUPS = 64;
const REMEMBERED = 10_000;

/** To be made before whoever shows events, so that it hears of a change first. */
export class Directory {
  private readonly context: DirectoryContext;
  /** By identifier. One that is missing is computed when it is asked for. */
  private readonly announced = new Map<string, Announced>();
  private readonly identifierOf = new Map<string, string>();
  private readonly identifiersOfKey = new Map<string, Set<string>>();
  private readonly changed = new Set<string>();
  private complete = false;
  /** Of repositories without an announcement: what was published last, or null when there never was one. */
  private readonly published = new LruMap<string, AccessFacts | null>(REMEMBERED);
  private readonly asking = new SingleFlight<string, void>();

  constructor(context: DirectoryContext) {
    this.context = context;
    context.events.onEvent((event, { elsewhere }) => {
      this.heard(event);
      if (elsewhere) void this.prepare(event);
    });
  }

  /** Identifiers and keys of which it keeps something in mind. */
  get size(): number {
    return this.announced.size + this.identifierOf.size + this.identifiersOfKey.size;
  }

  /** What the announcements say of one repository, or undefined when its owner has announced none. */
  facts(owner: string, identifier: string): AnnouncedRepository | undefined {
    return this.under(identifier).get(owner);
  }

  /** Every repository announced under an identifier, by its owner. Some may be hosted elsewhere alone. */
  under(identifier: string): ReadonlyMap<string, AnnouncedRepository> {
    const { events } = this.context;
    const known = this.announced.get(identifier);
    // A hidden announcement goes without a word when its time is up.
    if (known?.hidden.every((id) => events.get(id) !== undefined)) return known.byOwner;
    this.drop(identifier);
    this.changed.delete(identifier);
    const found = announcedUnder(identifier, this.context);
    // Anyone may ask about anything: only what is announced is worth remembering.
    if (found.size === 0) return found;
    const ids = [...found.values()].map(({ announcement }) => announcement.id);
    for (const id of ids) this.identifierOf.set(id, identifier);
    for (const facts of found.values()) for (const key of membersOf(facts)) this.note(key, identifier);
    this.announced.set(identifier, { byOwner: found, hidden: ids.filter((id) => events.isHidden(id)) });
    return found;
  }

  /** True for a key that owns or maintains a repository announced here. */
  hasRepository(publicKey: string): boolean {
    return this.repositoriesOf(publicKey).length > 0;
  }

  /** The announced repositories that a key may write to. */
  repositoriesOf(publicKey: string): AnnouncedRepository[] {
    return this.aroundKey(publicKey).filter((facts) => facts.writers.includes(publicKey));
  }

  /** The announced repositories an event is about: directly, or through the events that it answers or quotes. */
  mentions(event: NostrEvent): readonly AnnouncedRepository[] {
    return this.named(event).flatMap(({ owner, identifier }) => this.facts(owner, identifier) ?? []);
  }

  /**
   * False when the event is about a private repository of which none of these keys may know. What cannot be told yet is
   * not shown: see {@link prepare}.
   */
  visible(event: NostrEvent, authenticated: Authenticated): boolean {
    if (roleOfKind(event.kind) === 'author') return this.authorVisible(event.pubkey, authenticated);
    const named = this.named(event);
    // A state of no repository here: left over from one that has been withdrawn, or by somebody who maintains it no more.
    if (event.kind === kinds.repositoryState && named.length === 0) return authenticated.has(event.pubkey);
    if (named.length === 0 && this.mayHideSomething(event, authenticated)) return false;
    let unknown = 0;
    for (const { owner, identifier } of named) {
      const facts = this.facts(owner, identifier) ?? this.lastPublished(owner, identifier);
      if (facts === undefined) {
        if (++unknown > MAX_LOOKUPS) continue;
        void this.lookUp(owner, identifier);
        if (!authenticated.has(owner)) return false;
      } else if (facts !== null && !mayKnow(facts, authenticated)) return false;
    }
    return true;
  }

  /**
   * Finds out what {@link visible} needs to know about an event. Worth waiting for before an event is taken in, so that it
   * is shown at once. Never rejects.
   */
  async prepare(event: NostrEvent): Promise<void> {
    const unknown = this.named(event).filter(
      ({ owner, identifier }) =>
        this.facts(owner, identifier) === undefined && this.lastPublished(owner, identifier) === undefined,
    );
    await Promise.all(
      unknown.slice(0, MAX_LOOKUPS).map(({ owner, identifier }) => this.lookUp(owner, identifier)),
    );
  }

  /** Told what a repository was when it was withdrawn, so that nothing about it needs to be looked up. */
  learn(identifier: string, facts: AccessFacts): void {
    this.published.set(nameOf(facts.owner, identifier), facts, 1);
  }

  /** Someone who has nothing but private repositories here is nobody to those who may not know of them. */
  private authorVisible(author: string, authenticated: Authenticated): boolean {
    const own = this.repositoriesOf(author);
    return (
      own.length === 0 || authenticated.has(author) || own.some((facts) => mayKnow(facts, authenticated))
    );
  }

  /**
   * True for an answer to something that is not here, because it was taken back or has not come yet, by somebody who knows
   * of a private repository: it may be about that one.
   */
  private mayHideSomething(event: NostrEvent, authenticated: Authenticated): boolean {
    if (authenticated.has(event.pubkey)) return false;
    const followed = this.roots(event);
    const ids = new Set(followed.map(({ id }) => id));
    if (followed.every((about) => answered(about).every((id) => ids.has(id)))) return false;
    return this.aroundKey(event.pubkey).some(
      (facts) => membersOf(facts).includes(event.pubkey) && !mayKnow(facts, authenticated),
    );
  }

  /** The repositories announced under the identifiers a key has to do with. */
  private aroundKey(publicKey: string): AnnouncedRepository[] {
    this.refresh();
    return [...(this.identifiersOfKey.get(publicKey) ?? [])].flatMap((identifier) => [
      ...this.under(identifier).values(),
    ]);
  }

  /** Every repository an event names, here or elsewhere, each once. */
  private named(event: NostrEvent): Named[] {
    const found = new Map<string, Named>();
    const add = (owner: string, identifier: string) =>
      found.set(nameOf(owner, identifier), { owner, identifier });
    for (const about of this.roots(event)) {
      const own = addressOf(about);
      const addresses = ['a', 'A', 'q'].flatMap((name) => values(about, name)).map(parseAddress);
      for (const address of [own, ...addresses]) {
        if (address?.kind === kinds.repository) add(address.pubkey, address.identifier);
        if (address?.kind !== kinds.repositoryState) continue;
        for (const [owner, facts] of this.under(address.identifier)) {
          if (facts.writers.includes(address.pubkey)) add(owner, address.identifier);
        }
      }
    }
    return [...found.values()];
  }

  /** The event and those it answers or quotes, as far as they are here. */
  private roots(event: NostrEvent): NostrEvent[] {
    const found = new Map([[event.id, event]]);
    for (const each of found.values()) {
      for (const id of [...answered(each), ...values(each, 'q')]) {
        if (found.size >= MAX_ROOTS) return [...found.values()];
        const root = found.has(id) ? undefined : this.context.events.get(id);
        if (root !== undefined) found.set(id, root);
      }
    }
    return [...found.values()];
  }

  private lastPublished(owner: string, identifier: string): AccessFacts | null | undefined {
    // Such a name cannot be a repository here.
    if (identifierProblem(identifier) !== undefined) return null;
    return this.published.get(nameOf(owner, identifier));
  }

  private lookUp(owner: string, identifier: string): Promise<void> {
    const name = nameOf(owner, identifier);
    return this.asking.run(name, async () => {
      try {
        const state = await this.context.repositories.get(repositoryId(owner, identifier)).resolve();
        this.published.set(name, state === undefined ? null : { owner, ...state.manifest.policy }, 1);
      } catch (error) {
        // It stays unknown, and what is about it unseen, until somebody asks again.
        this.context.log.warn({ repository: name, problem: messageOf(error) }, 'cannot tell who may see it');
      }
    });
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
    // What a withdrawal has just taught is newer than any event about it.
    if (this.context.events.latest(kinds.repository, author, identifier) !== undefined) {
      this.published.delete(nameOf(author, identifier));
    }
  }

  private drop(identifier: string): void {
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

  /** Computes what has changed, and the first time everything. */
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
    for (const identifier of this.changed) this.under(identifier);
    this.changed.clear();
  }
}

function mayKnow(facts: AccessFacts, authenticated: Authenticated): boolean {
  if (!facts.private) return true;
  return [...authenticated].some((key) => roleOf(key, facts) !== 'stranger');
}

/** Whoever has a say in a repository, or may read it although others may not. */
function membersOf({ writers, readers, private: secret }: AccessFacts): readonly string[] {
  return secret ? [...writers, ...readers] : writers;
}

/** The events an event answers, or takes back. */
function answered(event: NostrEvent): string[] {
  return [...values(event, 'e'), ...values(event, 'E')];
}

function nameOf(owner: string, identifier: string): string {
  return formatAddress({ kind: kinds.repository, pubkey: owner, identifier });
}

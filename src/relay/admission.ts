/**
 * Which events the relay keeps: those that belong to repositories hosted here, and no others. Some events also act: they
 * create a repository, set its refs, or withdraw it.
 */
import type { Clock } from '../lib/clock.ts';
import { CairnError, publicTextOf } from '../lib/errors.ts';
import { addressOf, formatAddress } from '../nostr/address.ts';
import type { NostrEvent, VerifiedEvent } from '../nostr/event.ts';
import { eventClass } from '../nostr/event-class.ts';
import { isExpired } from '../nostr/expiration.ts';
import { kinds, roleOfKind } from '../nostr/kinds.ts';
import type { Reason } from '../nostr/relay-message.ts';
import { protectedAuthors } from '../nostr/repost.ts';
import { isProtected } from '../nostr/tags.ts';
import type { Logger } from '../observability/logger.ts';
import type { Events } from './events.ts';
import { type Authenticated, accept, type Publication, reject, type Verdict } from './publication.ts';
import { isPullRequest } from './pull-requests/pull-request-tip.ts';
import { supersededNote } from './superseded-note.ts';

/** How far an event may be dated ahead, in seconds. */
export const MAX_AHEAD_SECONDS = 15 * 60;

/** What admission asks about the repositories an event may belong to. */
export interface Belonging {
  /** The repositories here that an event is about, directly or through the events it answers. */
  mentions(event: NostrEvent): readonly unknown[];
  /** False when the event is about a private repository that none of these keys may know of. */
  visible(event: NostrEvent, reader: Authenticated): boolean;
  /** Loads what {@link visible} needs. Call it before an event is shown. */
  prepare(event: NostrEvent): Promise<void>;
  /** True for a key that owns or maintains a repository here. */
  hasRepository(publicKey: string): boolean;
}

/** What an event of one kind does. The verdict tells the sender nothing that the sender may not know. */
type Act = (event: VerifiedEvent, sender: Authenticated) => Promise<Verdict>;

export interface AdmissionContext {
  readonly events: Events;
  readonly belonging: Belonging;
  readonly announce: Act;
  readonly signedState: Act;
  /** A deletion (NIP-09) of something here, whatever it deletes. */
  readonly withdraw: Act;
  /** A pull request, or an update of one, that belongs to a repository here. */
  readonly pullRequest: (event: VerifiedEvent, address: string | undefined) => Promise<Verdict>;
  /** Why there is no room for an event. Call it only for events about repositories that the sender may know of. */
  readonly noRoom: (event: NostrEvent) => Reason | undefined;
  /** True if the server is read-only: no event is accepted. */
  readonly readOnly: boolean;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How many events that refer to an event are looked at to find one that the sender may see; the newest first. */
const MAX_REFERRING = 256;

/** What makes somebody known to readers of pages, and how many such events are looked at for a profile. */
const PUBLIC_WORDS: ReadonlySet<number> = new Set([
  kinds.issue,
  kinds.patch,
  kinds.pullRequest,
  kinds.comment,
  kinds.oldReply,
]);
const MAX_WORDS = 64;
const NOBODY: Authenticated = new Set();

const NOT_OURS: Reason = 'blocked: this relay keeps what belongs to the repositories hosted here';

export class Admission implements Publication {
  private readonly context: AdmissionContext;

  constructor(context: AdmissionContext) {
    this.context = context;
  }

  async publish(event: VerifiedEvent, sender: Authenticated, address?: string): Promise<Verdict> {
    try {
      return this.refusal(event, sender) ?? (await this.act(event, sender, address));
    } catch (error) {
      const surprise = !(error instanceof CairnError) || error.kind === 'corrupt';
      this.context.log[surprise ? 'error' : 'warn']({ err: error, event: event.id }, 'event not taken');
      return reject(`error: ${publicTextOf(error)}`);
    }
  }

  /** Refusals that do not depend on repositories. */
  private refusal(event: VerifiedEvent, sender: Authenticated): Verdict | undefined {
    const { clock, readOnly } = this.context;
    if (readOnly) return reject('blocked: this server is read-only');
    const now = Math.floor(clock.now() / 1000);
    if (event.created_at > now + MAX_AHEAD_SECONDS) {
      return reject(`invalid: it is dated more than ${MAX_AHEAD_SECONDS} s ahead: check your clock`);
    }
    if (isExpired(event, now)) return reject('invalid: it has expired');
    if (eventClass(event.kind) === 'ephemeral') return reject(NOT_OURS);
    if (isProtected(event) && !sender.has(event.pubkey)) {
      return sender.size === 0
        ? reject('auth-required: only its author may publish it here')
        : reject('restricted: only its author may publish it here');
    }
    const authors = protectedAuthors(event, (id) => this.seen(id, sender));
    if ([...authors].some((author) => !sender.has(author))) {
      return reject('blocked: it reposts an event that only its author may publish');
    }
    return undefined;
  }

  /** A stored event, unless the sender may not know of it. */
  private seen(id: string, sender: Authenticated): NostrEvent | undefined {
    const event = this.context.events.get(id);
    return event !== undefined && this.context.belonging.visible(event, sender) ? event : undefined;
  }

  private async act(
    event: VerifiedEvent,
    sender: Authenticated,
    address: string | undefined,
  ): Promise<Verdict> {
    const { announce, signedState, withdraw, belonging } = this.context;
    const standing = await this.standing(event, sender);
    if (standing !== undefined) return standing;
    if (event.kind === kinds.repository) return this.withRoom(event, () => announce(event, sender));
    if (event.kind === kinds.repositoryState) return signedState(event, sender);
    if (event.kind === kinds.deletion) {
      const act = () => withdraw(event, sender);
      // The sender must not learn of a hidden repository from an answer about room.
      return belonging.visible(event, sender) ? this.withRoom(event, act) : act();
    }
    if (!(await this.belongs(event, sender))) return reject(NOT_OURS);
    if (!isPullRequest(event)) return this.withRoom(event, () => this.keep(event));
    await belonging.prepare(event);
    return this.withRoom(event, () => this.context.pullRequest(event, address));
  }

  private async withRoom(event: VerifiedEvent, act: () => Promise<Verdict>): Promise<Verdict> {
    const refusal = this.context.noRoom(event);
    return refusal === undefined ? act() : reject(refusal);
  }

  /**
   * The verdict that follows from stored events alone. undefined when the event has to be looked at, and when the sender may
   * not see the stored events: the answer must not depend on those.
   */
  private async standing(event: VerifiedEvent, sender: Authenticated): Promise<Verdict | undefined> {
    const { events, belonging } = this.context;
    const stored = events.judge(event);
    if (stored === 'stored') return undefined;
    // A deleted event is not here any more: its visibility follows from its own tags, or from the event that replaced it.
    const address = addressOf(event);
    const rival =
      stored === 'superseded' && address !== undefined
        ? events.latest(address.kind, address.pubkey, address.identifier)
        : undefined;
    await belonging.prepare(rival ?? event);
    if (!belonging.visible(rival ?? event, sender)) return undefined;
    if (stored === 'deleted') return reject('blocked: its author deleted it');
    if (stored === 'superseded') return accept(supersededNote(event, events, 'a newer one is here'));
    // An announcement may not be in force any more. A state may also be for a private repository that this sender may know of.
    const again =
      event.kind === kinds.repository || (event.kind === kinds.repositoryState && sender.size > 0);
    return again ? undefined : accept('duplicate: it is here already');
  }

  /** To a sender who may not know of a repository, the answer is the same as if it did not exist. */
  private async belongs(event: VerifiedEvent, sender: Authenticated): Promise<boolean> {
    const { belonging } = this.context;
    if (roleOfKind(event.kind) === 'anyone') return belonging.visible(event, sender);
    if (roleOfKind(event.kind) === 'author') {
      const isKnown = belonging.hasRepository(event.pubkey) || this.takesPart(event);
      return isKnown && belonging.visible(event, sender);
    }
    // Clients would take an attestation by another key for the service's.
    if (event.kind === kinds.applicationData || event.kind === kinds.httpAuth) return false;
    if (belonging.mentions(event).length > 0) return belonging.visible(event, sender);
    const address = addressOf(event);
    const isReferredTo =
      this.isReferredTo(event.id, ['e', 'E', 'q'], sender) ||
      (address !== undefined && this.isReferredTo(formatAddress(address), ['a', 'A', 'q'], sender));
    if (!isReferredTo) return false;
    await belonging.prepare(event);
    return belonging.visible(event, sender);
  }

  /**
   * True for a profile of somebody who has said something here that everybody may see: pages show who that was. Others are no
   * reason: everybody will see the profile.
   */
  private takesPart({ kind, pubkey }: NostrEvent): boolean {
    if (kind !== kinds.profile) return false;
    const { events, belonging, clock } = this.context;
    const filter = { kinds: PUBLIC_WORDS, authors: new Set([pubkey]), tags: new Map<string, never>() };
    const visible = (event: NostrEvent) =>
      belonging.mentions(event).length > 0 && belonging.visible(event, NOBODY);
    const now = Math.floor(clock.now() / 1000);
    return events.query([filter], { limit: 1, now, visible, looks: MAX_WORDS }).length > 0;
  }

  /** True when a stored event that the sender may see refers to this one. Others must not change the answer. */
  private isReferredTo(idOrAddress: string, tags: readonly string[], sender: Authenticated): boolean {
    const { events, belonging, clock } = this.context;
    if (!events.isReferredTo(idOrAddress)) return false;
    const value = new Set([idOrAddress]);
    const filters = tags.map((tag) => ({ tags: new Map([[tag, value]]) }));
    const visible = (event: NostrEvent) => belonging.visible(event, sender);
    const now = Math.floor(clock.now() / 1000);
    return events.query(filters, { limit: 1, now, visible, looks: MAX_REFERRING }).length > 0;
  }

  private async keep(event: VerifiedEvent): Promise<Verdict> {
    await this.context.belonging.prepare(event);
    const [stored] = await this.context.events.append([event]);
    return stored === 'stored' ? accept() : accept('duplicate: it is here already');
  }
}

/**
 * Announcements (kind 30617): they create repositories, and say who may do what in them. What an announcement asks for is
 * published before its sender gets the answer.
 */
import type { Clock } from '../../lib/clock.ts';
import { isCairnError, messageOf } from '../../lib/errors.ts';
import type { Random } from '../../lib/random.ts';
import { type Announcement, parseAnnouncement } from '../../nostr/announcement.ts';
import type { VerifiedEvent } from '../../nostr/event.ts';
import { expirationOf } from '../../nostr/expiration.ts';
import { maxWriters } from '../../nostr/maintainers.ts';
import { namesThisService } from '../../nostr/named-service.ts';
import type { Reason } from '../../nostr/relay-message.ts';
import { fossilUrl, gitUrl, relayUrl } from '../../nostr/repository-url.ts';
import type { Logger } from '../../observability/logger.ts';
import { parseProtection } from '../../policy/protection.ts';
import { mayKnowOf } from '../../policy/push-access.ts';
import type { Change, Evaluation } from '../../repository/change.ts';
import type { Manifest } from '../../repository/manifest.ts';
import { UnknownOutcomeError } from '../../repository/publisher.ts';
import type { OwnerRecords } from '../../repository/records/owner-record.ts';
import { type RepositoryId, repositoryId } from '../../repository/repository-id.ts';
import type { Events } from '../events.ts';
import { type Authenticated, accept, reject, type Verdict } from '../publication.ts';
import { supersededNote } from '../superseded-note.ts';
import type { AnnouncedKind, AnnouncedKinds, AnnouncedState } from './announced-kind.ts';
import type { MaintainerClosures } from './maintainer-closures.ts';
import {
  derivePolicy,
  newestAnnouncements,
  type PolicyContext,
  publishStored,
  samePolicy,
  type Unstored,
  unstored,
} from './policy-change.ts';

/** How many keys may read a private repository at most: every manifest lists them. */
export const maxReaders = 1_000;

const PURGATORY: Reason = 'purgatory: it is shown once its git data has arrived; push within 30 minutes';

export interface AnnouncementsContext extends Omit<PolicyContext, 'events'> {
  readonly events: Events;
  readonly repositories: AnnouncedKinds;
  readonly closures: MaintainerClosures;
  readonly owners: OwnerRecords;
  /** Public base URL. */
  readonly base: string;
  readonly maxRepositoriesPerOwner: number;
  readonly clock: Clock;
  /** Milliseconds until no server answers from what it read before a change. */
  readonly settled: number;
  readonly random: Random;
  readonly log: Logger;
}

export class Announcements {
  private readonly context: AnnouncementsContext;

  constructor(context: AnnouncementsContext) {
    this.context = context;
  }

  /**
   * Does what an announcement asks for. An announcement that is in force already changes nothing. To a sender who may not
   * know of the repository, the answer is the same as if there were none.
   * @throws CairnError when the store fails before anything is in force
   */
  async announce(event: VerifiedEvent, sender: Authenticated): Promise<Verdict> {
    const checked = check(event);
    if ('refusal' in checked) return reject(checked.refusal);
    const { announcement, id } = checked;
    const named = namesThisService(announcement, this.context.base);
    if (named.clone === 'none' || !named.relays) return this.takeFromMaintainer(event, announcement, sender);
    return this.host(event, id, announcement, named.clone === 'grasp', sender);
  }

  /** Creates the repository, or updates its policy. */
  private async host(
    event: VerifiedEvent,
    id: RepositoryId,
    announcement: Announcement,
    grasp: boolean,
    sender: Authenticated,
  ): Promise<Verdict> {
    const { repositories, closures, events } = this.context;
    const wanted = announcement.vcs ?? 'git';
    const found = await repositories.of(id, (kind) => existingOf(kind, id));
    const { existing } = found;
    if (existing !== undefined && found.vcs !== wanted) {
      return reject(
        `invalid: there is or was a repository of ${found.vcs} with this name; it needs another name`,
      );
    }
    // Repositories that the author maintains may change, too: those before and those after, since the author may join or leave.
    const before = closures.around(id.identifier, event.pubkey);
    const outcome = await repositories.named(wanted, async (kind): Promise<Outcome> => {
      const problem = begins(announcement, existing?.manifest) ? await this.reserve(id) : undefined;
      if (problem !== undefined) return { is: 'refused', reason: problem };
      return this.publish(kind, id, event, announcement, grasp);
    });
    if (outcome === undefined) return reject(`invalid: this service hosts no repositories of ${wanted}`);
    const policy = (outcome.is === 'refused' ? existing?.manifest : outcome.manifest)?.policy;
    const asIfNew =
      policy !== undefined && !mayKnowOf({ owner: id.owner, ...policy }, sender)
        ? accept(grasp ? PURGATORY : '')
        : undefined;
    if (outcome.is === 'refused') {
      return asIfNew !== undefined && outcome.outdated === true ? asIfNew : reject(outcome.reason);
    }
    if (outcome.is === 'older')
      return asIfNew ?? accept(supersededNote(event, events, 'a newer announcement is in force'));
    const held = outcome.manifest?.lifecycle === 'held';
    const duplicate = events.judge(event) === 'duplicate' && events.isHidden(event.id) === held;
    await this.keep(event, held);
    const after = closures.around(id.identifier, event.pubkey);
    await closures.update([...before, ...after], event, { except: id });
    if (outcome.manifest?.policy.private) await this.settle(existing?.manifest, outcome);
    if (asIfNew !== undefined) return asIfNew;
    if (outcome.is === 'unchanged' && duplicate) return accept('duplicate: it is in force already');
    return accept(held ? PURGATORY : '');
  }

  /**
   * Waits until no server shows a repository any more that has become private. If an earlier request made it private and its
   * answer was lost, this waits only for the rest of the time.
   */
  private async settle(
    before: Manifest | undefined,
    { is, manifest }: { readonly is: string; readonly manifest: Manifest | undefined },
  ): Promise<void> {
    const { clock, settled } = this.context;
    const wasShown = before !== undefined && before.lifecycle !== 'withdrawn' && !before.policy.private;
    const age = clock.now() - (manifest?.receiptAt ?? 0) * 1000;
    const left = is === 'changed' && wasShown ? settled : Math.min(settled, settled + 1000 - age);
    if (left > 0 && (wasShown || is === 'unchanged')) await clock.sleep(left);
  }

  private async reserve({ owner, identifier }: RepositoryId): Promise<Reason | undefined> {
    const { owners, maxRepositoriesPerOwner: limit } = this.context;
    if ((await owners.reserve(owner, identifier, limit)) === 'reserved') return undefined;
    if (limit === 0) return 'restricted: this server takes no new repositories';
    const number = limit === 1 ? 'a repository' : `${limit} repositories`;
    return `restricted: you have ${number} here, the most that one key may have`;
  }

  private async publish<M extends Manifest>(
    kind: AnnouncedKind<M>,
    id: RepositoryId,
    event: VerifiedEvent,
    announcement: Announcement,
    grasp: boolean,
  ): Promise<Outcome> {
    const { signedEvents, random } = this.context;
    const repository = kind.get(id);
    const since = repository.mark();
    const incarnation = random.hex(16);
    try {
      const { result, committed } = await publishStored(
        repository,
        signedEvents,
        (stored) =>
          new AnnounceChange({
            kind,
            context: this.context,
            id,
            event,
            announcement,
            grasp,
            stored,
            since,
            incarnation,
          }),
      );
      return result.is === 'refused' ? result : { ...result, manifest: committed.manifest };
    } catch (error) {
      if (!(error instanceof UnknownOutcomeError)) throw error;
      const reason: Reason =
        'error: the object store did not answer; the announcement may or may not be in force, send it again';
      return { is: 'refused', reason };
    }
  }

  /** Logs an announcement that is in force. If that fails, it is still accepted: a receipt task logs it from the manifest later. */
  private async keep(event: VerifiedEvent, hidden: boolean): Promise<void> {
    try {
      await this.context.events.append([event], { hidden });
    } catch (error) {
      if (!isCairnError(error)) throw error;
      this.context.log.warn({ event: event.id, problem: messageOf(error) }, 'announcement not logged yet');
    }
  }

  /** Takes an announcement that asks for no repository here. It counts if its author maintains one: it may name maintainers. */
  private async takeFromMaintainer(
    event: VerifiedEvent,
    announcement: Announcement,
    sender: Authenticated,
  ): Promise<Verdict> {
    const { closures, events, base } = this.context;
    const { owner, identifier } = announcement;
    const url = announcement.vcs === 'fossil' ? fossilUrl : gitUrl;
    const affected = [
      ...closures.around(identifier, owner),
      ...closures.around(identifier, owner, event),
    ].filter((id) => id.owner !== owner);
    if (!(await closures.anyHere(affected, sender))) {
      return reject(
        `blocked: it does not name this service; add ${url(base, owner, identifier)} to its clone tag and ${relayUrl(base)} to its relays tag`,
      );
    }
    const [stored] = await events.append([event]);
    await closures.update([...affected, repositoryId(owner, identifier)], event);
    return stored === 'duplicate' ? accept('duplicate: it is here already') : accept();
  }
}

type Checked =
  | { readonly refusal: Reason }
  | { readonly announcement: Announcement; readonly id: RepositoryId };

function check(event: VerifiedEvent): Checked {
  const result = parseAnnouncement(event);
  if (!result.ok) return { refusal: `invalid: ${result.reason}` };
  const announcement = result.value;
  const problem = parseProtection(announcement.protection);
  if (!problem.ok) return { refusal: `invalid: ${problem.reason}` };
  // The owner counts as a writer, too.
  if (announcement.maintainers.length >= maxWriters) {
    return { refusal: `invalid: more than ${maxWriters - 1} maintainers` };
  }
  if (announcement.readers.length > maxReaders)
    return { refusal: `invalid: more than ${maxReaders} readers` };
  // A repository does not expire; without its announcement it would have no rules.
  if (expirationOf(event) !== undefined) {
    return { refusal: 'invalid: an announcement must not expire; withdraw it with a deletion request' };
  }
  try {
    return { announcement, id: repositoryId(announcement.owner, announcement.identifier) };
  } catch (error) {
    if (!isCairnError(error, 'invalid')) throw error;
    return { refusal: `invalid: ${error.message}` };
  }
}

type Refused = {
  readonly is: 'refused';
  readonly reason: Reason;
  /** True when the repository was withdrawn after this was signed. */
  readonly outdated?: boolean;
};
type AnnounceResult = { readonly is: 'changed' | 'unchanged' | 'older' } | Refused;
type Outcome =
  | { readonly is: 'changed' | 'unchanged' | 'older'; readonly manifest: Manifest | undefined }
  | Refused;

interface AnnounceChangeOptions<M extends Manifest> {
  readonly kind: AnnouncedKind<M>;
  readonly context: PolicyContext;
  readonly id: RepositoryId;
  readonly event: VerifiedEvent;
  readonly announcement: Announcement;
  readonly grasp: boolean;
  readonly stored: ReadonlySet<string>;
  readonly since: number;
  /** The incarnation of a repository that this creates. */
  readonly incarnation: string;
}

/** Creates a repository, creates it again after a withdrawal, or publishes the policy that its owner has announced. */
class AnnounceChange<M extends Manifest> implements Change<M, AnnounceResult | Unstored> {
  readonly since: number;
  private readonly options: AnnounceChangeOptions<M>;

  constructor(options: AnnounceChangeOptions<M>) {
    this.options = options;
    this.since = options.since;
  }

  async evaluate(current: AnnouncedState<M> | undefined): Promise<Evaluation<M, AnnounceResult | Unstored>> {
    const { kind, context, id, event, stored } = this.options;
    const refused = this.refusal(current);
    if (refused !== undefined) return { result: refused };
    const newest = await newestAnnouncements(context, id, current, event);
    if (newest(id.owner)?.id !== event.id) return { result: { is: 'older' } };
    const derived = derivePolicy(id.owner, newest, context.rule);
    if (derived === undefined) return { result: { is: 'older' } };
    const missing = unstored(derived, current, stored);
    if (missing !== undefined) return { result: missing };
    const next = { ...this.stateFrom(current), policy: derived.policy };
    if (
      current !== undefined &&
      current.lifecycle === next.lifecycle &&
      samePolicy(current.policy, next.policy)
    ) {
      return { result: { is: 'unchanged' } };
    }
    return {
      next,
      cause: kind.cause('announce', event.pubkey, event.id),
      result: { is: 'changed' },
    };
  }

  private refusal(current: AnnouncedState<M> | undefined): Refused | undefined {
    const { kind, announcement } = this.options;
    const watermark = current?.withdrawal?.at ?? -1;
    if (announcement.at <= watermark) {
      const reason: Reason = `blocked: the repository was withdrawn at ${watermark}, after this was signed; sign a newer announcement`;
      return { is: 'refused', reason, outdated: true };
    }
    if (current === undefined || current.lifecycle === 'withdrawn') return undefined;
    const misfit = kind.misfit(current, announcement);
    if (misfit !== undefined) return { is: 'refused', reason: `invalid: ${misfit}` };
    return undefined;
  }

  /** The state that gets the new policy: the current one, or that of a new repository. */
  private stateFrom(current: AnnouncedState<M> | undefined): AnnouncedState<M> {
    const { kind, id, announcement, grasp, incarnation } = this.options;
    if (current !== undefined && current.lifecycle !== 'withdrawn') {
      // A repository that waits for its first data becomes live when its owner no longer asks for a GRASP repository.
      return { ...current, lifecycle: grasp ? current.lifecycle : 'live' };
    }
    const fresh = kind.begin(id, announcement, incarnation);
    const { withdrawal, generation = 0 } = current ?? {};
    return {
      ...fresh,
      ...(current === undefined ? {} : { generation: generation + 1 }),
      lifecycle: grasp ? 'held' : 'live',
      ...(withdrawal === undefined ? {} : { withdrawal }),
    };
  }
}

/** True for an announcement that would create a repository: one from before a withdrawal takes no place of its owner. */
function begins({ at }: Announcement, existing: Manifest | undefined): boolean {
  if (existing === undefined) return true;
  return existing.lifecycle === 'withdrawn' && at > (existing.withdrawal?.at ?? -1);
}

/** What is published of a repository, and the name of its kind. */
async function existingOf<M extends Manifest>(
  kind: AnnouncedKind<M>,
  id: RepositoryId,
): Promise<{ readonly vcs: string; readonly existing: { readonly manifest: Manifest } | undefined }> {
  return { vcs: kind.name, existing: await kind.get(id).resolve() };
}

/**
 * Signed states: states of refs, signed by maintainers (kind 30618). A signed state is applied at once if its objects are
 * here. It is held if objects are missing, or if it would undo a push.
 */
import { refNameProblem } from '../../git/index.ts';
import type { Git } from '../../git-process/git.ts';
import type { Clock } from '../../lib/clock.ts';
import { concurrently } from '../../lib/concurrently.ts';
import { Limiter } from '../../lib/limiter.ts';
import type { NostrEvent, VerifiedEvent } from '../../nostr/event.ts';
import { parseSignedState, type SignedState } from '../../nostr/signed-state.ts';
import { isWriter, mayKnowOf } from '../../policy/push-access.ts';
import { stateDateProblem, whyOutdated } from '../../policy/state-precedence.ts';
import { impossibleState } from '../../policy/state-rules.ts';
import type { GitManifest, PackEntry } from '../../repository/git/git-manifest.ts';
import type { GitRepository } from '../../repository/git/git-repository.ts';
import type { RepositoryState } from '../../repository/manifest.ts';
import type { Repositories } from '../../repository/repositories.ts';
import { identifierProblem, type RepositoryId, repositoryId } from '../../repository/repository-id.ts';
import { type CopyContext, copyPacks } from '../announcements/copy-packs.ts';
import type { Events } from '../events.ts';
import type { SignedEvents } from '../log/signed-events.ts';
import { type Authenticated, accept, reject, type Verdict } from '../publication.ts';
import type { ServiceIdentity } from '../service-identity.ts';
import type { Trust } from '../trust.ts';
import type { HeldStates } from './held-states.ts';
import { NO_OBJECTS, SignedStateChange, type SignedStateOutcome } from './signed-state-change.ts';

export interface SignedStatesContext extends CopyContext {
  readonly events: Events;
  readonly repositories: Repositories;
  readonly heldStates: HeldStates;
  readonly signedEvents: SignedEvents;
  readonly service: ServiceIdentity;
  readonly git: Git;
  readonly trust: Trust;
  /** True for an event that is shown to everybody once it is in the log. */
  readonly isPublic: (event: NostrEvent) => boolean;
  readonly clock: Clock;
}

/** Who sends a signed state: the keys authenticated on the connection, or this service, which needs no answer. */
export type StateSender = Authenticated | 'this service';

/** A repository in which a signed state has been applied. */
interface ObjectSource {
  readonly id: RepositoryId;
  /** Object directory of its snapshot. */
  readonly objects: string;
  readonly packs: readonly PackEntry[];
}

/** A repository that a signed state is for, and whether it is private. */
interface Place {
  readonly repository: GitRepository;
  readonly secret: boolean;
}

/** What happened to a signed state in one repository, and whether that is private. */
type Outcome = SignedStateOutcome & { readonly secret: boolean };

/** How many repositories of one signed state are looked up at once. */
const LOOKED_AT_ONCE = 8;
/** How many signed states run git at once, and how many may queue. */
export const STATES_AT_ONCE = 4;
const QUEUED = 256;

export class SignedStates {
  private readonly context: SignedStatesContext;
  private readonly slots = new Limiter('signed states', STATES_AT_ONCE, QUEUED);

  constructor(context: SignedStatesContext) {
    this.context = context;
  }

  /**
   * Applies a signed state in every repository here in which its author may write and which its sender may know of. To other
   * senders a private repository looks as if it did not exist.
   * @throws CairnError when the store fails for any of them, after the others
   */
  async take(event: VerifiedEvent, sender: StateSender): Promise<Verdict> {
    const parsed = parseSignedState(event, refNameProblem);
    if (!parsed.ok) return reject(`invalid: ${parsed.reason}`);
    const signed = parsed.value;
    const now = Math.floor(this.context.clock.now() / 1000);
    const problem =
      identifierProblem(signed.identifier) ?? stateDateProblem(signed, now) ?? impossibleState(signed.refs);
    if (problem !== undefined) return reject(`invalid: ${problem}`);
    const { owners, complete } = this.context.trust.repositoriesOfState(event);
    const failures: unknown[] = [];
    const repositories = await this.repositoriesOf(signed, owners, sender, failures);
    if (repositories.some(({ repository }) => this.isReceipt(repository.id, signed))) {
      return accept('duplicate: it is a receipt of this service');
    }
    const outcomes: Outcome[] = [];
    for (const { repository, secret } of repositories) {
      // A failure in one repository does not stop the others.
      const outcome = await this.applyTo(repository, signed, event).catch((error: unknown) => {
        failures.push(error);
        return undefined;
      });
      if (outcome !== undefined) outcomes.push({ ...outcome, secret });
    }
    // Repositories that were not looked at find it with its author: see HeldStates.holdForAuthor.
    if (!complete) {
      const held = await this.context.heldStates.holdForAuthor(signed.identifier, event);
      outcomes.push(
        held === 'held'
          ? { is: 'held', reason: NO_OBJECTS, secret: false }
          : { is: 'outdated', reason: whyOutdated(signed, held.outdatedBy), secret: false },
      );
    }
    const verdict = await this.verdict(outcomes, event);
    if (failures.length > 0) throw failures[0];
    return verdict;
  }

  /**
   * True for a receipt of this service. A receipt says what the refs are, and must not be applied as a signed state: the
   * pushes it states would then look as if a maintainer had signed for them, and the next signed state could undo them.
   */
  private isReceipt(id: RepositoryId, signed: SignedState): boolean {
    return this.context.service.signerOf(id).publicKey === signed.author;
  }

  /**
   * Applies a signed state that has been applied in one repository in the others in which its author may write. They get
   * the objects that a push brought to the first one (GRASP-01). Nothing is copied from a private repository.
   * @throws CairnError when the store fails, after the rest; a push to the others, or sending the state again, makes up for it
   */
  async applyElsewhere(from: RepositoryId, manifest: GitManifest): Promise<void> {
    const { signedEvents, repositories } = this.context;
    const { appliedState: last, policy } = manifest;
    if (last === null || policy.private || !manifest.causes.some(({ evidence }) => evidence === last.id))
      return;
    const event = await signedEvents.load(from, last.id);
    const parsed = parseSignedState(event, refNameProblem);
    if (!parsed.ok) return;
    const { owners } = this.context.trust.repositoriesOfState(event);
    const failures: unknown[] = [];
    const others = (await this.repositoriesOf(parsed.value, owners, 'this service', failures))
      .map(({ repository }) => repository)
      .filter(({ id }) => id.owner !== from.owner && id.identifier === from.identifier);
    for (const other of others) {
      await this.applyFrom(repositories.get(from), other, parsed.value, event).catch((error: unknown) =>
        failures.push(error),
      );
    }
    if (failures.length > 0) throw failures[0];
  }

  /** Applies a signed state in another repository, with the objects of one in which it is the last one applied. */
  private async applyFrom(
    source: GitRepository,
    other: GitRepository,
    signed: SignedState,
    event: VerifiedEvent,
  ): Promise<void> {
    const outcome = await this.applyTo(other, signed, event);
    if (outcome.is !== 'held') return;
    const state = await source.resolve();
    // The source may have changed or become private since.
    if (state?.manifest.appliedState?.id !== signed.id || state.manifest.policy.private) return;
    const snapshot = await source.snapshot(state);
    try {
      const objects = `${snapshot.path}/objects`;
      await this.applyTo(other, signed, event, { id: source.id, objects, packs: state.manifest.packs });
    } finally {
      snapshot.release();
    }
  }

  /**
   * The repositories, as published now, in which the state's author may write and which its sender may know of.
   * @param failures gets the errors of those that cannot be read: they do not stop the others
   */
  private async repositoriesOf(
    signed: SignedState,
    owners: readonly string[],
    sender: StateSender,
    failures: unknown[],
  ): Promise<Place[]> {
    const { repositories } = this.context;
    const found = await concurrently(owners, LOOKED_AT_ONCE, async (owner) => {
      const repository = repositories.get(repositoryId(owner, signed.identifier));
      const published = await repository.resolve().catch((error: unknown) => {
        failures.push(error);
        return undefined;
      });
      const state = published?.manifest;
      if (state === undefined || !mayWrite(repository.id, signed.author, state)) return undefined;
      const isTold = sender === 'this service' || mayKnowOf({ owner, ...state.policy }, sender);
      return isTold ? { repository, secret: state.policy.private } : undefined;
    });
    return found.filter((place) => place !== undefined);
  }

  private async applyTo(
    repository: GitRepository,
    signed: SignedState,
    event: VerifiedEvent,
    source?: ObjectSource,
  ): Promise<SignedStateOutcome> {
    const { heldStates, signedEvents, service, git } = this.context;
    const { id } = repository;
    const since = repository.mark();
    const changeWith = (packs: readonly PackEntry[]) =>
      new SignedStateChange({
        repository,
        git,
        signedState: signed,
        refsOf: (last) => heldStates.refsOf(id, last),
        receiptsAreAuthoritative: (policy) => service.receiptsAreAuthoritative(id, policy),
        since,
        ...(source === undefined ? {} : { source: { objects: source.objects, packs } }),
      });
    const release = await this.slots.acquire();
    try {
      // Evaluated before anything is stored: a state that is not applied leaves nothing behind.
      const published = await repository.known();
      const change = changeWith(source?.packs ?? []);
      const { result: foreseen } = await change.evaluate(published?.manifest, published);
      let outcome: SignedStateOutcome = foreseen;
      if (foreseen.is === 'applied') {
        await signedEvents.store(id, event);
        const ready =
          source === undefined
            ? change
            : changeWith(
                await copyPacks(this.context, source.id, id, source.packs, published?.manifest.generation),
              );
        outcome = (await repository.publisher.join(ready)).result;
      }
      if (outcome.is === 'applied') await heldStates.removeApplied(id, signed);
      if (outcome.is !== 'held') return outcome;
      const waiting = await heldStates.hold(id, event);
      return waiting === 'held'
        ? outcome
        : { is: 'outdated', reason: whyOutdated(signed, waiting.outdatedBy) };
    } finally {
      release();
    }
  }

  /** A state that is in force only in private repositories is not shown in public, even if it would count in a public one. */
  private mayBeLogged(outcomes: readonly Outcome[], event: VerifiedEvent): boolean {
    const isInForce = ({ is }: Outcome) => is === 'applied' || is === 'applied-already';
    return outcomes.some((one) => isInForce(one) && !one.secret) || !this.context.isPublic(event);
  }

  /** One answer for all repositories. A state that is in force in any of them is served. */
  private async verdict(outcomes: readonly Outcome[], event: VerifiedEvent): Promise<Verdict> {
    const find = <K extends SignedStateOutcome['is']>(kind: K) =>
      outcomes.find((outcome): outcome is Extract<Outcome, { is: K }> => outcome.is === kind);
    const applied = find('applied');
    const already = find('applied-already');
    if ((applied ?? already) !== undefined && this.mayBeLogged(outcomes, event)) {
      const logged = this.context.events.append([event]);
      // It is in force already. If the log fails now, the state is appended together with the receipt.
      await (applied === undefined ? logged : logged.catch(() => undefined));
    }
    const held = find('held');
    if (held !== undefined) return accept(`purgatory: ${held.reason}`);
    if (applied !== undefined) return accept();
    if (already !== undefined) return accept('duplicate: it has been applied already');
    const refused = find('refused');
    if (refused !== undefined) return reject(`blocked: ${refused.reason}`);
    const outdated = find('outdated');
    if (outdated !== undefined) return reject(`blocked: ${outdated.reason}`);
    return reject(
      'restricted: there is no repository of this name here in which your key may write; a private one is told only to those who have authenticated',
    );
  }
}

function mayWrite(id: RepositoryId, author: string, state: RepositoryState): boolean {
  if (state.lifecycle === 'withdrawn') return false;
  return isWriter(author, { owner: id.owner, ...state.policy });
}

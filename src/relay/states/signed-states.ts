/**
 * Orders: states of refs that maintainers sign. One whose objects are here is carried out when it comes; one whose objects
 * are missing, or that would undo a push, waits.
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
import type { Words } from '../words.ts';
import type { HeldStates } from './held-states.ts';
import { NO_OBJECTS, SignedStateChange, type SignedStateOutcome } from './signed-state-change.ts';

export interface SignedStatesContext extends CopyContext {
  readonly events: Events;
  readonly repositories: Repositories;
  readonly heldOrders: HeldStates;
  readonly signedEvents: SignedEvents;
  readonly service: ServiceIdentity;
  readonly git: Git;
  readonly words: Words;
  /** True for an event that is shown to everybody once it is in the log. */
  readonly isPublic: (event: NostrEvent) => boolean;
  readonly clock: Clock;
}

/** Whom an order comes from: the keys shown on the connection, or nobody in particular where no answer is given. */
export type StateSender = Authenticated | 'this service';

/** A repository in which an order has been carried out. */
interface SpreadSource {
  readonly id: RepositoryId;
  /** Object directory of its snapshot. */
  readonly objects: string;
  readonly packs: readonly PackEntry[];
}

/** A repository an order is for, and whether it is private. */
interface Place {
  readonly repository: GitRepository;
  readonly secret: boolean;
}

/** What became of an order somewhere, and whether that is a private repository. */
type Outcome = SignedStateOutcome & { readonly secret: boolean };

/** Repositories of one order that are looked at at a time. */
const LOOKED_AT_ONCE = 8;
/** Orders that run git at once, and those that may wait for their turn. */
export const STATES_AT_ONCE = 4;
const QUEUED = 256;

export class SignedStates {
  private readonly context: SignedStatesContext;
  private readonly places = new Limiter('signed states', STATES_AT_ONCE, QUEUED);

  constructor(context: SignedStatesContext) {
    this.context = context;
  }

  /**
   * Does what an order asks for, in every repository here in which its author's word counts and of which its sender may
   * know: who may not is answered as if it were not there.
   * @throws CairnError when the store fails before anything is in force
   */
  async take(event: VerifiedEvent, sender: StateSender): Promise<Verdict> {
    const parsed = parseSignedState(event, refNameProblem);
    if (!parsed.ok) return reject(`invalid: ${parsed.reason}`);
    const order = parsed.value;
    const now = Math.floor(this.context.clock.now() / 1000);
    const problem =
      identifierProblem(order.identifier) ?? stateDateProblem(order, now) ?? impossibleState(order.refs);
    if (problem !== undefined) return reject(`invalid: ${problem}`);
    const { owners, complete } = this.context.words.placesOfState(event);
    const repositories = await this.repositoriesOf(order, owners, sender);
    if (repositories.some(({ repository }) => this.isReceipt(repository.id, order))) {
      return accept('duplicate: it is a receipt of this service');
    }
    const outcomes: Outcome[] = [];
    const failures: unknown[] = [];
    for (const { repository, secret } of repositories) {
      // Trouble with one repository is no reason to leave the others as they are.
      const outcome = await this.carryOut(repository, order, event).catch((error: unknown) => {
        failures.push(error);
        return undefined;
      });
      if (outcome !== undefined) outcomes.push({ ...outcome, secret });
    }
    // Whoever else names its author finds it there: see HeldOrders.
    if (!complete) {
      const held = await this.context.heldOrders.holdForAuthor(order.identifier, event);
      outcomes.push(
        held === 'held'
          ? { is: 'held', reason: NO_OBJECTS, secret: false }
          : { is: 'outdated', reason: whyOutdated(order, held.outdatedBy), secret: false },
      );
    }
    const verdict = await this.verdict(outcomes, event);
    if (failures.length > 0) throw failures[0];
    return verdict;
  }

  /**
   * The key of a repository states what is, and is nobody who could want anything: taken for an order, its receipt would
   * make the pushes it states look as if they had been ordered, free to be undone by the next order.
   */
  private isReceipt(id: RepositoryId, order: SignedState): boolean {
    return this.context.service.signerOf(id).publicKey === order.author;
  }

  /**
   * An order that has been carried out in one repository is carried out in the others here in which its author may write:
   * they get the objects that the push to this one brought (GRASP-01). Nothing leaves a private repository.
   * @throws CairnError when the store fails; a push to them, or the order sent again, makes up for it
   */
  async spread(from: RepositoryId, manifest: GitManifest): Promise<void> {
    const { signedEvents, repositories } = this.context;
    const { order: last, policy } = manifest;
    if (last === null || policy.private || !manifest.causes.some(({ evidence }) => evidence === last.id))
      return;
    const event = await signedEvents.load(from, last.id);
    const parsed = parseSignedState(event, refNameProblem);
    if (!parsed.ok) return;
    const { owners } = this.context.words.placesOfState(event);
    const others = (await this.repositoriesOf(parsed.value, owners, 'this service'))
      .map(({ repository }) => repository)
      .filter(({ id }) => id.owner !== from.owner && id.identifier === from.identifier);
    for (const other of others) {
      const outcome = await this.carryOut(other, parsed.value, event);
      if (outcome.is !== 'held') continue;
      const source = repositories.get(from);
      const state = await source.resolve();
      // It may have become private since, and would be copied as it is now.
      if (state?.manifest.order?.id !== last.id || state.manifest.policy.private) return;
      const snapshot = await source.snapshot(state);
      try {
        const objects = `${snapshot.path}/objects`;
        await this.carryOut(other, parsed.value, event, { id: from, objects, packs: state.manifest.packs });
      } finally {
        snapshot.release();
      }
    }
  }

  /** Those of the repositories in which the order's author may write, as published now, of which its sender may know. */
  private async repositoriesOf(
    order: SignedState,
    owners: readonly string[],
    sender: StateSender,
  ): Promise<Place[]> {
    const { repositories } = this.context;
    const found = await concurrently(owners, LOOKED_AT_ONCE, async (owner) => {
      const repository = repositories.get(repositoryId(owner, order.identifier));
      const state = (await repository.resolve())?.manifest;
      if (state === undefined || !mayWrite(repository.id, order.author, state)) return undefined;
      const isTold = sender === 'this service' || mayKnowOf({ owner, ...state.policy }, sender);
      return isTold ? { repository, secret: state.policy.private } : undefined;
    });
    return found.filter((place) => place !== undefined);
  }

  private async carryOut(
    repository: GitRepository,
    order: SignedState,
    event: VerifiedEvent,
    source?: SpreadSource,
  ): Promise<SignedStateOutcome> {
    const { heldOrders, signedEvents, service, git } = this.context;
    const { id } = repository;
    const since = repository.mark();
    const changeWith = (packs: readonly PackEntry[]) =>
      new SignedStateChange({
        repository,
        git,
        order,
        refsOf: (last) => heldOrders.refsOf(id, last),
        receiptsAreAuthoritative: (policy) => service.receiptsAreAuthoritative(id, policy),
        since,
        ...(source === undefined ? {} : { source: { objects: source.objects, packs } }),
      });
    const release = await this.places.acquire();
    try {
      // Looked at first: what comes to nothing leaves nothing behind.
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
      if (outcome.is === 'applied') await heldOrders.carriedOut(id, order);
      if (outcome.is !== 'held') return outcome;
      const waiting = await heldOrders.hold(id, event);
      return waiting === 'held'
        ? outcome
        : { is: 'outdated', reason: whyOutdated(order, waiting.outdatedBy) };
    } finally {
      release();
    }
  }

  /** In force in private repositories alone, a state is not shown to everybody because it would count in a public one, too. */
  private mayBeLogged(outcomes: readonly Outcome[], event: VerifiedEvent): boolean {
    const isInForce = ({ is }: Outcome) => is === 'applied' || is === 'applied-already';
    return outcomes.some((one) => isInForce(one) && !one.secret) || !this.context.isPublic(event);
  }

  /** One answer for all repositories. An order that is in force anywhere is served. */
  private async verdict(outcomes: readonly Outcome[], event: VerifiedEvent): Promise<Verdict> {
    const find = <K extends SignedStateOutcome['is']>(kind: K) =>
      outcomes.find((outcome): outcome is Extract<Outcome, { is: K }> => outcome.is === kind);
    const applied = find('applied');
    const already = find('applied-already');
    if ((applied ?? already) !== undefined && this.mayBeLogged(outcomes, event)) {
      const logged = this.context.events.append([event]);
      // It is in force. Should the log not take it now, it gets it together with the receipt.
      await (applied === undefined ? logged : logged.catch(() => undefined));
    }
    const held = find('held');
    if (held !== undefined) return accept(`purgatory: ${held.reason}`);
    if (applied !== undefined) return accept();
    if (already !== undefined) return accept('duplicate: it has been carried out');
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

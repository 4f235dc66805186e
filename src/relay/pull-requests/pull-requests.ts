/**
 * Pull requests (1618) and their updates (1619). If the tip is not here, the event waits until a push brings it (GRASP-01):
 * all servers know the event, and no client sees it. A ref that was pushed for it with another tip is removed before the
 * sender gets the answer: then the right tip can be pushed without force.
 */
import { refsPointingAt } from '../../git/index.ts';
import type { Git } from '../../git-process/git.ts';
import { findDisconnected, inspectObjects } from '../../git-process/inspect-objects.ts';
import type { Clock } from '../../lib/clock.ts';
import { isCairnError, messageOf } from '../../lib/errors.ts';
import { Limiter } from '../../lib/limiter.ts';
import type { NostrEvent, VerifiedEvent } from '../../nostr/event.ts';
import { kinds } from '../../nostr/kinds.ts';
import { values } from '../../nostr/tags.ts';
import type { Verifier } from '../../nostr/verify.ts';
import type { Logger } from '../../observability/logger.ts';
import type { GitManifest, PublishedGitState } from '../../repository/git/git-manifest.ts';
import type { Repositories } from '../../repository/repositories.ts';
import {
  formatRepositoryId,
  identifierProblem,
  type RepositoryId,
  repositoryId,
} from '../../repository/repository-id.ts';
import type { Events } from '../events.ts';
import { accept, reject, type Verdict } from '../publication.ts';
import { goThrough, type UpkeepTask } from '../upkeep.ts';
import { type PullRequestRef, PullRequestRemoval, pullRequestRefs } from './pull-request-refs.ts';
import { isPullRequest, tipOf } from './pull-request-tip.ts';
import { WaitingPullRequests } from './waiting-pull-requests.ts';

export interface PullRequestsContext {
  readonly events: Events;
  readonly repositories: Repositories;
  /** The announced repositories that an event is about. */
  readonly mentions: (
    event: NostrEvent,
  ) => readonly { readonly owner: string; readonly announcement: { readonly identifier: string } }[];
  readonly verifier: Verifier;
  readonly git: Git;
  readonly clock: Clock;
  readonly log: Logger;
  /** False where strangers may not push tips: then an event has nothing to wait for. */
  readonly waits: boolean;
}

/** How many repositories of one event are looked at. */
const MOST_REPOSITORIES = 16;
/** How many tips git looks for at once, and how many may queue. A tip that finds no room waits for the next run of upkeep. */
export const TIPS_AT_ONCE = 2;
const QUEUED = 32;
/** An event is decided even when its sender has disconnected. */
const NEVER = new AbortController().signal;

export class PullRequests implements UpkeepTask {
  readonly name = 'waiting pull requests';
  private readonly context: PullRequestsContext;
  private readonly waiting: WaitingPullRequests;
  private readonly slots = new Limiter('tips of pull requests', TIPS_AT_ONCE, QUEUED);
  private readonly working = new Set<Promise<void>>();
  /** By repository: the digest of the manifest in which git last looked for tips. */
  private readonly lookedIn = new Map<string, string>();

  constructor(context: PullRequestsContext) {
    this.context = context;
    this.waiting = new WaitingPullRequests(context.clock);
    // Those that waited when the last process ended.
    for (const event of context.events.hiddenEvents()) this.addWaiting(event);
    context.events.onEvent((event, { hidden, elsewhere }) => {
      if (event.kind === kinds.deletion) this.dropDeleted(event);
      if (!isPullRequest(event)) return;
      if (!hidden) this.waiting.delete(event.id);
      if (elsewhere) this.heard(event, hidden);
    });
  }

  /**
   * Takes a pull request that belongs to a repository here.
   * @param address of the sender
   * @throws CairnError when the store fails; the sender may send it again
   */
  async take(event: VerifiedEvent, address: string | undefined): Promise<Verdict> {
    const tip = tipOf(event);
    if (tip === undefined)
      return reject('invalid: a pull request names its tip, a whole commit id, in a c tag');
    const { events } = this.context;
    const repositories = this.repositoriesOf(event);
    const known = events.isHidden(event.id);
    if (!known && events.get(event.id) !== undefined) return accept('duplicate: it is here already');
    const here =
      repositories.length === 0 ||
      !this.context.waits ||
      (await this.isAnywhere(event.id, tip, repositories));
    if (!here && !known) {
      const problem = this.waiting.problem(event, repositories, address);
      if (problem !== undefined) {
        return reject(
          `rate-limited: too many pull requests ${problem} wait for their tips; push the tip first, then send this again`,
        );
      }
      this.waiting.add({ event, tip, repositories, address });
    }
    // From here on pushes know the event, so no wrong tip can come after those removed now.
    if (here || !known) {
      const stored = await this.append(event, { hidden: !here });
      if (stored === 'duplicate' && here) return accept('duplicate: it is here already');
    }
    for (const id of repositories) await this.removeWrong(id);
    // The tip may have arrived meanwhile, with a push that did not know the event yet.
    if (!here && (await this.isAnywhere(event.id, tip, repositories))) {
      await events.append([event]);
      return accept();
    }
    if (here) return accept();
    return accept(
      `purgatory: it is shown once its tip is here; push ${tip.slice(0, 8)} to refs/nostr/${event.id} within 30 minutes`,
    );
  }

  /** Notes a publish: shows events whose tips have arrived, and removes wrong tips. Returns at once. */
  note(id: RepositoryId, manifest: GitManifest): void {
    const { events } = this.context;
    const refs = pullRequestRefs(manifest, events);
    if (refs.some(({ standing }) => standing === 'wrong')) this.work(id, () => this.removeWrong(id));
    if (manifest.lifecycle !== 'live') return;
    // The same ref in a repository that the event is not about does not count.
    const come = new Set(
      refs.flatMap(({ eventId, standing }) =>
        standing === 'right' && events.isHidden(eventId) && this.isAbout(eventId, id) ? eventId : [],
      ),
    );
    const waiting = this.waiting.of(id);
    if (waiting.length > 0) {
      const pointed = tipsOfRefs(manifest, new Set(waiting.map(({ tip }) => tip)), refs);
      for (const { event, tip } of waiting) if (pointed.has(tip)) come.add(event.id);
    }
    for (const eventId of come) this.work(id, () => this.show(eventId));
  }

  /** Checks waiting events again: the tip may have arrived at another server, or in the history of a branch. */
  async run(signal: AbortSignal): Promise<void> {
    const { events, repositories } = this.context;
    const byRepository = new Map(
      this.waiting
        .all()
        .flatMap((waiting) => waiting.repositories.map((id) => [formatRepositoryId(id), id] as const)),
    );
    for (const name of this.lookedIn.keys()) if (!byRepository.has(name)) this.lookedIn.delete(name);
    await goThrough(
      byRepository,
      signal,
      ([name]) => name,
      async ([name, id]) => {
        const state = await repositories.get(id).resolve();
        if (state === undefined || this.lookedIn.get(name) === state.digest) return;
        this.note(id, state.manifest);
        // Before the work, so that a tip for which git has no room takes it back.
        this.lookedIn.set(name, state.digest);
        try {
          for (const { event, tip } of this.waiting.of(id)) {
            if (!events.isHidden(event.id)) this.waiting.delete(event.id);
            else if (await this.isIn(id, state, event.id, tip)) await this.show(event.id);
          }
        } catch (error) {
          this.lookedIn.delete(name);
          throw error;
        }
      },
    );
  }

  /** Resolves when everything that {@link note} has started is done. */
  async idle(): Promise<void> {
    while (this.working.size > 0) await Promise.all(this.working);
  }

  /** Another server has taken the event: a push to this one may not have known it. */
  private heard(event: NostrEvent, hidden: boolean): void {
    if (hidden) this.addWaiting(event);
    if (tipOf(event) === undefined) return;
    for (const id of this.repositoriesOf(event)) {
      this.work(id, async () => {
        const known = await this.context.repositories.get(id).peek(Number.POSITIVE_INFINITY);
        if (known !== undefined) this.note(id, known.manifest);
      });
    }
  }

  /** Appends an event to the log. One that could not be kept takes no place among those that wait. */
  private async append(event: VerifiedEvent, options: { readonly hidden: boolean }) {
    const { events } = this.context;
    try {
      const [stored] = await events.append([event], options);
      return stored;
    } finally {
      if (!events.isHidden(event.id)) this.waiting.delete(event.id);
    }
  }

  /** Notes an event that this process has not taken itself. */
  private addWaiting(event: NostrEvent): void {
    const tip = tipOf(event);
    if (tip === undefined) return;
    this.waiting.add({ event, tip, repositories: this.repositoriesOf(event), address: undefined });
  }

  private dropDeleted(deletion: NostrEvent): void {
    for (const id of values(deletion, 'e')) if (!this.context.events.isHidden(id)) this.waiting.delete(id);
  }

  private isAbout(eventId: string, { owner, identifier }: RepositoryId): boolean {
    const event = this.context.events.get(eventId);
    if (event === undefined) return false;
    return this.repositoriesOf(event).some((id) => id.owner === owner && id.identifier === identifier);
  }

  private repositoriesOf(event: NostrEvent): RepositoryId[] {
    return this.context
      .mentions(event)
      .slice(0, MOST_REPOSITORIES)
      .flatMap(({ owner, announcement: { identifier } }) =>
        identifierProblem(identifier) === undefined ? repositoryId(owner, identifier) : [],
      );
  }

  /** True when a tip is in one of these repositories, and when none of them is hosted here: then nothing can bring it. */
  private async isAnywhere(eventId: string, tip: string, ids: readonly RepositoryId[]): Promise<boolean> {
    let hosted = false;
    for (const id of ids) {
      const state = await this.context.repositories.get(id).resolve();
      if (await this.isIn(id, state, eventId, tip)) return true;
      hosted ||= state !== undefined && state.manifest.lifecycle !== 'withdrawn';
    }
    return !hosted;
  }

  /** True when a tip is in a live repository. In one that waits for its first data, pull requests wait as well. */
  private async isIn(
    id: RepositoryId,
    state: PublishedGitState | undefined,
    eventId: string,
    tip: string,
  ): Promise<boolean> {
    if (state?.manifest.lifecycle !== 'live') return false;
    const { manifest } = state;
    if (manifest.refs.get(`refs/nostr/${eventId}`) === tip) return true;
    const refs = pullRequestRefs(manifest, this.context.events);
    if (tipsOfRefs(manifest, new Set([tip]), refs).has(tip)) return true;
    return manifest.packs.length > 0 && (await this.isObjectOf(id, state, tip));
  }

  private async isObjectOf(id: RepositoryId, state: PublishedGitState, tip: string): Promise<boolean> {
    const { git, repositories } = this.context;
    let release: (() => void) | undefined;
    try {
      release = await this.slots.acquire();
      const snapshot = await repositories.get(id).snapshot(state);
      try {
        const paths = { gitDir: snapshot.path, objects: `${snapshot.path}/objects` };
        const facts = await inspectObjects(git, paths, [tip], NEVER);
        if (facts.get(tip)?.type !== 'commit') return false;
        return (await findDisconnected(git, paths, [tip], NEVER)).size === 0;
      } finally {
        snapshot.release();
      }
    } catch (error) {
      if (!isCairnError(error, 'busy')) throw error;
      // The next run of upkeep looks for it, although it may have looked at this state for others.
      this.lookedIn.delete(formatRepositoryId(id));
      return false;
    } finally {
      release?.();
    }
  }

  /** Removes the refs of pull requests in a repository whose events name other tips. */
  private async removeWrong(id: RepositoryId): Promise<void> {
    const { repositories, events } = this.context;
    const repository = repositories.get(id);
    const since = repository.mark();
    const state = await repository.resolve();
    const wrong =
      state !== undefined &&
      pullRequestRefs(state.manifest, events).some(({ standing }) => standing === 'wrong');
    if (wrong) await repository.publisher.join(new PullRequestRemoval(since, new Set(), events));
  }

  private async show(eventId: string): Promise<void> {
    const { events, verifier } = this.context;
    const event = events.get(eventId);
    // It was verified when it was taken; the check also tells the type.
    if (event === undefined || !events.isHidden(eventId) || !verifier.verify(event)) return;
    await events.append([event]);
    this.waiting.delete(eventId);
  }

  /** Runs a task in the background. Upkeep repeats what fails. */
  private work(id: RepositoryId, task: () => Promise<void>): void {
    const working = task().catch((error: unknown) => {
      const repository = formatRepositoryId(id);
      this.context.log.warn(
        { repository, problem: messageOf(error) },
        'a pull request was not brought up to date',
      );
    });
    this.working.add(working);
    void working.finally(() => this.working.delete(working));
  }
}

/** The tips that refs point at, except refs that are about to be removed because their events name other tips. */
function tipsOfRefs(
  manifest: GitManifest,
  tips: ReadonlySet<string>,
  refs: readonly PullRequestRef[],
): ReadonlySet<string> {
  const going = new Set(refs.flatMap(({ name, standing }) => (standing === 'wrong' ? name : [])));
  return new Set(
    [...refsPointingAt(manifest, tips)].flatMap(({ name, oid }) => (going.has(name) ? [] : oid)),
  );
}

/**
 * Upkeep of unfinished repositories: announced without data, reserved and never created, withdrawn and still in the bucket.
 * The records of owners list them; each run reads a part of these. Repositories that wait for data are also noted when their
 * announcements arrive.
 */
import { messageOf } from '../../lib/errors.ts';
import { kinds } from '../../nostr/kinds.ts';
import { firstValue } from '../../nostr/tags.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Change, Evaluation } from '../../repository/change.ts';
import type { GitManifest, GitState, PublishedGitState } from '../../repository/git/git-manifest.ts';
import type { OwnerRecords, Reservation } from '../../repository/records/owner-record.ts';
import { type RemovalContext, removeArtifacts } from '../../repository/removal.ts';
import type { Repositories } from '../../repository/repositories.ts';
import {
  formatRepositoryId,
  identifierProblem,
  type RepositoryId,
  repositoryId,
} from '../../repository/repository-id.ts';
import type { Events } from '../events.ts';
import type { UpkeepTask } from '../upkeep.ts';
import type { Directory } from './directory.ts';

export interface RepositoryUpkeepContext extends RemovalContext {
  readonly events: Pick<Events, 'onEvent'>;
  readonly repositories: Repositories;
  readonly directory: Directory;
  readonly owners: OwnerRecords;
  /** Milliseconds for which the objects of a withdrawn repository are kept; at least a day. */
  readonly removalGrace: number;
  readonly log: Logger;
}

/** How long an announced repository waits for its first data, in seconds. */
export const DATA_WAIT_SECONDS = 30 * 60;
/** After how many seconds an unused reservation is dropped. */
const RESERVATION_SECONDS = 60 * 60;
/** How many owners one run goes through. */
const OWNERS_AT_ONCE = 50;

export class RepositoryUpkeep implements UpkeepTask {
  readonly name = 'unfinished repositories';
  private readonly context: RepositoryUpkeepContext;
  /** When to check repositories that wait for data, in seconds. */
  private readonly waiting = new Map<string, { readonly id: RepositoryId; readonly due: number }>();
  private lastOwner: string | undefined;

  constructor(context: RepositoryUpkeepContext) {
    this.context = context;
    context.events.onEvent((event, { hidden }) => {
      const identifier = firstValue(event, 'd') ?? '';
      if (!hidden || event.kind !== kinds.repository || identifierProblem(identifier) !== undefined) return;
      const id = repositoryId(event.pubkey, identifier);
      this.waiting.set(formatRepositoryId(id), { id, due: this.now() + DATA_WAIT_SECONDS + 1 });
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.expireWaiting(signal);
    await this.goThroughOwners(signal);
  }

  private async expireWaiting(signal: AbortSignal): Promise<void> {
    for (const [name, { id, due }] of this.waiting) {
      signal.throwIfAborted();
      if (due > this.now()) continue;
      this.waiting.delete(name);
      await this.logFailure({ repository: name }, () => this.expire(id));
    }
  }

  private async goThroughOwners(signal: AbortSignal): Promise<void> {
    const { owners } = this.context;
    let seen = 0;
    for await (const owner of owners.owners(this.lastOwner, signal)) {
      signal.throwIfAborted();
      this.lastOwner = owner;
      await this.logFailure({ owner }, async () => {
        for (const [identifier, reservation] of await owners.read(owner)) {
          const id = repositoryId(owner, identifier);
          await this.logFailure({ repository: formatRepositoryId(id) }, () =>
            this.check(id, reservation, signal),
          );
        }
      });
      if (++seen === OWNERS_AT_ONCE) return;
    }
    this.lastOwner = undefined;
  }

  private async check(id: RepositoryId, reservation: Reservation, signal: AbortSignal): Promise<void> {
    const { repositories, directory, owners } = this.context;
    const age = this.now() - reservation.at;
    if (reservation.state === 'reserved' && age < DATA_WAIT_SECONDS) return;
    // Announced and made: finished. Only a withdrawal that failed half-way leaves such a record without an announcement.
    if (reservation.state === 'made' && directory.facts(id.owner, id.identifier) !== undefined) return;
    const settle = (state: 'made' | 'withdrawn' | 'gone') =>
      owners.settle(id.owner, id.identifier, state, reservation);
    const lifecycle = (await repositories.get(id).resolve())?.manifest.lifecycle;
    if (lifecycle === 'live') await settle('made');
    else if (lifecycle === 'held') await this.expire(id);
    else if (lifecycle === undefined && age >= RESERVATION_SECONDS) await settle('gone');
    else if (lifecycle === 'withdrawn' && reservation.state !== 'withdrawn') await settle('withdrawn');
    else if (lifecycle === 'withdrawn' && (await this.remove(id, age, signal))) await settle('gone');
  }

  /** Withdraws a repository whose data never came. It sets no watermark: the same announcement may be sent again. */
  private async expire(id: RepositoryId): Promise<void> {
    const { repositories, owners } = this.context;
    const repository = repositories.get(id);
    const before = this.now() - DATA_WAIT_SECONDS;
    const { committed } = await repository.publisher.join(new ExpireChange(repository.mark(), before));
    if (committed.manifest?.lifecycle === 'withdrawn')
      await owners.settle(id.owner, id.identifier, 'withdrawn');
  }

  private async remove(id: RepositoryId, age: number, signal: AbortSignal): Promise<boolean> {
    const { repositories, removalGrace, log } = this.context;
    const repository = repositories.get(id);
    const removed = await removeArtifacts(this.context, repository, age * 1000 >= removalGrace, signal);
    if (removed)
      log.info({ repository: formatRepositoryId(id) }, 'nothing is left of a withdrawn repository');
    return removed;
  }

  /** Logs a failure of some work, so that the other repositories and owners are still checked. */
  private async logFailure(
    about: Readonly<Record<string, string>>,
    work: () => Promise<void>,
  ): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.context.log.warn({ ...about, problem: messageOf(error) }, 'could not be looked after');
    }
  }

  private now(): number {
    return Math.floor(this.context.clock.now() / 1000);
  }
}

class ExpireChange implements Change<GitManifest, undefined> {
  readonly since: number;
  private readonly before: number;

  /** @param before seconds: only a repository published no later than this is withdrawn */
  constructor(since: number, before: number) {
    this.since = since;
    this.before = before;
  }

  async evaluate(
    current: GitState | undefined,
    published: PublishedGitState | undefined,
  ): Promise<Evaluation<GitManifest, undefined>> {
    if (
      current?.lifecycle !== 'held' ||
      published === undefined ||
      published.manifest.receiptAt > this.before
    ) {
      return { result: undefined };
    }
    const { graph: _none, epoch: _over, ...rest } = current;
    const none = { refs: new Map(), peeled: new Map(), packs: [], appliedState: null };
    return {
      next: { ...rest, ...none, lifecycle: 'withdrawn' },
      cause: { kind: 'withdraw', actor: null, evidence: null, refs: [...current.refs.keys()] },
      result: undefined,
    };
  }
}

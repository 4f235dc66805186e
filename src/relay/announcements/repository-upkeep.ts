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
import type { Manifest, PublishedState } from '../../repository/manifest.ts';
import type { OwnerRecords, Reservation } from '../../repository/records/owner-record.ts';
import { type RemovalContext, removeArtifacts } from '../../repository/removal.ts';
import type { Repository } from '../../repository/repository.ts';
import {
  formatRepositoryId,
  identifierProblem,
  type RepositoryId,
  repositoryId,
} from '../../repository/repository-id.ts';
import type { Events } from '../events.ts';
import type { UpkeepTask } from '../upkeep.ts';
import type { AnnouncedKind, AnnouncedKinds, AnnouncedState } from './announced-kind.ts';
import type { Directory } from './directory.ts';

export interface RepositoryUpkeepContext extends RemovalContext {
  readonly events: Pick<Events, 'onEvent'>;
  readonly repositories: AnnouncedKinds;
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
    const lifecycle = (await repositories.resolve(id))?.manifest.lifecycle;
    if (lifecycle === 'live') await settle('made');
    else if (lifecycle === 'held') await this.expire(id);
    else if (lifecycle === undefined && age >= RESERVATION_SECONDS) await settle('gone');
    else if (lifecycle === 'withdrawn' && reservation.state !== 'withdrawn') await settle('withdrawn');
    else if (lifecycle === 'withdrawn' && (await this.remove(id, age, signal))) await settle('gone');
  }

  /** Withdraws a repository whose data never came. It sets no watermark: the same announcement may be sent again. */
  private expire(id: RepositoryId): Promise<void> {
    return this.context.repositories.of(id, (kind) => this.expireOf(kind, id));
  }

  private async expireOf<M extends Manifest>(kind: AnnouncedKind<M>, id: RepositoryId): Promise<void> {
    const { owners } = this.context;
    const repository = kind.get(id);
    const before = this.now() - DATA_WAIT_SECONDS;
    const { committed } = await repository.publisher.join(new ExpireChange(kind, repository.mark(), before));
    if (committed.manifest?.lifecycle === 'withdrawn')
      await owners.settle(id.owner, id.identifier, 'withdrawn');
  }

  private remove(id: RepositoryId, age: number, signal: AbortSignal): Promise<boolean> {
    return this.context.repositories.of(id, (kind) => this.removeOf(kind.get(id), id, age, signal));
  }

  private async removeOf<M extends Manifest>(
    repository: Repository<M>,
    id: RepositoryId,
    age: number,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { removalGrace, log } = this.context;
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

class ExpireChange<M extends Manifest> implements Change<M, undefined> {
  readonly since: number;
  private readonly kind: AnnouncedKind<M>;
  private readonly before: number;

  /** @param before seconds: only a repository published no later than this is withdrawn */
  constructor(kind: AnnouncedKind<M>, since: number, before: number) {
    this.kind = kind;
    this.since = since;
    this.before = before;
  }

  async evaluate(
    current: AnnouncedState<M> | undefined,
    published: PublishedState<M> | undefined,
  ): Promise<Evaluation<M, undefined>> {
    if (
      current?.lifecycle !== 'held' ||
      published === undefined ||
      published.manifest.receiptAt > this.before
    ) {
      return { result: undefined };
    }
    return {
      next: { ...this.kind.emptied(current), lifecycle: 'withdrawn' },
      cause: this.kind.cause('withdraw', null, null, current),
      result: undefined,
    };
  }
}

/**
 * Repositories that are not finished: announced and never given data, reserved and never made, withdrawn and still in the
 * bucket. Which ones is told by the records of their owners, gone through a part at a time, and of those that wait for data
 * by the announcements as they arrive.
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
  /** Milliseconds for which the objects of a withdrawn repository are kept, and a day at least. */
  readonly removalGrace: number;
  readonly log: Logger;
}

/** Seconds an announced repository waits for its first data. */
export const HELD_FOR = 30 * 60;
/** Seconds after which a reservation of which nothing came is dropped. */
const RESERVED_FOR = 60 * 60;
/** Owners one run goes through. */
const OWNERS_AT_ONCE = 50;

export class RepositoryUpkeep implements UpkeepTask {
  readonly name = 'unfinished repositories';
  private readonly context: RepositoryUpkeepContext;
  /** When to look at those that wait for data, in seconds. */
  private readonly held = new Map<string, { readonly id: RepositoryId; readonly due: number }>();
  private lastOwner: string | undefined;

  constructor(context: RepositoryUpkeepContext) {
    this.context = context;
    context.events.onEvent((event, { hidden }) => {
      const identifier = firstValue(event, 'd') ?? '';
      if (!hidden || event.kind !== kinds.repository || identifierProblem(identifier) !== undefined) return;
      const id = repositoryId(event.pubkey, identifier);
      this.held.set(formatRepositoryId(id), { id, due: this.now() + HELD_FOR + 1 });
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.expireHeld(signal);
    await this.goThroughOwners(signal);
  }

  private async expireHeld(signal: AbortSignal): Promise<void> {
    for (const [name, { id, due }] of this.held) {
      signal.throwIfAborted();
      if (due > this.now()) continue;
      this.held.delete(name);
      await this.guarded({ repository: name }, () => this.expire(id));
    }
  }

  private async goThroughOwners(signal: AbortSignal): Promise<void> {
    const { owners } = this.context;
    let seen = 0;
    for await (const owner of owners.owners(this.lastOwner, signal)) {
      signal.throwIfAborted();
      this.lastOwner = owner;
      await this.guarded({ owner }, async () => {
        for (const [identifier, reservation] of await owners.read(owner)) {
          const id = repositoryId(owner, identifier);
          await this.guarded({ repository: formatRepositoryId(id) }, () =>
            this.look(id, reservation, signal),
          );
        }
      });
      if (++seen === OWNERS_AT_ONCE) return;
    }
    this.lastOwner = undefined;
  }

  private async look(id: RepositoryId, reservation: Reservation, signal: AbortSignal): Promise<void> {
    const { repositories, directory, owners } = this.context;
    const age = this.now() - reservation.at;
    if (reservation.state === 'reserved' && age < HELD_FOR) return;
    // What is announced and made is finished; only a withdrawal that broke off leaves such a record without an announcement.
    if (reservation.state === 'made' && directory.facts(id.owner, id.identifier) !== undefined) return;
    const settle = (state: 'made' | 'withdrawn' | 'gone') =>
      owners.settle(id.owner, id.identifier, state, reservation);
    const state = (await repositories.get(id).resolve())?.manifest.lifecycle;
    if (state === 'live') await settle('made');
    else if (state === 'held') await this.expire(id);
    else if (state === undefined && age >= RESERVED_FOR) await settle('gone');
    else if (state === 'withdrawn' && reservation.state !== 'withdrawn') await settle('withdrawn');
    else if (state === 'withdrawn' && (await this.remove(id, age, signal))) await settle('gone');
  }

  /** Withdraws a repository that has waited for its data in vain. No watermark: the same announcement may try again. */
  private async expire(id: RepositoryId): Promise<void> {
    const { repositories, owners } = this.context;
    const repository = repositories.get(id);
    const before = this.now() - HELD_FOR;
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

  /** One repository, or the record of one owner, in trouble does not keep the others waiting. */
  private async guarded(about: Readonly<Record<string, string>>, work: () => Promise<void>): Promise<void> {
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

  /** @param before seconds: only what has been waiting since then is withdrawn */
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
    const none = { refs: new Map(), peeled: new Map(), packs: [], order: null };
    return {
      next: { ...rest, ...none, lifecycle: 'withdrawn' },
      cause: { kind: 'withdraw', actor: null, evidence: null, refs: [...current.refs.keys()] },
      result: undefined,
    };
  }
}

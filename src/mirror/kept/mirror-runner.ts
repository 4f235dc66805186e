/**
 * One run of a mirror: under its lease, against what its record says then, and with what becomes of it in the record.
 * The lease only saves double work. Nothing is lost without it: pulls publish by compare-and-swap and only while the
 * published state names the mirror, and pushes change refs only from the value that was listed.
 */
import type { Clock } from '../../lib/clock.ts';
import { CairnError, type ErrorKind, publicTextOf } from '../../lib/errors.ts';
import type { Random } from '../../lib/random.ts';
import type { ObjectStore } from '../../object-store/object-store.ts';
import type { TrafficObserver } from '../../outbound/traffic.ts';
import { isWriter, writerRole } from '../../policy/push-access.ts';
import type { GitState } from '../../repository/git/git-manifest.ts';
import type { GitRepository } from '../../repository/git/git-repository.ts';
import { mirrorLeaseKey } from '../../repository/keys.ts';
import { takeLease } from '../../repository/records/lease.ts';
import { type KeptMirror, type KeptPull, MAX_ERROR_TEXT } from '../../repository/records/mirrors-record.ts';
import type { Repositories } from '../../repository/repositories.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';
import { parseRemoteAddress } from '../remote/remote-address.ts';
import { isMarked, mark, unmark } from './mirror-mark.ts';
import type { MirrorRecords } from './mirror-records.ts';
import type { MirrorRemote, MirrorRunResult, PullRun, PushRun } from './mirror-runs.ts';
import { RunDeadline } from './run-deadline.ts';
import { dueAt, nextInterval, retryAfter } from './schedule.ts';
import type { SealedCredentials } from './sealed-credentials.ts';

export interface MirrorRunnerContext {
  readonly repositories: Pick<Repositories, 'get'>;
  readonly control: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly mirrorRecords: MirrorRecords;
  readonly seals: SealedCredentials;
  readonly pull: PullRun;
  readonly push: PushRun;
  /** The name of this process in leases. */
  readonly holder: string;
  /** Called for harmless failures: a lease that could not be renewed. */
  readonly onTrouble: (error: unknown) => void;
}

/** A mirror that this process wants to run. */
export interface WantedRun {
  readonly repository: RepositoryId;
  /** The id of the mirror. */
  readonly mirror: string;
  /** The depth of the newest publish that a push mirror has to send on, as far as this process knows; -1 for none. */
  readonly depth: number;
  /** Since when such a publish has waited, in seconds. */
  readonly behindSince: number | null;
}

/** The result. `mirror` is the current mirror of the record. */
export type Attempt =
  /** It was removed, or its repository was withdrawn. */
  | { readonly is: 'gone' }
  /** It is paused, or not due: another server has run it. */
  | { readonly is: 'idle'; readonly mirror: KeptMirror }
  /** Another server runs it. */
  | { readonly is: 'leased'; readonly mirror: KeptMirror }
  | { readonly is: 'ran'; readonly mirror: KeptMirror; readonly changed: number }
  | { readonly is: 'failed'; readonly mirror: KeptMirror; readonly error: unknown };

export class MirrorRunner {
  private readonly context: MirrorRunnerContext;

  constructor(context: MirrorRunnerContext) {
    this.context = context;
  }

  /**
   * Runs a mirror if its record says so and no other server does.
   * @param signal stops the run, which then leaves no trace in the record
   * @throws CairnError `unavailable`, `corrupt` when the records cannot be read or written; the signal's reason
   */
  async attempt(wanted: WantedRun, signal: AbortSignal): Promise<Attempt> {
    const before = await this.look(wanted);
    if (before.is !== 'due') return before;
    const { clock, random, control, holder, onTrouble } = this.context;
    const { repository, mirror } = before;
    const key = mirrorLeaseKey(repository.id, mirror.name);
    const lease = await takeLease({ control, clock, random }, { key, holder, onTrouble });
    if (lease === undefined) return { is: 'leased', mirror };
    let attempt: Attempt;
    try {
      // Another server may have run it a moment ago.
      const now = await this.look(wanted);
      attempt =
        now.is === 'due' ? await this.run(now.repository, now.mirror, wanted, signal, lease.lost) : now;
    } finally {
      await lease.release();
    }
    // Its removal deleted the lease, and the release has written it again.
    if (attempt.is === 'gone') await control.delete(key);
    return attempt;
  }

  private async look(
    wanted: WantedRun,
  ): Promise<
    | Extract<Attempt, { is: 'gone' | 'idle' }>
    | { readonly is: 'due'; readonly repository: GitRepository; readonly mirror: KeptMirror }
  > {
    const mirrors = await this.context.mirrorRecords.read(wanted.repository);
    const mirror = mirrors.find(({ id }) => id === wanted.mirror);
    if (mirror === undefined || mirror.removing) return { is: 'gone' };
    const { mirrored, failures } = mirror.progress;
    const isLate = dueAt(mirror, this.now()) <= this.now();
    // While its target fails, a publish waits for the next try like everything else.
    const isBehind = wanted.depth > (mirrored?.depth ?? -1) && failures === 0;
    if (mirror.paused || !(isLate || isBehind)) return { is: 'idle', mirror };
    return { is: 'due', mirror, repository: this.context.repositories.get(wanted.repository) };
  }

  private async run(
    repository: GitRepository,
    mirror: KeptMirror,
    wanted: WantedRun,
    signal: AbortSignal,
    lost: AbortSignal,
  ): Promise<Attempt> {
    const began = this.now();
    let result: MirrorRunResult | 'gone';
    const deadline = new RunDeadline(this.context.clock);
    try {
      const stop = AbortSignal.any([signal, lost, deadline.signal]);
      result = await this.carryOut(repository, mirror, deadline.traffic, stop);
    } catch (cause) {
      signal.throwIfAborted();
      if (lost.aborted) return { is: 'leased', mirror };
      const error: unknown = deadline.signal.aborted ? deadline.signal.reason : cause;
      // Of the record that the run began with: the one that is met now may count this failure already.
      const failures = mirror.progress.failures + 1;
      const failure = { began, failures, error };
      const after = await this.note(repository.id, mirror, (now) => this.failed(now, wanted, failure));
      return after === undefined ? { is: 'gone' } : { is: 'failed', mirror: after, error };
    } finally {
      deadline.end();
    }
    if (result === 'gone') {
      await this.context.mirrorRecords.removeOne(repository.id, mirror.id);
      return { is: 'gone' };
    }
    const { changed, state } = result;
    const after = await this.note(repository.id, mirror, (now) => {
      const due = this.now() + nextInterval(mirror.every, this.context.random.fraction());
      const mirrored = state ?? now.progress.mirrored;
      const done = { failures: 0, lastRun: began, lastSuccess: began, lastError: null, behindSince: null };
      return { ...now.progress, ...done, due, mirrored };
    });
    return after === undefined ? { is: 'gone' } : { is: 'ran', mirror: after, changed };
  }

  private async carryOut(
    repository: GitRepository,
    mirror: KeptMirror,
    traffic: TrafficObserver,
    signal: AbortSignal,
  ): Promise<MirrorRunResult | 'gone'> {
    const published = await repository.resolve();
    if (published === undefined || isOver(published.manifest, mirror)) return 'gone';
    const keeper = keeperProblem(repository.id, published.manifest, mirror);
    if (keeper !== undefined) throw new CairnError('forbidden', keeper);
    const remote = { ...this.remoteOf(repository.id, mirror), traffic };
    if (mirror.direction === 'push') {
      const { prune, overwrite, progress } = mirror;
      const options = { prune, overwrite: overwrite || progress.mirrored !== null };
      return this.context.push.run(repository, remote, options, signal);
    }
    if (!isMarked(published.manifest, mirror.id)) {
      if (mirror.marked || !(await this.completeMark(repository, mirror))) return 'gone';
    }
    const { id, refs, name, by: actor } = mirror;
    const forbids = (state: GitState): string | undefined =>
      isMarked(state, mirror.id)
        ? keeperProblem(repository.id, state, mirror)
        : `the mirror "${name}" was removed meanwhile`;
    return this.context.pull.run(repository, remote, { id, refs, name, actor, forbids }, signal);
  }

  /**
   * Publishes the mark of a mirror whose addition broke off before it.
   * @returns false when the mirror has been removed meanwhile
   */
  private async completeMark(repository: GitRepository, mirror: KeptPull): Promise<boolean> {
    const { id, by } = mirror;
    await mark(repository, mirror, by);
    const marked = await this.context.mirrorRecords.changeOne(repository.id, id, (now) =>
      now.removing || now.direction === 'push' ? undefined : { ...now, marked: true },
    );
    if (marked !== undefined && !marked.removing) return true;
    await unmark(repository, (other) => other.id === id, by);
    return false;
  }

  private remoteOf(repository: RepositoryId, { id, address, credential }: KeptMirror): MirrorRemote {
    const remote = parseRemoteAddress(address);
    if (credential === null) return { address: remote, credential: undefined };
    // Not the host in the record, which may have been changed together with the address.
    const host = new URL(address).origin;
    const { sealed } = credential;
    return { address: remote, credential: this.context.seals.open(sealed, { repository, mirror: id, host }) };
  }

  /** Writes what became of a run. `change` is called again on its own result when a reply of the store was lost. A date that somebody set meanwhile, to run it now, stays. */
  private note(
    repository: RepositoryId,
    { id, progress }: KeptMirror,
    change: (now: KeptMirror) => KeptMirror['progress'],
  ): Promise<KeptMirror | undefined> {
    return this.context.mirrorRecords.changeOne(repository, id, (now) => {
      const next = change(now);
      const due = now.progress.due === progress.due ? next.due : now.progress.due;
      return { ...now, progress: { ...next, due } };
    });
  }

  private failed(
    { every, progress }: KeptMirror,
    { behindSince }: WantedRun,
    { began, failures, error }: { began: number; failures: number; error: unknown },
  ): KeptMirror['progress'] {
    const kind: ErrorKind = error instanceof CairnError ? error.kind : 'unavailable';
    const now = this.now();
    const text = publicTextOf(error).slice(0, MAX_ERROR_TEXT);
    return {
      ...progress,
      failures,
      due: now + retryAfter(every, failures, kind, this.context.random.fraction()),
      lastRun: began,
      lastError: { at: now, kind, text },
      behindSince: progress.behindSince ?? behindSince,
    };
  }

  private now(): number {
    return Math.floor(this.context.clock.now() / 1000);
  }
}

/** True when the repository that a mirror was added to is there no more. */
function isOver({ lifecycle, incarnation }: GitState, mirror: KeptMirror): boolean {
  return lifecycle === 'withdrawn' || incarnation !== mirror.incarnation;
}

/** Why the key that added a mirror may keep it no longer. */
function keeperProblem({ owner }: RepositoryId, state: GitState, mirror: KeptMirror): string | undefined {
  const { by } = mirror;
  if (by === null) return undefined;
  const facts = { owner, ...state.policy };
  if (!isWriter(by, facts)) return 'the key that added this mirror may not push to the repository any more';
  const follows = mirror.direction === 'pull' && mirror.refs === 'follow';
  if (follows && state.policy.protection.length > 0 && writerRole(by, facts) !== 'owner') {
    return 'the repository has protected refs: only a mirror that its owner added may follow another repository';
  }
  return undefined;
}

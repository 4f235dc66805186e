/**
 * Runs mirrors: by their schedule, soon after a publish of this process that a push mirror has to send on, and when
 * somebody asks. A few run at once; no owner holds up the others. The index of mirrors is looked into once in a
 * while, for what other servers and commands have changed.
 */
import type { Clock } from '../../lib/clock.ts';
import { concurrently } from '../../lib/concurrently.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Random } from '../../lib/random.ts';
import type { Logger } from '../../observability/logger.ts';
import type { GitManifest } from '../../repository/git/git-manifest.ts';
import { mirrorShardOf } from '../../repository/keys.ts';
import { type IndexedRepository, MirrorIndex } from '../../repository/records/mirror-index.ts';
import type { KeptMirror, MirrorRecordsContext } from '../../repository/records/mirrors-record.ts';
import { formatRepositoryId, type RepositoryId } from '../../repository/repository-id.ts';
import { type KnownMirror, KnownMirrors, type MirrorSummary } from './known-mirrors.ts';
import type { MirrorRecords } from './mirror-records.ts';
import type { Attempt, MirrorRunner } from './mirror-runner.ts';

/** How a run ended. `leased`: another server runs the mirror. */
export type MirrorEnd = 'changed' | 'unchanged' | 'failed' | 'leased';

export interface MirrorObserver {
  ended(direction: KeptMirror['direction'], end: MirrorEnd, seconds: number): void;
}

export interface MirrorSchedulerOptions extends MirrorRecordsContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly mirrorRecords: MirrorRecords;
  readonly runner: Pick<MirrorRunner, 'attempt'>;
  /** The depth of the published state of a repository; undefined if there is none. @throws as the store */
  readonly depthOf: (id: RepositoryId) => Promise<number | undefined>;
  readonly log: Logger;
  readonly observer: MirrorObserver;
  /** Mirrors that run at once. */
  readonly concurrency: number;
}

/** Average milliseconds between two looks into the index. */
const LOOK_EVERY_MS = 60_000;
const LOOKED_AT_ONCE = 8;
/** Milliseconds after which a mirror that another server runs, or whose record cannot be read, is checked again. */
const AGAIN_MS = 10_000;
/** Milliseconds between a run and the next one that sends what was published meanwhile. */
const FOLLOWING_MS = 1_000;
/**
 * Milliseconds after which a server sends a publish on that another one has not: more than it needs for itself, as a rule. If that is still
 * at it, its lease says so.
 */
const TAKEN_OVER_MS = 60_000;
/** Longest sleep in milliseconds, because the clock on the wall may be set. */
const LONGEST_SLEEP_MS = 60_000;

export class MirrorScheduler {
  private readonly options: MirrorSchedulerOptions;
  private readonly index: MirrorIndex;
  private readonly known: KnownMirrors;
  /** By repository: the entry of the index for which its record was read. */
  private readonly indexed = new Map<string, IndexedRepository>();
  /** By repository: entries of the index whose record was empty, and when to read that again (monotonic milliseconds). */
  private readonly empty = new Map<string, { readonly indexed: IndexedRepository; readonly again: number }>();
  /** By part of the index: the version last read. */
  private readonly versions = new Map<string, string>();
  /** Runs, and notes of publishes that are on their way to the index. */
  private readonly running = new Set<Promise<void>>();
  private readonly noting = new Set<Promise<void>>();
  private readonly stopping = new AbortController();
  private looking: Promise<void> | undefined;
  private nextLook = 0;
  private waking = new AbortController();
  private working: Promise<void> | undefined;

  constructor(options: MirrorSchedulerOptions) {
    this.options = options;
    this.index = new MirrorIndex(options);
    this.known = new KnownMirrors(options.concurrency);
  }

  start(): void {
    this.working ??= this.work();
  }

  /** Stops all runs, and waits for their end. */
  async close(): Promise<void> {
    this.stopping.abort(new Error('the server is stopping'));
    this.wake();
    await this.working;
    await this.looking;
    await Promise.all([...this.running, ...this.noting]);
  }

  /** Sends a publish on soon, if the repository has push mirrors. Does not throw. */
  published(id: RepositoryId, { depth, causes }: GitManifest): void {
    if (this.indexed.size === 0 || causes.every(({ refs }) => refs.length === 0)) return;
    const now = this.options.clock.now();
    let isNew = false;
    for (const entry of this.known.of(formatRepositoryId(id))) {
      const { direction, paused, progress } = entry.mirror;
      if (direction !== 'push') continue;
      isNew ||= entry.depth === -1 && !paused && progress.failures === 0;
      entry.depth = Math.max(entry.depth, depth);
      entry.behindSince ??= Math.floor(now / 1000);
      // While the target fails, a publish waits for the next try.
      if (paused || progress.failures > 0) continue;
      entry.due = Math.min(entry.due, now);
      this.wake();
    }
    if (isNew) this.note(id);
  }

  /** Has other servers look at the mirrors of a repository, so that one of them sends a publish on if this process dies. */
  private note(id: RepositoryId): void {
    const noting = this.index
      .touch(id)
      .catch((error: unknown) => {
        const told = { repository: formatRepositoryId(id), problem: messageOf(error) };
        this.options.log.warn(told, 'other servers could not be told of a publish that a mirror sends on');
      })
      .then(() => {
        this.noting.delete(noting);
      });
    this.noting.add(noting);
  }

  /** Reads the mirrors of a repository again, because somebody has changed them here. Does not throw. */
  changed(id: RepositoryId): void {
    if (this.working === undefined || this.stopping.signal.aborted) return;
    const repository = formatRepositoryId(id);
    this.load(id).then(
      () => {
        if (!this.indexed.has(repository)) this.indexed.set(repository, { id, at: 0, changes: -1 });
        this.wake();
      },
      (error: unknown) => this.couldNotRead(repository, error),
    );
  }

  /** What is known of the mirrors of one direction. Sends no request. */
  summary(direction: KeptMirror['direction']): MirrorSummary {
    return this.known.summary(direction, Math.floor(this.options.clock.now() / 1000));
  }

  private async work(): Promise<void> {
    const { clock } = this.options;
    while (!this.stopping.signal.aborted) {
      if (this.looking === undefined && clock.monotonic() >= this.nextLook) this.look();
      this.startDue();
      await this.pause();
    }
  }

  /** Sleeps until something is due, or something happens. */
  private async pause(): Promise<void> {
    const { clock, concurrency } = this.options;
    const look = this.nextLook - clock.monotonic();
    const run = this.running.size < concurrency ? this.known.nextDue - clock.now() : Number.POSITIVE_INFINITY;
    const milliseconds = Math.max(1, Math.min(LONGEST_SLEEP_MS, look, run));
    const { signal } = this.waking;
    await clock.sleep(milliseconds, signal).catch(() => undefined);
    if (signal.aborted) this.waking = new AbortController();
  }

  private wake(): void {
    this.waking.abort();
  }

  /** Reads what has changed in the index. */
  private look(): void {
    const { clock, random, log } = this.options;
    this.nextLook = clock.monotonic() + LOOK_EVERY_MS * (0.75 + 0.5 * random.fraction());
    this.looking = concurrently(this.index.shards, LOOKED_AT_ONCE, (shard) => this.lookInto(shard))
      .then(
        () => undefined,
        (error: unknown) => {
          if (this.stopping.signal.aborted) return;
          log.warn(
            { problem: messageOf(error) },
            'the index of mirrors could not be read; it is tried again',
          );
        },
      )
      .then(() => {
        this.looking = undefined;
        this.wake();
      });
  }

  private async lookInto(shard: string): Promise<void> {
    if (this.stopping.signal.aborted) return;
    const found = await this.index.read(shard, this.versions.get(shard));
    if (found === undefined) {
      const waiting = [...this.empty.values()].filter(({ indexed: { id } }) => mirrorShardOf(id) === shard);
      await concurrently(waiting, LOOKED_AT_ONCE, ({ indexed }) => this.readIndexed(indexed));
      return;
    }
    const named = new Set(found.repositories.map(({ id }) => formatRepositoryId(id)));
    for (const [repository, { id }] of this.indexed) {
      if (mirrorShardOf(id) !== shard || named.has(repository)) continue;
      this.indexed.delete(repository);
      this.known.forgetAll(repository);
    }
    for (const [repository, { indexed }] of this.empty) {
      if (mirrorShardOf(indexed.id) === shard && !named.has(repository)) this.empty.delete(repository);
    }
    const read = await concurrently(found.repositories, LOOKED_AT_ONCE, (one) => this.readIndexed(one));
    // What could not be read is read at the next look.
    if (found.version !== undefined && read.every(Boolean)) this.versions.set(shard, found.version);
    else this.versions.delete(shard);
  }

  /** @returns false when the mirrors of the repository could not be read */
  private async readIndexed(indexed: IndexedRepository): Promise<boolean> {
    const repository = formatRepositoryId(indexed.id);
    if (this.stopping.signal.aborted) return false;
    if (this.indexed.get(repository)?.changes === indexed.changes) return true;
    const empty = this.empty.get(repository);
    const now = this.options.clock.monotonic();
    if (empty?.indexed.changes === indexed.changes && now < empty.again) return true;
    try {
      if ((await this.load(indexed.id)) > 0) {
        this.indexed.set(repository, indexed);
        this.empty.delete(repository);
        return true;
      }
      this.indexed.delete(repository);
      this.empty.set(repository, { indexed, again: now + this.untilReadAgain(indexed) });
      await this.index.drop(indexed);
      return true;
    } catch (error) {
      this.couldNotRead(repository, error);
      return false;
    }
  }

  /**
   * Milliseconds until the record of a repository without mirrors is read again. Somebody may be about to write it, sooner rather than
   * later: it is read whenever its entry has become twice as old, and no more than seven times before the entry is dropped.
   */
  private untilReadAgain({ at }: IndexedRepository): number {
    return Math.max(LOOK_EVERY_MS / 2, this.options.clock.now() - at * 1_000);
  }

  /** Reads the mirrors of a repository. @returns how many there are */
  private async load(id: RepositoryId): Promise<number> {
    const { mirrorRecords, depthOf } = this.options;
    const mirrors = await mirrorRecords.read(id);
    const pushes = mirrors.some(({ direction, paused }) => direction === 'push' && !paused);
    const depth = pushes ? ((await depthOf(id)) ?? -1) : -1;
    const repository = formatRepositoryId(id);
    const before = new Map([...this.known.of(repository)].map(({ mirror, due }) => [mirror.id, due]));
    this.known.takeAll(id, mirrors);
    for (const entry of this.known.of(repository)) this.catchUp(entry, depth, before.get(entry.mirror.id));
    this.wake();
    return mirrors.length;
  }

  /**
   * Lets a push mirror run before its interval has passed, if something was published that it has not sent on: as planned, if this process
   * has published it; else when the one that did has had the time for it.
   * @param depth of what is published
   * @param planned when it was to run before its record was read
   */
  private catchUp(entry: KnownMirror, depth: number, planned: number | undefined): void {
    const { direction, paused, removing, progress } = entry.mirror;
    const { mirrored, failures } = progress;
    if (direction !== 'push' || paused || removing || failures > 0 || mirrored === null) return;
    const { clock, random } = this.options;
    if (entry.depth > mirrored.depth) {
      entry.due = Math.min(entry.due, planned ?? entry.due);
    } else if (depth > mirrored.depth) {
      entry.depth = depth;
      entry.behindSince ??= Math.floor(clock.now() / 1000);
      entry.due = Math.min(entry.due, clock.now() + TAKEN_OVER_MS * (1 + random.fraction()));
    }
  }

  private couldNotRead(repository: string, error: unknown): void {
    this.indexed.delete(repository);
    if (this.stopping.signal.aborted) return;
    this.options.log.warn({ repository, problem: messageOf(error) }, 'mirrors could not be read');
  }

  private startDue(): void {
    const { clock, concurrency } = this.options;
    while (this.running.size < concurrency && !this.stopping.signal.aborted) {
      const next = this.known.begin(clock.now());
      if (next === undefined) return;
      const run = this.attempt(next).then(() => {
        this.known.end(next);
        this.running.delete(run);
        this.wake();
      });
      this.running.add(run);
    }
  }

  /** Does not reject. */
  private async attempt(entry: KnownMirror): Promise<void> {
    const { clock, runner, random, log } = this.options;
    const { signal } = this.stopping;
    const began = clock.monotonic();
    const { id: repository, depth, behindSince, mirror } = entry;
    const again = () => clock.now() + AGAIN_MS * (0.5 + random.fraction());
    try {
      const attempt = await runner.attempt({ repository, mirror: mirror.id, depth, behindSince }, signal);
      this.settle(entry, attempt);
      if (attempt.is === 'leased') entry.due = again();
      this.tell(entry, attempt, (clock.monotonic() - began) / 1000);
    } catch (error) {
      if (signal.aborted) return;
      entry.due = again();
      const told = { repository: entry.repository, mirror: mirror.name, problem: messageOf(error) };
      log.warn(told, 'a mirror could not be looked at; it is tried again');
    }
  }

  /** Takes over what the record says now. */
  private settle(entry: KnownMirror, attempt: Attempt): void {
    if (attempt.is === 'gone') {
      this.known.forget(entry);
      return;
    }
    const { mirror } = attempt;
    this.known.take(entry.id, mirror);
    if ((mirror.progress.mirrored?.depth ?? -1) >= entry.depth) {
      entry.depth = -1;
      entry.behindSince = null;
    } else if (mirror.progress.failures === 0 && !mirror.paused) {
      // Something was published while it ran.
      entry.due = Math.min(entry.due, this.options.clock.now() + FOLLOWING_MS);
    }
  }

  private tell(entry: KnownMirror, attempt: Attempt, seconds: number): void {
    const { log, observer } = this.options;
    const { direction, name } = entry.mirror;
    const about = { repository: entry.repository, mirror: name, direction };
    switch (attempt.is) {
      case 'gone':
      case 'idle':
        return;
      case 'leased':
        observer.ended(direction, 'leased', seconds);
        return;
      case 'ran':
        observer.ended(direction, attempt.changed === 0 ? 'unchanged' : 'changed', seconds);
        if (attempt.changed > 0) log.info({ ...about, refs: attempt.changed, seconds }, 'mirrored');
        return;
      case 'failed': {
        const { failures, due } = attempt.mirror.progress;
        observer.ended(direction, 'failed', seconds);
        const next = new Date(due * 1000).toISOString();
        log.warn({ ...about, problem: messageOf(attempt.error), failures, next }, 'a mirror failed');
      }
    }
  }
}

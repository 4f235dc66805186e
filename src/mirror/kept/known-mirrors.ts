import type { KeptMirror } from '../../repository/records/mirrors-record.ts';
import { formatRepositoryId, type RepositoryId } from '../../repository/repository-id.ts';
import { conditionOf, lagOf, type MirrorCondition } from './mirror-view.ts';
import { isTooFar, nextTurn } from './schedule.ts';

/** A mirror as this process knows it. */
export interface KnownMirror {
  readonly owner: string;
  readonly repository: string;
  readonly id: RepositoryId;
  mirror: KeptMirror;
  /** Milliseconds, of the clock on the wall; infinite while it is paused. */
  due: number;
  running: boolean;
  /** The depth of the newest publish that a push mirror has to send on; -1 when it has sent all that is known. */
  depth: number;
  /** Since when such a publish has waited, in seconds. */
  behindSince: number | null;
}

/** What metrics tell of one direction. */
export interface MirrorSummary {
  readonly conditions: Readonly<Record<MirrorCondition, number>>;
  /** Seconds, of the mirror that is behind most; paused ones do not count. */
  readonly lag: number;
}

interface KnownRepository {
  readonly mirrors: Map<string, KnownMirror>;
  /** When a mirror of it was last started: the number of that start. */
  started: number;
}

interface KnownOwner {
  running: number;
  /** When a mirror of this owner was last started: the number of that start. */
  started: number;
}

/** The part of all slots that the mirrors of one owner may take, whose remotes may all be slow on purpose. */
const MOST_OF_ONE = 3 / 4;

/** The mirrors that this process knows, and whose turn it is. All in memory. */
export class KnownMirrors {
  private readonly repositories = new Map<string, KnownRepository>();
  /** Those of whom a mirror has run since the process started. */
  private readonly owners = new Map<string, KnownOwner>();
  private readonly most: number;
  /** Mirrors that were started so far. The clock on the wall may be set back, and would give others the first turn for long. */
  private starts = 0;

  /** @param concurrency mirrors that run at once; those of one owner get at most three quarters of the slots */
  constructor(concurrency: number) {
    this.most = Math.max(1, Math.floor(concurrency * MOST_OF_ONE));
  }

  /** Takes over the mirrors of a repository as its record says, instead of what was known. */
  takeAll(id: RepositoryId, mirrors: readonly KeptMirror[]): void {
    const known = this.repositories.get(formatRepositoryId(id));
    const named = new Set(mirrors.map((mirror) => mirror.id));
    for (const mirror of known?.mirrors.keys() ?? []) if (!named.has(mirror)) known?.mirrors.delete(mirror);
    for (const mirror of mirrors) this.take(id, mirror);
  }

  /** Takes over one mirror as its record says. */
  take(id: RepositoryId, mirror: KeptMirror): void {
    const repository = formatRepositoryId(id);
    const due = mirror.paused || mirror.removing ? Number.POSITIVE_INFINITY : mirror.progress.due * 1000;
    const { mirrors } = this.open(repository);
    const known = mirrors.get(mirror.id);
    if (known === undefined) {
      const state = { due, running: false, depth: -1, behindSince: null };
      const entry = { owner: id.owner, repository, id, mirror, ...state };
      mirrors.set(mirror.id, entry);
      return;
    }
    known.mirror = mirror;
    known.due = due;
  }

  forget({ repository, mirror }: KnownMirror): void {
    this.repositories.get(repository)?.mirrors.delete(mirror.id);
  }

  forgetAll(repository: string): void {
    this.repositories.delete(repository);
  }

  of(repository: string): Iterable<KnownMirror> {
    return this.repositories.get(repository)?.mirrors.values() ?? [];
  }

  /** Starts the mirror whose turn it is; undefined when none is due. @param now milliseconds */
  begin(now: number): KnownMirror | undefined {
    const next = nextTurn(this.waiting(now), now, {
      most: this.most,
      running: (owner) => this.runningOf(owner),
      lastStarted: (name) => (this.owners.get(name) ?? this.repositories.get(name))?.started ?? 0,
    });
    if (next === undefined) return undefined;
    next.running = true;
    this.starts += 1;
    this.owners.set(next.owner, { running: this.runningOf(next.owner) + 1, started: this.starts });
    this.open(next.repository).started = this.starts;
    return next;
  }

  end(entry: KnownMirror): void {
    entry.running = false;
    const owner = this.owners.get(entry.owner);
    if (owner !== undefined) owner.running--;
  }

  /** When the next mirror is due: milliseconds; infinite when none is. */
  get nextDue(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const entry of this.idle()) {
      if (this.runningOf(entry.owner) < this.most) next = Math.min(next, entry.due);
    }
    return next;
  }

  /** @param now seconds */
  summary(direction: KeptMirror['direction'], now: number): MirrorSummary {
    const conditions = { new: 0, current: 0, failing: 0, paused: 0 };
    let lag = 0;
    for (const { mirror, behindSince } of this.all()) {
      if (mirror.direction !== direction || mirror.removing) continue;
      conditions[conditionOf(mirror)]++;
      if (mirror.paused) continue;
      lag = Math.max(lag, lagOf(mirror, now) ?? 0, behindSince === null ? 0 : now - behindSince);
    }
    return { conditions, lag };
  }

  private runningOf(owner: string): number {
    return this.owners.get(owner)?.running ?? 0;
  }

  private *all(): Generator<KnownMirror> {
    for (const { mirrors } of this.repositories.values()) yield* mirrors.values();
  }

  private *idle(): Generator<KnownMirror> {
    for (const entry of this.all()) if (!entry.running) yield entry;
  }

  /** Those that do not run. A date that no run can have set is over. */
  private *waiting(now: number): Generator<KnownMirror> {
    for (const entry of this.idle()) {
      const isDated = Number.isFinite(entry.due);
      if (isDated && isTooFar(entry.due / 1000, entry.mirror, now / 1000)) entry.due = now;
      yield entry;
    }
  }

  private open(repository: string): KnownRepository {
    const known = this.repositories.get(repository);
    if (known !== undefined) return known;
    const opened = { mirrors: new Map(), started: 0 };
    this.repositories.set(repository, opened);
    return opened;
  }
}

import type { Git } from '../git-process/git.ts';
import { allSettledOrThrow } from '../lib/all-settled-or-throw.ts';
import { CairnError, isCairnError } from '../lib/errors.ts';
import { Limiter } from '../lib/limiter.ts';
import { SingleFlight } from '../lib/single-flight.ts';
import type { PublishedGitState } from '../repository/git/git-manifest.ts';
import type { GitRepository } from '../repository/git/git-repository.ts';
import { formatRepositoryId } from '../repository/repository-id.ts';
import type { SnapshotLease } from '../repository/snapshot/snapshot-cache.ts';
import { branchFilesOf } from './branch-files.ts';
import { refChoicesOf } from './refs/ref-choices.ts';
import type { RepositoryView } from './repository-view.ts';
import { type SessionsLease, SharedSessions } from './shared-sessions.ts';

export interface RepositoryViewsOptions {
  readonly git: Git;
  /** Pages that may ask git at once. */
  readonly slots: number;
  /** Pages that may wait for a slot; others are told `busy`. */
  readonly queue: number;
  /** Slow pages that may ask git at once, beside the others; 1 if absent. */
  readonly slow?: number;
  /** Downloads that git may be at work for at once; 2 if absent. As many may wait for a slot as pages. */
  readonly downloads?: number;
  /** Milliseconds that the work for one page may take. */
  readonly timeLimit: number;
  /** Milliseconds for which git stays after the last question about a state. */
  readonly idle: number;
  /** States that are kept open without a user; 8 if absent. */
  readonly idleKept?: number;
  /** Waits while more urgent work goes first; absent where there is none. */
  readonly standBack?: () => Promise<void>;
}

/** Sessions and perhaps a snapshot, kept while pages ask for the same state. */
interface OpenState {
  readonly repository: string;
  /** The repository and its manifest: repositories may have equal ones. */
  readonly name: string;
  readonly sessions: SessionsLease;
  /** Absent until it is needed: most pages read objects alone. */
  snapshot?: SnapshotLease;
  /** Whether it takes no snapshot any more, because nobody would release it. */
  isOver: boolean;
  users: number;
  idle?: NodeJS.Timeout;
}

/** Where the options have none. */
const IDLE_KEPT = 8;
const SLOW = 1;
/** Most waiting slow pages: visitors do not wait for a minute. */
const SLOW_QUEUE = 8;
const DOWNLOADS = 2;

/**
 * What pages read repositories through. git processes stay for each repository that is looked at, so that a page costs no
 * process of its own. Pages have slots of their own: a crawler takes none of those for pushes and fetches.
 */
export class RepositoryViews {
  private readonly options: RepositoryViewsOptions;
  private readonly slots: Limiter;
  private readonly slow: Limiter;
  private readonly downloads: Limiter;
  private readonly sessions: SharedSessions;
  private readonly states = new Map<string, OpenState>();
  /** States whose folder somebody has deleted, while pages still read them. */
  private readonly damaged = new Set<OpenState>();
  /** What nobody waits for before everything is closed. It never rejects. */
  private readonly background = new Set<Promise<void>>();
  private readonly following = new SingleFlight<string, void>();
  private readonly opening = new SingleFlight<string, void>();
  private closed = false;

  constructor(options: RepositoryViewsOptions) {
    this.options = options;
    this.sessions = new SharedSessions(options.git);
    this.slots = new Limiter('pages', options.slots, options.queue);
    this.slow = new Limiter('searches', options.slow ?? SLOW, Math.min(options.queue, SLOW_QUEUE));
    this.downloads = new Limiter('downloads', options.downloads ?? DOWNLOADS, options.queue);
  }

  /**
   * Reads a published state. The caller has decided that the reader may see it.
   * @param signal of the visitor; undefined for work that others share
   * @param work is given the view, and does not keep it; it is done again if no memory was left for git
   * @param pace `slow` for work that may take seconds, such as searches: it has slots of its own
   * @throws CairnError `busy` when too many pages wait, or the time for one is over; what `work` throws
   */
  async read<T>(
    repository: GitRepository,
    state: PublishedGitState,
    signal: AbortSignal | undefined,
    work: (view: RepositoryView) => Promise<T>,
    pace: 'quick' | 'slow' = 'quick',
  ): Promise<T> {
    return this.using(pace === 'slow' ? this.slow : this.slots, repository, state, signal, async (open) => {
      const timeout = AbortSignal.timeout(this.options.timeLimit);
      const either = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
      const attempt = () => work(this.viewOf(open, repository, state, either));
      try {
        return await attempt().catch(async (error: unknown) => {
          // No memory may be left for git: what stays for states that nobody reads gives its own back.
          if (!isCairnError(error, 'busy') || either.aborted || !(await this.dropIdle())) throw error;
          return attempt();
        });
      } catch (error) {
        if (!timeout.aborted) throw error;
        throw new CairnError('busy', 'this page takes too long to make, try again later', { cause: error });
      }
    });
  }

  /**
   * Reads a published state for a download, which has a slot of its own kind and no limit of time: pages do not wait for it.
   * @param signal of all who wait for it
   * @throws CairnError `busy` when too many downloads wait; what `work` throws
   */
  async download<T>(
    repository: GitRepository,
    state: PublishedGitState,
    signal: AbortSignal,
    work: (view: RepositoryView) => Promise<T>,
  ): Promise<T> {
    return this.using(this.downloads, repository, state, signal, (open) =>
      work(this.viewOf(open, repository, state, signal)),
    );
  }

  /**
   * Readies the newest published state of a repository whose pages are being read, so that the next page waits for less. For other
   * repositories it does nothing. What fails here fails again for the page, which reports it.
   */
  follow(repository: GitRepository): void {
    const name = formatRepositoryId(repository.id);
    if (this.openOf(name) === undefined) return;
    this.inBackground(this.following.run(name, () => this.ready(repository, name)));
  }

  /** Ends what stays open. Running work fails. */
  async close(): Promise<void> {
    this.closed = true;
    await allSettledOrThrow([
      ...[...this.states.keys()].map((name) => this.drop(name)),
      ...[...this.damaged].map((open) => this.end(open)),
    ]);
    await Promise.all(this.background);
  }

  private async using<T>(
    slots: Limiter,
    repository: GitRepository,
    state: PublishedGitState,
    signal: AbortSignal | undefined,
    work: (open: OpenState) => Promise<T>,
  ): Promise<T> {
    const release = await slots.acquire(signal);
    try {
      await this.options.standBack?.();
      const open = await this.acquire(repository, state);
      try {
        return await work(open);
      } finally {
        this.giveBack(open);
      }
    } finally {
      release();
    }
  }

  private viewOf(
    open: OpenState,
    repository: GitRepository,
    state: PublishedGitState,
    signal: AbortSignal,
  ): RepositoryView {
    const { session, comparisons } = open.sessions;
    const gitDir = async () => {
      const closed = () => new CairnError('unavailable', 'pages are closed');
      if (this.closed) throw closed();
      // Another one than before if somebody has deleted that.
      const lease = await repository.snapshot(state);
      const kept = open.snapshot;
      if (open.isOver || kept?.path === lease.path) lease.release();
      else {
        open.snapshot = lease;
        kept?.release();
      }
      if (open.isOver) throw closed();
      return lease.path;
    };
    return { manifest: state.manifest, gitDir, session, comparisons, git: this.options.git, signal };
  }

  private async acquire(repository: GitRepository, state: PublishedGitState): Promise<OpenState> {
    const name = `${formatRepositoryId(repository.id)} ${state.digest}`;
    for (;;) {
      const open = this.states.get(name);
      if (open !== undefined) {
        open.users++;
        clearTimeout(open.idle);
        if (await open.sessions.isWhole()) return open;
        this.retire(open);
        this.giveBack(open);
        continue;
      }
      await this.opening.run(name, () => this.open(repository, state, name));
    }
  }

  private async open(repository: GitRepository, state: PublishedGitState, name: string): Promise<void> {
    const sessions = await this.sessions.acquire(repository, state);
    const of = formatRepositoryId(repository.id);
    this.states.set(name, { repository: of, name, sessions, isOver: false, users: 0 });
    // Earlier states of the same repository are not requested again.
    for (const other of this.states.values()) {
      if (other.name !== name && other.users === 0 && other.sessions.path === sessions.path) {
        this.dropSoon(other.name);
      }
    }
  }

  private giveBack(open: OpenState): void {
    open.users--;
    if (open.users > 0) return;
    if (this.damaged.delete(open)) {
      this.inBackground(this.end(open));
      return;
    }
    const idle = [...this.states].filter(([, { users }]) => users === 0);
    if (this.closed || idle.length > (this.options.idleKept ?? IDLE_KEPT)) {
      this.dropSoon(this.closed ? open.name : (idle[0]?.[0] ?? open.name));
      return;
    }
    open.idle = setTimeout(() => this.dropSoon(open.name), this.options.idle);
    open.idle.unref();
  }

  /** Closes the states that nobody uses. @returns whether there were any */
  private async dropIdle(): Promise<boolean> {
    const idle = [...this.states].filter(([, { users }]) => users === 0);
    await allSettledOrThrow(idle.map(([name]) => this.drop(name)));
    return idle.length > 0;
  }

  /** The state of a repository that was opened last. */
  private openOf(repository: string): OpenState | undefined {
    return [...this.states.values()].findLast((open) => open.repository === repository);
  }

  private async ready(repository: GitRepository, name: string): Promise<void> {
    await this.options.standBack?.();
    const published = await repository.peek(Number.POSITIVE_INFINITY);
    const open = this.openOf(name);
    if (this.closed || published === undefined || open === undefined) return;
    const objects = await repository.objects(published);
    try {
      // A fold may have begun another folder, which the open sessions do not read.
      if (objects.path !== open.sessions.path) return;
      refChoicesOf(published.manifest);
      const signal = AbortSignal.timeout(this.options.timeLimit);
      await branchFilesOf(this.viewOf(open, repository, published, signal));
    } finally {
      objects.release();
    }
  }

  private inBackground(work: Promise<void>): void {
    const working = work.catch(() => undefined).finally(() => this.background.delete(working));
    this.background.add(working);
  }

  private dropSoon(name: string): void {
    // It waits for git to end, and reports nothing that a reader could use.
    this.inBackground(this.drop(name));
  }

  private async drop(name: string): Promise<void> {
    const open = this.states.get(name);
    if (open === undefined || (open.users > 0 && !this.closed)) return;
    this.states.delete(name);
    clearTimeout(open.idle);
    await this.end(open);
  }

  /** Opens a state again for the next page. Those who read it finish as they can. */
  private retire(open: OpenState): void {
    if (this.states.get(open.name) === open) this.states.delete(open.name);
    this.damaged.add(open);
  }

  private async end(open: OpenState): Promise<void> {
    if (open.isOver) return;
    open.isOver = true;
    await open.sessions.giveBack();
    open.snapshot?.release();
  }
}

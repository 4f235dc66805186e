import { setMaxListeners } from 'node:events';
import { cloneWants, wantSetDigest } from '../../git/index.ts';
import { type Digest, sha256 } from '../../lib/digest.ts';
import { isCairnError } from '../../lib/errors.ts';
import { Limiter } from '../../lib/limiter.ts';
import { LruMap } from '../../lib/lru.ts';
import type { GitManifest, PackEntry } from '../../repository/git/git-manifest.ts';
import { formatRepositoryId, type RepositoryId } from '../../repository/repository-id.ts';
import { exactPack, type PackPart, partOf, type WantSet } from '../fetch/plan.ts';
import { ConcatenationCheck, type ConcatenationCheckContext } from './check.ts';
import { type CheckedConcatenation, growthSince, noConcatenation } from './growth.ts';

export interface CheckedConcatenationsContext extends ConcatenationCheckContext {
  /** Is called with the error of a check that could not be finished. */
  readonly onTrouble: (error: unknown) => void;
}

/** Number of remembered verdicts, and of full checks that may wait for the running one. */
const REMEMBERED = 4_096;
const WAITING = 8;

/** Maximum number of checks that clients wait for: each has a scratch folder. For further requests, git answers. */
const GROWING = 64;

/** Number of wants remembered with the latest concatenations: about 100 bytes each. */
const WANTS_REMEMBERED = 250_000;

/** With more packs a fold is due, and they are not checked. */
const MOST_PACKS = 64;

/** The result of a check: positions of the packs to send; undefined if no packs fit. There is no verdict before the check. */
interface Verdict {
  readonly packs: readonly number[] | undefined;
}

/** A manifest and the wants to answer from it. */
interface WantedConcatenation {
  readonly id: RepositoryId;
  readonly manifest: GitManifest;
  readonly wants: WantSet;
  /** Identifies the packs and the wants, on which the verdict depends. */
  readonly key: string;
}

/**
 * Knows which packs together contain exactly the objects reachable from some wants, each once. If little was added since the
 * last checked concatenation of a repository, the client waits for an incremental check. Otherwise a full check runs in the
 * background, one at a time, and git answers the client meanwhile.
 */
export class CheckedConcatenations {
  private readonly context: CheckedConcatenationsContext;
  private readonly check: ConcatenationCheck;
  private readonly verdicts = new LruMap<string, Verdict>(REMEMBERED);
  /** The latest checked concatenation of each repository. */
  private readonly latest = new LruMap<string, CheckedConcatenation>(WANTS_REMEMBERED);
  /** Incremental checks, which clients wait for. */
  private readonly growing = new Map<string, Promise<Verdict | undefined>>();
  /** Full checks in the background. */
  private readonly atWork = new Map<string, Promise<void>>();
  private readonly turns = new Limiter('concatenation checks', 1, WAITING);
  private readonly closing = new AbortController();

  constructor(context: CheckedConcatenationsContext) {
    this.context = context;
    this.check = new ConcatenationCheck(context);
    // Every running check adds a listener, and Node would warn of a leak.
    setMaxListeners(0, this.closing.signal);
  }

  /** The parts of packs to send; undefined if that is not known, and then a full check is started. */
  async find(
    id: RepositoryId,
    manifest: GitManifest,
    wants: WantSet,
  ): Promise<readonly PackPart[] | undefined> {
    if (manifest.packs.length > MOST_PACKS) return undefined;
    const wanted = wantedFrom(id, manifest, wants);
    const verdict = this.verdicts.get(wanted.key) ?? (await this.grown(wanted));
    if (verdict === undefined) this.begin(wanted);
    return verdict?.packs?.flatMap((at) => {
      const entry = manifest.packs[at];
      return entry === undefined ? [] : [partOf(entry, manifest.objectFormat)];
    });
  }

  /** Is told of a pack that answers these wants by itself: later incremental checks start from it. */
  noteExact(id: RepositoryId, entry: PackEntry, { oids }: WantSet): void {
    this.remember(id, { packs: [entry], wants: oids });
  }

  /**
   * Is told of every publish. After a fold, the check for a full clone is started if the repository was cloned here, so that
   * git need not answer the next clone. Repositories with very many refs are skipped: reading all of them costs too much.
   */
  published(id: RepositoryId, manifest: GitManifest): void {
    if (manifest.version !== 1 || !manifest.causes.some(({ kind }) => kind === 'fold')) return;
    if (this.latest.get(formatRepositoryId(id)) === undefined) return;
    const oids = [...cloneWants(manifest.refs)];
    const wants = { oids, digest: wantSetDigest(oids) };
    const exact = exactPack(manifest, wants);
    if (exact !== undefined) this.noteExact(id, exact, wants);
    else if (manifest.packs.length <= MOST_PACKS) this.begin(wantedFrom(id, manifest, wants));
  }

  /** Aborts running checks and waits for them. */
  async close(): Promise<void> {
    this.closing.abort();
    while (this.atWork.size + this.growing.size > 0) {
      await Promise.all([...this.atWork.values(), ...this.growing.values()]);
    }
  }

  /** The verdict of an incremental check; undefined if it gives none. Concurrent requests share it. */
  private async grown(wanted: WantedConcatenation): Promise<Verdict | undefined> {
    const { key } = wanted;
    if (this.atWork.has(key) || this.closing.signal.aborted) return undefined;
    const running = this.growing.get(key);
    if (running !== undefined) return running;
    if (this.growing.size >= GROWING) return undefined;
    const check = this.grow(wanted)
      .then((verdict) => {
        if (verdict !== undefined) this.conclude(wanted, verdict);
        return verdict;
      })
      .catch((error: unknown) => {
        // The client is not refused for that: git may still be able to answer.
        this.reportError(error);
        return undefined;
      })
      .finally(() => this.growing.delete(key));
    this.growing.set(key, check);
    return check;
  }

  private async grow({ id, manifest, wants }: WantedConcatenation): Promise<Verdict | undefined> {
    const latest = this.latest.get(formatRepositoryId(id));
    const growth =
      (latest === undefined ? undefined : growthSince(latest, manifest, wants)) ??
      growthSince(noConcatenation, manifest, wants);
    if (growth === undefined) return undefined;
    const packs = await this.check.grow(id, manifest, growth, this.closing.signal);
    return packs === undefined ? undefined : { packs };
  }

  private begin(wanted: WantedConcatenation): void {
    const { key } = wanted;
    const { signal } = this.closing;
    if (this.atWork.has(key) || this.turns.queued >= WAITING || signal.aborted) return;
    const work = async () => {
      const leave = await this.turns.acquire(signal);
      try {
        this.conclude(wanted, { packs: await this.checkFully(wanted) });
      } finally {
        leave();
      }
    };
    // A failed check gives no verdict: the next request starts it again.
    const check = work()
      .catch((error: unknown) => this.reportError(error))
      .finally(() => this.atWork.delete(key));
    this.atWork.set(key, check);
  }

  private async checkFully({
    id,
    manifest,
    wants,
  }: WantedConcatenation): Promise<readonly number[] | undefined> {
    const { signal } = this.closing;
    const oids = [...new Set(wants.oids)];
    // Packs for refs other than branches and tags are rarely wanted. Packs of unreachable objects must not be sent.
    const reached = [...manifest.packs.keys()].filter((at) => manifest.packs[at]?.kind !== 'unreachable');
    const usual = reached.filter((at) => manifest.packs[at]?.kind !== 'rest');
    for (const packs of usual.length < reached.length ? [usual, reached] : [usual]) {
      if (packs.length > 0 && (await this.check.isExact(id, manifest, packs, oids, signal))) return packs;
    }
    return undefined;
  }

  private conclude({ key, id, manifest, wants }: WantedConcatenation, verdict: Verdict): void {
    this.verdicts.set(key, verdict, 1);
    if (verdict.packs === undefined) return;
    const packs = verdict.packs.flatMap((at) => manifest.packs[at] ?? []);
    this.remember(id, { packs, wants: wants.oids });
  }

  private remember(id: RepositoryId, checked: CheckedConcatenation): void {
    this.latest.set(formatRepositoryId(id), checked, 1 + checked.wants.length);
  }

  /** `corrupt` and `busy` are not reported here: if they persist, the client's own request fails with them. */
  private reportError(error: unknown): void {
    if (this.closing.signal.aborted || isCairnError(error, 'corrupt') || isCairnError(error, 'busy')) return;
    this.context.onTrouble(error);
  }
}

function wantedFrom(id: RepositoryId, manifest: GitManifest, wants: WantSet): WantedConcatenation {
  return { id, manifest, wants, key: `${packSetDigest(manifest.packs)} ${wants.digest}` };
}

const digests = new WeakMap<readonly PackEntry[], Digest>();

function packSetDigest(packs: readonly PackEntry[]): Digest {
  let digest = digests.get(packs);
  if (digest === undefined) {
    digest = sha256(JSON.stringify(packs.map(({ kind, pack, own, tips }) => [kind, pack.digest, own, tips])));
    digests.set(packs, digest);
  }
  return digest;
}

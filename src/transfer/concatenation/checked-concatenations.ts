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
import { type CheckedConcatenation, growthSince, nothingProven } from './growth.ts';

export interface CheckedConcatenationsContext extends ConcatenationCheckContext {
  /** Hears of a proof that could not be attempted to its end. */
  readonly onTrouble: (error: unknown) => void;
}

/** Verdicts remembered, and proofs that may wait for the one at work. */
const REMEMBERED = 4_096;
const WAITING = 8;

/** Proofs that clients wait for at a time: each has a folder of its own. Beyond that git answers, as where nothing is known. */
const GROWING = 64;

/** Ids of wants remembered with answers to grow from: some 100 bytes each. */
const WANTS_REMEMBERED = 250_000;

/** Packs beyond that are due to be folded: nobody counts on joining them. */
const MOST_PACKS = 64;

/** Which packs of a manifest are the answer, by their places in it; undefined when none are; nothing while it is being found out. */
interface Verdict {
  readonly packs: readonly number[] | undefined;
}

/** What is wanted of which manifest. */
interface ConcatenationQuestion {
  readonly id: RepositoryId;
  readonly manifest: GitManifest;
  readonly wants: WantSet;
  /** Names the packs and the wants: what the verdict depends on. */
  readonly key: string;
}

/**
 * Knows which packs together hold exactly what some wants reach, each object once. Where little has come since that was
 * last known of the repository, whoever asks waits for the proof that it still holds. Anything else is proved in the
 * background, one proof at a time: whoever asks first is told that it is not known, and gets his answer from git.
 */
export class CheckedConcatenations {
  private readonly context: CheckedConcatenationsContext;
  private readonly check: ConcatenationCheck;
  private readonly verdicts = new LruMap<string, Verdict>(REMEMBERED);
  /** The answer last proved of each repository. */
  private readonly latest = new LruMap<string, CheckedConcatenation>(WANTS_REMEMBERED);
  /** Proofs that clients wait for. */
  private readonly growing = new Map<string, Promise<Verdict | undefined>>();
  /** Proofs that nobody waits for. */
  private readonly atWork = new Map<string, Promise<void>>();
  private readonly turns = new Limiter('proofs', 1, WAITING);
  private readonly closing = new AbortController();

  constructor(context: CheckedConcatenationsContext) {
    this.context = context;
    this.check = new ConcatenationCheck(context);
    // Every proof under way listens, and Node would take so many for a leak.
    setMaxListeners(0, this.closing.signal);
  }

  /** The parts of packs that are the answer, if that is known or soon proved; if not, a longer proof is begun. */
  async find(
    id: RepositoryId,
    manifest: GitManifest,
    wants: WantSet,
  ): Promise<readonly PackPart[] | undefined> {
    if (manifest.packs.length > MOST_PACKS) return undefined;
    const question = questionOf(id, manifest, wants);
    const verdict = this.verdicts.get(question.key) ?? (await this.grown(question));
    if (verdict === undefined) this.begin(question);
    return verdict?.packs?.flatMap((at) => {
      const entry = manifest.packs[at];
      return entry === undefined ? [] : [partOf(entry, manifest.objectFormat)];
    });
  }

  /** Hears of a pack that is an answer by itself: what is pushed from now on grows from it. */
  noteExact(id: RepositoryId, entry: PackEntry, { oids }: WantSet): void {
    this.remember(id, { packs: [entry], wants: oids });
  }

  /**
   * Hears of every publish: behind a fold, clones of what is cloned here are prepared, so that none has to go to git. Where
   * there are very many refs, looking through them would cost more than that is worth.
   */
  published(id: RepositoryId, manifest: GitManifest): void {
    if (manifest.version !== 1 || !manifest.causes.some(({ kind }) => kind === 'fold')) return;
    if (this.latest.get(formatRepositoryId(id)) === undefined) return;
    const oids = [...cloneWants(manifest.refs)];
    const wants = { oids, digest: wantSetDigest(oids) };
    const exact = exactPack(manifest, wants);
    if (exact !== undefined) this.noteExact(id, exact, wants);
    else if (manifest.packs.length <= MOST_PACKS) this.begin(questionOf(id, manifest, wants));
  }

  /** Breaks off what has been begun, and waits for it. */
  async close(): Promise<void> {
    this.closing.abort();
    while (this.atWork.size + this.growing.size > 0) {
      await Promise.all([...this.atWork.values(), ...this.growing.values()]);
    }
  }

  /** The verdict by what has come since the last one; undefined when that does not tell. All who ask meanwhile share it. */
  private async grown(question: ConcatenationQuestion): Promise<Verdict | undefined> {
    const { key } = question;
    if (this.atWork.has(key) || this.closing.signal.aborted) return undefined;
    const running = this.growing.get(key);
    if (running !== undefined) return running;
    if (this.growing.size >= GROWING) return undefined;
    const proof = this.grow(question)
      .then((verdict) => {
        if (verdict !== undefined) this.conclude(question, verdict);
        return verdict;
      })
      .catch((error: unknown) => {
        // Whoever waits is not refused for that: git may still have a place for him, or what it needs.
        this.tell(error);
        return undefined;
      })
      .finally(() => this.growing.delete(key));
    this.growing.set(key, proof);
    return proof;
  }

  private async grow({ id, manifest, wants }: ConcatenationQuestion): Promise<Verdict | undefined> {
    const latest = this.latest.get(formatRepositoryId(id));
    const growth =
      (latest === undefined ? undefined : growthSince(latest, manifest, wants)) ??
      growthSince(nothingProven, manifest, wants);
    if (growth === undefined) return undefined;
    const packs = await this.check.grownAnswer(id, manifest, growth, this.closing.signal);
    return packs === undefined ? undefined : { packs };
  }

  private begin(question: ConcatenationQuestion): void {
    const { key } = question;
    const { signal } = this.closing;
    if (this.atWork.has(key) || this.turns.queued >= WAITING || signal.aborted) return;
    const work = async () => {
      const leave = await this.turns.acquire(signal);
      try {
        this.conclude(question, { packs: await this.prove(question) });
      } finally {
        leave();
      }
    };
    // Nothing is known when it fails, then: the next one who asks begins it anew.
    const proof = work()
      .catch((error: unknown) => this.tell(error))
      .finally(() => this.atWork.delete(key));
    this.atWork.set(key, proof);
  }

  private async prove({
    id,
    manifest,
    wants,
  }: ConcatenationQuestion): Promise<readonly number[] | undefined> {
    const { signal } = this.closing;
    const oids = [...new Set(wants.oids)];
    // What only refs beside branches and tags reach is rarely wanted; what none reaches must not be sent.
    const reached = [...manifest.packs.keys()].filter((at) => manifest.packs[at]?.kind !== 'unreachable');
    const usual = reached.filter((at) => manifest.packs[at]?.kind !== 'rest');
    for (const packs of usual.length < reached.length ? [usual, reached] : [usual]) {
      if (packs.length > 0 && (await this.check.isAnswer(id, manifest, packs, oids, signal))) return packs;
    }
    return undefined;
  }

  private conclude({ key, id, manifest, wants }: ConcatenationQuestion, verdict: Verdict): void {
    this.verdicts.set(key, verdict, 1);
    if (verdict.packs === undefined) return;
    const packs = verdict.packs.flatMap((at) => manifest.packs[at] ?? []);
    this.remember(id, { packs, wants: wants.oids });
  }

  private remember(id: RepositoryId, answer: CheckedConcatenation): void {
    this.latest.set(formatRepositoryId(id), answer, 1 + answer.wants.length);
  }

  /** Damage is told to the one it keeps from his answer, and so is that there is too much to do. */
  private tell(error: unknown): void {
    if (this.closing.signal.aborted || isCairnError(error, 'corrupt') || isCairnError(error, 'busy')) return;
    this.context.onTrouble(error);
  }
}

function questionOf(id: RepositoryId, manifest: GitManifest, wants: WantSet): ConcatenationQuestion {
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

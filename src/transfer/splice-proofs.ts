import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { countObjects, isCompleteBeyondKept } from '../git-process/count-objects.ts';
import type { Git } from '../git-process/git.ts';
import { type Digest, sha256 } from '../lib/digest.ts';
import { isCairnError } from '../lib/errors.ts';
import { Limiter } from '../lib/limiter.ts';
import { LruMap } from '../lib/lru.ts';
import type { ArtifactCache, PinnedFile } from '../repository/artifact-cache.ts';
import type { Manifest, PackEntry, RepositoryState } from '../repository/manifest.ts';
import type { RepositoryId } from '../repository/repository-id.ts';
import { snapshotPackName, writeSnapshot } from '../repository/snapshot.ts';
import { type PackPart, partOf, type WantSet } from './fetch-plan.ts';
import { canBeJoined } from './splice-idx.ts';

export interface SpliceProofsContext {
  readonly git: Git;
  readonly cache: ArtifactCache;
  /** A folder to work in, on the same file system as the cache. */
  readonly scratch: string;
  /** Hears of a proof that could not be attempted to its end. */
  readonly onTrouble: (error: unknown) => void;
}

/** Verdicts remembered, and proofs that may wait for the one at work. */
const REMEMBERED = 4_096;
const WAITING = 8;

/** Packs beyond that are due to be folded: nobody counts on joining them. */
const MOST_PACKS = 64;

/** Which packs of a manifest are the answer, by their places in it; undefined when none are; nothing while it is being found out. */
interface Verdict {
  readonly packs: readonly number[] | undefined;
}

/**
 * Knows which packs together hold exactly what some wants reach, each object once. That is proved in the background, one
 * proof at a time: whoever asks first is told that it is not known, and gets his answer from git.
 *
 * The proof: no object is in two packs, by their idx files; git finds everything that the wants reach in them; and that
 * is as many objects as they have. So it is these, and no others that a force-push has left behind.
 */
export class SpliceProofs {
  private readonly context: SpliceProofsContext;
  private readonly verdicts = new LruMap<string, Verdict>(REMEMBERED);
  private readonly atWork = new Map<string, Promise<void>>();
  private readonly turns = new Limiter('proofs', 1, WAITING);
  private readonly closing = new AbortController();
  private folders = 0;

  constructor(context: SpliceProofsContext) {
    this.context = context;
  }

  /** The parts of packs that are the answer, if that has been proved; if not, a proof is begun. */
  find(id: RepositoryId, manifest: Manifest, wants: WantSet): readonly PackPart[] | undefined {
    if (manifest.packs.length > MOST_PACKS) return undefined;
    const key = `${packSetDigest(manifest.packs)} ${wants.digest}`;
    const verdict = this.verdicts.get(key);
    if (verdict === undefined) this.begin(key, id, manifest, [...new Set(wants.oids)]);
    return verdict?.packs?.flatMap((at) => {
      const entry = manifest.packs[at];
      return entry === undefined ? [] : [partOf(entry, manifest.objectFormat)];
    });
  }

  /** Waits for what has been begun. */
  async settled(): Promise<void> {
    while (this.atWork.size > 0) await Promise.all(this.atWork.values());
  }

  /** Breaks off what has been begun, and waits for it. */
  async close(): Promise<void> {
    this.closing.abort();
    await this.settled();
  }

  private begin(key: string, id: RepositoryId, manifest: Manifest, wants: readonly string[]): void {
    const { signal } = this.closing;
    if (this.atWork.has(key) || this.turns.queued >= WAITING || signal.aborted) return;
    const work = async () => {
      const leave = await this.turns.acquire(signal);
      try {
        this.verdicts.set(key, { packs: await this.prove(id, manifest, wants) }, 1);
      } finally {
        leave();
      }
    };
    const proof = work()
      .catch((error: unknown) => {
        // Nothing is known, then: the next one who asks begins it anew. Damage is told to the one it keeps from his answer.
        if (!signal.aborted && !isCairnError(error, 'corrupt')) this.context.onTrouble(error);
      })
      .finally(() => this.atWork.delete(key));
    this.atWork.set(key, proof);
  }

  private async prove(
    id: RepositoryId,
    manifest: Manifest,
    wants: readonly string[],
  ): Promise<readonly number[] | undefined> {
    // What only refs beside branches and tags reach is rarely wanted; what none reaches must not be sent.
    const reached = [...manifest.packs.keys()].filter((at) => manifest.packs[at]?.kind !== 'unreachable');
    const usual = reached.filter((at) => manifest.packs[at]?.kind !== 'rest');
    for (const packs of usual.length < reached.length ? [usual, reached] : [usual]) {
      if (packs.length > 0 && (await this.isAnswer(id, manifest, packs, wants))) return packs;
    }
    return undefined;
  }

  private async isAnswer(
    id: RepositoryId,
    manifest: Manifest,
    packs: readonly number[],
    wants: readonly string[],
  ): Promise<boolean> {
    const { git, cache, scratch } = this.context;
    const { signal } = this.closing;
    const { objectFormat: format } = manifest;
    const entries = manifest.packs.filter((_, at) => packs.includes(at));
    const path = join(scratch, `splice-${this.folders++}`);
    const stemOf = (entry: PackEntry) => join(path, 'objects', 'pack', snapshotPackName(entry, manifest));
    let pinned: readonly PinnedFile[] = [];
    try {
      pinned = await writeSnapshot(cache, id, withPacksOnly(manifest, entries), path);
      const parts = entries.map((entry) => ({
        ...partOf(entry, format),
        idxPath: `${stemOf(entry)}.idx`,
      }));
      if (!(await canBeJoined(parts, format))) return false;
      const objects = parts.reduce((sum, part) => sum + part.objects, 0);
      if ((await countObjects(git, path, wants, signal)) !== objects) return false;
      if (entries.length === manifest.packs.length) return true;
      // Other packs may have what these lack, and a count by bitmaps does not notice: these have to be enough by
      // themselves. A pack with everything that its tips reach need not be looked into.
      const closed = entries.filter(({ kind, tips }) => kind === 'fold' && tips !== undefined);
      await Promise.all(closed.map((entry) => writeFile(`${stemOf(entry)}.keep`, '')));
      return await isCompleteBeyondKept(git, path, wants, signal);
    } finally {
      await rm(path, { recursive: true, force: true });
      for (const file of pinned) file.release();
    }
  }
}

/** The same repository without refs, and with these packs alone. A commit-graph would vouch for commits that are in others. */
function withPacksOnly(manifest: Manifest, packs: readonly PackEntry[]): RepositoryState {
  const { graph: _, ...state } = manifest;
  return { ...state, refs: new Map(), peeled: new Map(), packs };
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

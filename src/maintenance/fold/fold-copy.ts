/**
 * The scratch copy for a fold: a bare repository of hard links to the packs of one manifest. git writes new packs
 * beside them, and never touches the snapshots of readers.
 */
import { existsSync } from 'node:fs';
import { open, rename, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { dir as temporaryFolder } from 'tmp-promise';
import {
  isCloned,
  packedRefLines,
  packedRefsHeader,
  packHeaderLength,
  parsePackHeader,
  refEntries,
} from '../../git/index.ts';
import type { GitCommand } from '../../git-process/commands.ts';
import {
  packAll,
  packListed,
  packPacks,
  packReachable,
  writeCommitGraph,
} from '../../git-process/fold-commands.ts';
import type { Git } from '../../git-process/git.ts';
import { failureOf, GitRefusal } from '../../git-process/refusal.ts';
import { inBatches } from '../../lib/cooperative.ts';
import { sha256OfFile } from '../../lib/digest.ts';
import { becauseOf, CairnError } from '../../lib/errors.ts';
import { makeFolder, PRIVATE_FOLDER } from '../../lib/make-folder.ts';
import type { ArtifactCache } from '../../repository/cache/artifact-cache.ts';
import type { GitState, PackEntry, PackKind } from '../../repository/git/git-manifest.ts';
import type { LocalArtifact, PackFiles } from '../../repository/intake/store-pack.ts';
import type { RepositoryId } from '../../repository/repository-id.ts';
import { snapshotPackName, writeSnapshot } from '../../repository/snapshot/snapshot.ts';
import { FoldCheck } from './fold-check.ts';
import { findLinked } from './link-walk.ts';
import { packIds } from './pack-ids.ts';
import { parted, revisions } from './revisions.ts';

/** A pack that a fold has made, so far only on local disk. */
export interface MadePack extends PackFiles {
  readonly kind: PackKind;
  readonly objects: number;
}

/** A pack that git made by a walk, undefined if there was nothing to pack; or `refused`: git cannot do that walk. */
export type Walked = { readonly pack: MadePack | undefined } | 'refused';

export interface FoldCopyContext {
  readonly cache: ArtifactCache;
  readonly git: Git;
  /** A folder on the file system of the cache. It is emptied at each start. */
  readonly scratch: string;
}

/** Bytes that a fold leaves free for other work, beside its own need. */
const ROOM_FOR_OTHERS = 256 * 1024 * 1024;
/** Folded bytes are written once more, and are then also in the cache. */
const ROOM_PER_BYTE = 2;

export class FoldCopy {
  /** Checks that the result is complete. */
  readonly check: FoldCheck;
  private readonly context: FoldCopyContext;
  private readonly state: GitState;
  private readonly folder: string;
  private readonly signal: AbortSignal;
  private readonly closers: (() => Promise<void>)[];
  private refused: GitRefusal | undefined;

  private constructor(
    context: FoldCopyContext,
    id: RepositoryId,
    state: GitState,
    folder: string,
    signal: AbortSignal,
    closers: (() => Promise<void>)[],
  ) {
    this.context = context;
    this.state = state;
    this.folder = folder;
    this.signal = signal;
    this.closers = closers;
    this.check = new FoldCheck({ ...context, id, folder, signal });
  }

  /**
   * Creates the copy. The caller closes it.
   * @param folded bytes that will be packed again
   * @throws CairnError `unavailable` when the disk has too little room, or store or disk fail; `corrupt`
   */
  static async open(
    context: FoldCopyContext,
    id: RepositoryId,
    state: GitState,
    folded: number,
    signal: AbortSignal,
  ): Promise<FoldCopy> {
    await mustHaveRoom(context.scratch, folded);
    const { path, cleanup } = await temporaryFolder({
      tmpdir: context.scratch,
      prefix: 'fold',
      unsafeCleanup: true,
    });
    const closers = [cleanup];
    const copy = new FoldCopy(context, id, state, path, signal, closers);
    try {
      const { graph: _ofNoUse, ...rest } = state;
      const pinned = await writeSnapshot(context.cache, id, rest, copy.gitDir);
      closers.unshift(async () => {
        for (const file of pinned) file.release();
      });
      return copy;
    } catch (error) {
      await copy.close();
      throw error;
    }
  }

  /** Removes the copy. Files in the cache stay there. */
  async close(): Promise<void> {
    for (const close of this.closers) await close();
  }

  /** The first task that git could not do and never will; undefined while there is none. */
  get refusal(): GitRefusal | undefined {
    return this.refused;
  }

  /** Packs what branches and tags reach, with reverse index and bitmap. */
  async packCloned(): Promise<Walked> {
    await this.writeRefs(isCloned);
    return this.unlessRefused(async () => ({
      pack: await this.made('fold', await this.run(packAll(this.gitDir))),
    }));
  }

  /** Packs what only other refs reach. */
  async packRest(cloned: MadePack | undefined): Promise<Walked> {
    const [others, wants] = await parted(this.state.refs, ([name]) => !isCloned(name));
    if (others.size === 0) return { pack: undefined };
    const input = await revisions(others, wants);
    const kept = cloned === undefined ? undefined : nameOf(cloned);
    return this.unlessRefused(async () => ({
      pack: await this.made('rest', await this.run(packReachable(this.gitDir, kept), input)),
    }));
  }

  /**
   * Packs the objects of `packs`, except those in `kept` or in the new packs. If git cannot walk them, it packs them
   * as a list.
   */
  async packPacks(
    kind: PackKind,
    packs: readonly PackEntry[],
    kept: readonly PackEntry[],
    made: readonly (MadePack | undefined)[] = [],
  ): Promise<MadePack | undefined> {
    const out = [...kept.map((entry) => this.nameIn(entry)), ...namesOf(made)];
    const lines = [
      ...packs.map((entry) => `${this.nameIn(entry)}.pack`),
      ...out.map((name) => `^${name}.pack`),
    ];
    const walked = await this.unlessRefused(async () => ({
      pack: await this.made(kind, await this.run(packPacks(this.gitDir), `${lines.join('\n')}\n`)),
    }));
    return walked === 'refused' ? this.packListed(kind, packs, kept, made) : walked.pack;
  }

  /** Does the same without reading any object, which makes worse deltas. */
  async packListed(
    kind: PackKind,
    packs: readonly PackEntry[],
    kept: readonly PackEntry[],
    made: readonly (MadePack | undefined)[] = [],
  ): Promise<MadePack | undefined> {
    const out = [...kept.map((entry) => this.nameIn(entry)), ...namesOf(made)];
    const names = packs.map((entry) => this.nameIn(entry));
    const ids = packIds(this.gitDir, names, this.state.objectFormat);
    return this.made(kind, await this.run(packListed(this.gitDir, out), ids));
  }

  /**
   * Packs what refs have left behind: objects in `packs` that were not walked, and the objects they link to in packs
   * set apart earlier. A ref that reached the former also reached the latter.
   * @param apart packs of kind `unreachable` that are not among `packs`
   * @param walked new packs of everything that refs reach
   */
  async packLeft(
    packs: readonly PackEntry[],
    apart: readonly PackEntry[],
    walked: readonly (MadePack | undefined)[],
  ): Promise<MadePack | undefined> {
    const left = await this.packPacks('unreachable', packs, [], walked);
    if (left === undefined || apart.length === 0) return left;
    const { context, gitDir, signal } = this;
    const { objectFormat } = this.state;
    const linked = await findLinked({
      git: context.git,
      gitDir,
      objectFormat,
      from: [nameOf(left)],
      into: apart.map((entry) => this.nameIn(entry)),
      except: namesOf([left, ...walked]),
      signal,
    });
    if (linked === 'too many') return this.packPacks('unreachable', [...packs, ...apart], [], walked);
    if (linked.length === 0) return left;
    async function* ids() {
      yield* packIds(gitDir, namesOf([left]), objectFormat);
      for await (const piece of inBatches(linked)) yield Buffer.from(`${piece.join('\n')}\n`);
    }
    return this.made('unreachable', await this.run(packListed(gitDir, namesOf(walked)), ids()));
  }

  /** Writes a commit-graph of all commits that refs reach; undefined when there are none. */
  async graph(): Promise<LocalArtifact | undefined | 'refused'> {
    await this.writeRefs(() => true);
    return this.unlessRefused(async () => {
      await this.run(writeCommitGraph(this.gitDir));
      const path = join(this.gitDir, 'objects', 'info', 'commit-graph');
      return existsSync(path) ? measure(path) : undefined;
    });
  }

  private async unlessRefused<T>(work: () => Promise<T>): Promise<T | 'refused'> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof GitRefusal)) throw error;
      this.refused ??= error;
      return 'refused';
    }
  }

  private get gitDir(): string {
    return join(this.folder, 'repository');
  }

  /** The name of a pack in the copy, without `.pack`. */
  private nameIn(entry: PackEntry): string {
    return snapshotPackName(entry, this.state);
  }

  private async writeRefs(wanted: (name: string) => boolean): Promise<void> {
    const path = join(this.gitDir, 'packed-refs');
    // Write a new file, because the existing one may be shared by hard links.
    const file = await open(`${path}.new`, 'w');
    try {
      await file.writeFile(packedRefsHeader);
      for await (const piece of inBatches(refEntries(this.state))) {
        const lines = piece.filter(({ name }) => wanted(name)).map(packedRefLines);
        await file.writeFile(lines.join(''));
      }
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
  }

  private async run(
    command: GitCommand,
    input: string | Buffer | AsyncIterable<Buffer> = '',
  ): Promise<string> {
    const result = await this.context.git.run(command, { input, signal: this.signal });
    this.signal.throwIfAborted();
    if (result.exitCode !== 0) throw failureOf('fold', command.name, result);
    return result.stdout.toString('latin1').trim();
  }

  /** @param hash the output of `git pack-objects` */
  private async made(kind: PackKind, hash: string): Promise<MadePack | undefined> {
    if (hash === '') return undefined;
    const stem = join(this.gitDir, 'objects', 'pack', `pack-${hash}`);
    const [pack, idx] = [await measure(`${stem}.pack`), await measure(`${stem}.idx`)];
    const objects = await objectsOf(pack.path);
    const rev = existsSync(`${stem}.rev`) ? await measure(`${stem}.rev`) : undefined;
    const bitmap = existsSync(`${stem}.bitmap`) ? await measure(`${stem}.bitmap`) : undefined;
    return {
      kind,
      objects,
      pack,
      idx,
      ...(rev === undefined ? {} : { rev }),
      ...(bitmap === undefined ? {} : { bitmap }),
    };
  }
}

/** git's name for a pack it made, without `.pack`. */
function nameOf({ pack }: MadePack): string {
  return pack.path.slice(pack.path.lastIndexOf('/') + 1, -'.pack'.length);
}

function namesOf(made: readonly (MadePack | undefined)[]): string[] {
  return made.flatMap((pack) => (pack === undefined ? [] : nameOf(pack)));
}

async function objectsOf(pack: string): Promise<number> {
  const file = await open(pack);
  try {
    const { buffer } = await file.read(Buffer.alloc(packHeaderLength), 0, packHeaderLength, 0);
    const header = parsePackHeader(buffer);
    if (header === undefined) throw new CairnError('unavailable', `git wrote an incomplete pack to ${pack}`);
    return header.objects;
  } finally {
    await file.close();
  }
}

async function measure(path: string): Promise<LocalArtifact> {
  return { path, digest: await sha256OfFile(path), size: (await stat(path)).size };
}

/** A fold that fills the disk would block pushes. @param folder made again if somebody has deleted it */
async function mustHaveRoom(folder: string, folded: number): Promise<void> {
  await makeFolder(folder, PRIVATE_FOLDER).catch((error: unknown) => {
    throw becauseOf('unavailable', 'the scratch folder cannot be written', error);
  });
  const { bavail, bsize } = await statfs(folder);
  const needed = ROOM_PER_BYTE * folded + ROOM_FOR_OTHERS;
  if (bavail * bsize >= needed) return;
  throw new CairnError(
    'unavailable',
    `the disk of ${folder} has no room for a fold, which may need ${needed} bytes`,
  );
}

/**
 * Finds the objects of some packs that the objects of other packs link to. The walk runs in this process: git's own
 * walks stop at a missing link, which old objects may have, and fail on very deep trees.
 */
import { join } from 'node:path';
import { eachLink, type ObjectFormat, type ObjectType, PackIdx } from '../../git/index.ts';
import { describeObjects, type QuarantinePaths } from '../../git-process/commands.ts';
import type { Git } from '../../git-process/git.ts';
import { readAllObjects } from '../../git-process/read-all-objects.ts';
import { ObjectReader } from '../../git-process/read-objects.ts';
import { failureOf } from '../../git-process/refusal.ts';
import { Yielder } from '../../lib/cooperative.ts';
import { isCairnError } from '../../lib/errors.ts';
import { type OpenedFile, openFile } from '../../lib/opened-file.ts';
import { SortedIds } from '../../lib/sorted-ids.ts';
import { hexLines } from './pack-ids.ts';

/** What {@link findLinked} looks for, and where. */
export interface LinkWalkOptions {
  readonly git: Git;
  /** A bare repository that holds all packs named here. */
  readonly gitDir: string;
  readonly objectFormat: ObjectFormat;
  /** Names of packs there, without `.pack`. Links are followed from each of their objects. */
  readonly from: readonly string[];
  /** Packs whose objects are searched for, and followed further. */
  readonly into: readonly string[];
  /** Packs whose objects are skipped, even if `into` has them. */
  readonly except: readonly string[];
  readonly signal: AbortSignal;
}

/** Most objects in the packs of `into`. Each costs 25 bytes of memory. */
const MOST_WANTED = 5_000_000;
/** Largest commit, tree or tag that is read. Only blobs are larger, because packs are bounded. */
const MOST_BYTES = 32 * 1024 * 1024;
/** The same as for the rest of a fold: no request waits for it. */
const NICENESS = 10;

/**
 * Finds the objects of `into` that objects of `from` link to, directly or through others.
 * @returns their ids in hex, or `too many`: then any object of `into` may be among them
 * @throws CairnError `corrupt` when an idx is damaged; `unavailable` when git or the disk fails; the signal's reason
 */
export async function findLinked(options: LinkWalkOptions): Promise<readonly string[] | 'too many'> {
  const walk = new LinkWalk(options);
  try {
    if (!(await walk.open())) return 'too many';
    await walk.followFrom();
    return await walk.followFound();
  } catch (error) {
    // An object from before the bounds existed.
    if (isCairnError(error, 'too-large')) return 'too many';
    throw error;
  } finally {
    await walk.close();
  }
}

interface Found {
  readonly oid: string;
  readonly type: ObjectType;
}

class LinkWalk {
  private readonly options: LinkWalkOptions;
  private readonly paths: QuarantinePaths;
  private readonly wanted: { readonly ids: SortedIds; readonly met: Uint8Array }[] = [];
  private readonly except: PackIdx[] = [];
  private readonly files: OpenedFile[] = [];
  /** Found, but not followed yet. */
  private met: Found[] = [];

  constructor(options: LinkWalkOptions) {
    this.options = options;
    this.paths = { gitDir: options.gitDir, objects: join(options.gitDir, 'objects') };
  }

  /** @returns false when there are too many objects */
  async open(): Promise<boolean> {
    const { into, except } = this.options;
    const indexes = [];
    for (const name of into) indexes.push(await this.openIdx(name));
    if (indexes.reduce((sum, { objects }) => sum + objects, 0) > MOST_WANTED) return false;
    for (const idx of indexes) {
      const blocks: Buffer[] = [];
      for await (const block of idx.ids()) blocks.push(block);
      const ids = new SortedIds(Buffer.concat(blocks), idx.idLength);
      await ids.prepare();
      this.wanted.push({ ids, met: new Uint8Array(idx.objects) });
    }
    for (const name of except) this.except.push(await this.openIdx(name));
    return true;
  }

  async close(): Promise<void> {
    for (const file of this.files) await file.close();
  }

  /** Finds what the objects of `from` link to. */
  async followFrom(): Promise<void> {
    const { from } = this.options;
    const pauses = new Yielder();
    for (const name of from) {
      const idx = await this.openIdx(name);
      for await (const block of idx.ids()) {
        await this.followAll(await this.linkingIn(hexLines(block, idx.idLength)));
        await pauses.next();
      }
    }
  }

  /** Follows the found objects, and those found on the way. @returns all objects found that belong to `into` */
  async followFound(): Promise<string[]> {
    const { git, signal } = this.options;
    const reader = new ObjectReader(git, this.paths, MOST_BYTES, signal);
    const found: string[] = [];
    try {
      while (this.met.length > 0) {
        const fresh: Found[] = [];
        for (const each of this.met.splice(0)) if (!(await this.isPassedOver(each.oid))) fresh.push(each);
        found.push(...fresh.map(({ oid }) => oid));
        const linking = fresh.filter(({ type }) => type !== 'blob');
        let at = 0;
        for await (const { content } of reader.read(linking.map(({ oid }) => oid)))
          this.hear(linking[at++]?.type, content);
      }
    } finally {
      await reader.close();
    }
    return found;
  }

  private async openIdx(name: string): Promise<PackIdx> {
    const file = await openFile(join(this.options.gitDir, 'objects', 'pack', `${name}.idx`));
    this.files.push(file);
    return PackIdx.open(file.read, this.options.objectFormat);
  }

  /** Filters the objects that can link to others, so that blobs are not read. */
  private async linkingIn(lines: Buffer): Promise<string[]> {
    const { git, signal } = this.options;
    const command = { ...describeObjects(this.paths), niceness: NICENESS };
    const result = await git.run(command, { input: lines, signal });
    signal.throwIfAborted();
    if (result.exitCode !== 0) throw failureOf('find links of objects', command.name, result);
    const described = result.stdout.toString('latin1').split('\n');
    return described.flatMap((line) => {
      const [oid = '', type] = line.split(' ');
      return isLinking(type) ? oid : [];
    });
  }

  private async followAll(oids: readonly string[]): Promise<void> {
    if (oids.length === 0) return;
    const { git, signal } = this.options;
    const reading = { git, paths: this.paths, maxSize: MOST_BYTES, niceness: NICENESS, signal };
    await readAllObjects(reading, oids, (_oid, content, type) => {
      if (isLinking(type)) this.hear(type, content);
    });
  }

  private hear(type: ObjectType | undefined, content: Buffer | undefined): void {
    const [first] = this.wanted;
    if (type === undefined || content === undefined || first === undefined) return;
    eachLink(type, content, first.ids.idLength, (linked, bytes, at) => this.meet(linked, bytes, at));
  }

  private meet(type: ObjectType, bytes: Buffer, at: number): void {
    for (const { ids, met } of this.wanted) {
      const place = ids.indexOf(bytes, at);
      if (place === -1) continue;
      if (met[place] === 0) this.met.push({ oid: ids.at(place).toString('hex'), type });
      met[place] = 1;
      return;
    }
  }

  private async isPassedOver(oid: string): Promise<boolean> {
    const id = Buffer.from(oid, 'hex');
    for (const idx of this.except) if (await idx.has(id)) return true;
    return false;
  }
}

function isLinking(type: string | undefined): type is ObjectType {
  return type === 'commit' || type === 'tree' || type === 'tag';
}

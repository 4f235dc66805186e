import { createHash } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CairnError, systemCode } from '../../lib/errors.ts';
import { makeFolder, PRIVATE_FOLDER } from '../../lib/make-folder.ts';
import {
  type ConversionForecast,
  type ConversionTally,
  type ConvertedNotes,
  emptyTally,
  type ObjectCounts,
} from './conversion.ts';

/** Changes when the same history would be converted to something else. */
const VERSION = 1;

/** The packs that a conversion writes, in this order. */
export type PackKind = 'blobs' | 'trees' | 'commits' | 'notes' | 'origin';

/** How far a pack is. */
export interface PartProgress {
  readonly kind: PackKind;
  /** Where the walk over the objects goes on. */
  readonly next: number;
  /** Durable bytes of the pack file. */
  readonly length: number;
  /** Objects in it. */
  readonly done: number;
  /** Name of the pack without `pack-`, when the file is complete. */
  readonly name?: string;
  /** True when idx and reverse index are complete, too. */
  readonly isIndexed?: boolean;
}

/** A pack in the converted repository. */
export interface FinishedPack {
  /** Name without `pack-`; empty if there was no object, and so no pack. */
  readonly name: string;
  readonly objects: number;
}

/** What is durable of a conversion. */
export interface Progress {
  readonly version: number;
  /** Digest of what is converted and how. */
  readonly fingerprint: string;
  /** Hash in the name of the source pack. */
  readonly source?: string;
  readonly counts?: ObjectCounts;
  readonly forecast?: ConversionForecast;
  readonly part?: PartProgress;
  readonly packs: Readonly<Partial<Record<PackKind, FinishedPack>>>;
  readonly areBlobsRecorded?: boolean;
  readonly tally: ConversionTally;
  readonly notes?: ConvertedNotes;
  /** Tips of converted notes refs, and of the origin notes, by name. */
  readonly notesTips?: Readonly<Record<string, string>>;
}

/** The files of a conversion, and what is durable of it. */
export class WorkFolder {
  readonly path: string;
  #progress: Progress;

  /**
   * Opens the folder, or makes it. If it belongs to another conversion, that one's files are removed.
   * @param inputs lines that say what is converted and how
   */
  static async open(path: string, inputs: Iterable<string>): Promise<WorkFolder> {
    await makeFolder(path, PRIVATE_FOLDER);
    const hash = createHash('sha256');
    for (const line of inputs) hash.update(`${line}\n`);
    const fingerprint = hash.digest('hex');
    const known = await readProgress(join(path, 'progress.json'));
    if (known?.version === VERSION && known.fingerprint === fingerprint) return new WorkFolder(path, known);
    const folder = new WorkFolder(path, { version: VERSION, fingerprint, packs: {}, tally: emptyTally });
    for (const name of [
      'progress.json',
      'source',
      'records',
      'numbers',
      'parts',
      'converted.git',
      'converted.git.new',
    ]) {
      await rm(join(path, name), { recursive: true, force: true });
    }
    await folder.save({});
    return folder;
  }

  private constructor(path: string, progress: Progress) {
    this.path = path;
    this.#progress = progress;
  }

  get progress(): Progress {
    return this.#progress;
  }

  /** Folder of the source pack. */
  get source(): string {
    return join(this.path, 'source');
  }

  get records(): string {
    return join(this.path, 'records');
  }

  get numbers(): string {
    return join(this.path, 'numbers');
  }

  /** Folder of packs that are not complete. */
  get parts(): string {
    return join(this.path, 'parts');
  }

  /** The converted repository. */
  get repository(): string {
    return join(this.path, 'converted.git');
  }

  /** Path of the source pack without `.pack`. */
  get sourceStem(): string {
    return join(this.source, `pack-${this.progress.source ?? ''}`);
  }

  /** Path of a pack of the converted repository without `.pack`. */
  stemOf(name: string): string {
    return join(this.repository, 'objects', 'pack', `pack-${name}`);
  }

  /** Makes progress durable. What it tells of must be durable before. */
  async save(change: { readonly [K in keyof Progress]?: Progress[K] | undefined }): Promise<void> {
    const entries = Object.entries({ ...this.#progress, ...change }).filter(
      ([, value]) => value !== undefined,
    );
    this.#progress = Object.fromEntries(entries) as unknown as Progress;
    const path = join(this.path, 'progress.json');
    await replaceFile(path, [JSON.stringify(this.#progress)]);
  }
}

async function readProgress(path: string): Promise<Progress | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Progress;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    // The file is replaced as a whole, so something else has written it.
    throw new CairnError('corrupt', `${path} is not the progress of a conversion`, { cause: error });
  }
}

/** Replaces a file by a durable one with other content. */
export async function replaceFile(
  path: string,
  content: Iterable<string> | AsyncIterable<string>,
): Promise<void> {
  const temporary = `${path}.new`;
  const file = await open(temporary, 'w', 0o600);
  try {
    for await (const text of content) await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

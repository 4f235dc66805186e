import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describeObjects } from '../../git-process/commands.ts';
import { packForConversion } from '../../git-process/convert-commands.ts';
import { Yielder } from '../../lib/cooperative.ts';
import { CairnError } from '../../lib/errors.ts';
import { makeFolder } from '../../lib/make-folder.ts';
import { chooseRefs, isNotesRef } from './choose-refs.ts';
import type {
  ConversionBounds,
  ConversionContext,
  ConversionOptions,
  ConversionStep,
  ConvertedRef,
  ObjectCounts,
} from './conversion.ts';
import { ObjectTable } from './object-table.ts';
import { eachLineOfGit, runGit } from './run-git.ts';
import { SourceObjects } from './source-objects.ts';
import { WorkFolder } from './work-folder.ts';

const DEFAULT_BOUNDS: ConversionBounds = { cacheBytes: 64 * 2 ** 20, checkpointObjects: 20_000 };

/** Parts of the cache: for the table of objects, the idx of the source, contents of objects, and trees in both forms. */
const TABLE_SHARE = 3 / 8;
const IDX_SHARE = 1 / 8;
const CONTENTS_SHARE = 1 / 8;
const TREES_SHARE = 3 / 8;

/** A source with one pack of all objects to convert, and the table of them: what every step works on. */
export interface PreparedSource {
  readonly context: ConversionContext;
  readonly options: ConversionOptions;
  readonly folder: WorkFolder;
  /** The refs whose objects are in the source pack. */
  readonly refs: readonly ConvertedRef[];
  /** Notes refs. Their commits and trees are converted in another way, and are not in the source pack. */
  readonly notesRefs: readonly ConvertedRef[];
  readonly objects: SourceObjects;
  readonly table: ObjectTable;
  readonly counts: ObjectCounts;
  readonly checkpointObjects: number;
  /** Bytes of memory for trees in both forms. */
  readonly treeCacheBytes: number;
  /** A pacer for long loops: yields to others when that is due, and throws the signal's reason when it is aborted. */
  pause(): Promise<void>;
  close(): void;
}

/** Makes the source pack and the table, as far as they are not there already. */
export async function prepareSource(
  context: ConversionContext,
  options: ConversionOptions,
): Promise<PreparedSource> {
  const chosen = chooseRefs(options);
  const folder = await WorkFolder.open(context.folder, [
    `${options.rewriteMessages !== false} ${options.originNotes !== false} ${options.head ?? ''}`,
    ...chosen.map(({ name, oid }) => `${oid} ${name}`),
  ]);
  const types = await typesOf(context, chosen);
  const notesRefs = chosen.filter((ref) => isNotesRef(ref) && types.get(ref.oid) === 'commit');
  const ofNotes = new Set(notesRefs);
  const refs = chosen.filter((ref) => !ofNotes.has(ref));
  if (folder.progress.source === undefined) await select(context, folder, refs);

  const { cacheBytes, checkpointObjects } = { ...DEFAULT_BOUNDS, ...context.bounds };
  if (folder.progress.counts === undefined) {
    for (const path of [folder.records, folder.numbers]) await rm(path, { force: true });
  }
  const table = new ObjectTable(folder.records, folder.numbers, cacheBytes * TABLE_SHARE);
  let objects: SourceObjects;
  try {
    objects = new SourceObjects(folder.sourceStem, table, {
      idx: cacheBytes * IDX_SHARE,
      contents: cacheBytes * CONTENTS_SHARE,
    });
  } catch (error) {
    table.close();
    throw error;
  }
  const close = () => {
    objects.close();
    table.close();
  };
  const yielder = new Yielder();
  const pause = async () => {
    if (!yielder.isDue) return;
    await yielder.next();
    context.signal.throwIfAborted();
  };
  try {
    const counts = folder.progress.counts ?? (await survey(context, folder, objects, pause));
    const treeCacheBytes = cacheBytes * TREES_SHARE;
    return {
      ...{ context, options, folder, refs, notesRefs, objects, table, counts, checkpointObjects },
      ...{ treeCacheBytes, pause, close },
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** Begins a step and returns what tells the observer of progress. */
export function beginStep(
  { observer }: ConversionContext,
  step: ConversionStep,
  total: number,
): (done: number) => void {
  observer?.began(step, total);
  return (done) => observer?.advanced(step, done);
}

/** The types of what refs point at. @throws CairnError `not-found` if one of them is missing */
async function typesOf(
  { git, gitDir, signal }: ConversionContext,
  refs: readonly ConvertedRef[],
): Promise<Map<string, string>> {
  const paths = { gitDir, objects: join(gitDir, 'objects') };
  const types = new Map<string, string>();
  const input = new Set(refs.map(({ oid }) => `${oid}\n`));
  await eachLineOfGit(git, describeObjects(paths), signal, input, (line) => {
    const [oid = '', type = ''] = line.split(' ');
    if (type === 'missing') {
      throw new CairnError('not-found', `the source has a ref to ${oid}, but no such object`);
    }
    types.set(oid, type);
    return false;
  });
  return types;
}

/** Packs everything that the refs reach into one pack. */
async function select(
  context: ConversionContext,
  folder: WorkFolder,
  refs: readonly ConvertedRef[],
): Promise<void> {
  beginStep(context, 'select', 0);
  const { git, gitDir, signal } = context;
  await rm(folder.source, { recursive: true, force: true });
  await makeFolder(folder.source);
  const input = refs.map(({ oid }) => `${oid}\n`).join('');
  const output = await runGit(git, packForConversion(gitDir, join(folder.source, 'pack')), signal, input);
  const [, hash] = /^([0-9a-f]{40})\n$/.exec(output) ?? [];
  if (hash === undefined) throw new CairnError('unavailable', 'git pack-objects did not write one pack');
  await folder.save({ source: hash });
}

/** Fills the table from the headers of the source pack's entries. */
async function survey(
  context: ConversionContext,
  folder: WorkFolder,
  objects: SourceObjects,
  pause: () => Promise<void>,
): Promise<ObjectCounts> {
  const { pack, table, count } = objects;
  const advanced = beginStep(context, 'survey', count);
  const byType = [0, 0, 0, 0, 0];
  for (let number = 0; number < count; number++) {
    const rank = pack.rankAt(number);
    const offset = pack.offsetOf(rank);
    const { type: whole, size, base: from } = objects.headerAt(offset);
    const base = typeof from === 'number' ? table.numberAtOffset(from, number) : -1;
    const type = whole ?? (base === -1 ? undefined : table.typeOf(base));
    if (type === undefined) {
      throw new CairnError('corrupt', 'the source pack has a delta whose base does not come before it');
    }
    table.set(number, { type, offset, size, rank, base });
    byType[type] = (byType[type] ?? 0) + 1;
    if (number % 1000 === 0) advanced(number);
    await pause();
  }
  table.flush();
  const [, commits = 0, trees = 0, blobs = 0, tags = 0] = byType;
  const counts: ObjectCounts = { blobs, trees, commits, tags };
  await folder.save({ counts });
  return counts;
}

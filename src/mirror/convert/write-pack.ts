import { existsSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { initRepository } from '../../git-process/commands.ts';
import { indexConvertedPack } from '../../git-process/convert-commands.ts';
import { CairnError, isCairnError } from '../../lib/errors.ts';
import { makeFolder } from '../../lib/make-folder.ts';
import type { ConversionStep, ConversionTally } from './conversion.ts';
import { withOldIds } from './old-ids.ts';
import { PackWriter } from './pack-writer.ts';
import { beginStep, type PreparedSource } from './prepared-source.ts';
import { runGit } from './run-git.ts';
import type { PackKind, PartProgress } from './work-folder.ts';

/** Objects between two reports to the observer. */
const REPORTED = 1000;

/** A pack that is being written. */
export interface OpenPart {
  readonly writer: PackWriter;
  /** Where the walk over the objects begins. */
  readonly next: number;
  /** Objects that are in the pack already. */
  readonly done: number;
  /**
   * Says that an object was added. From time to time this makes all of it durable, the table included.
   * @param next where the walk would go on
   */
  added(next: number): Promise<void>;
}

export interface PackPlan {
  readonly kind: PackKind;
  readonly step: ConversionStep;
  /** Number of objects; undefined if it is not known before. Such a pack is small, and begins anew after an interruption. */
  readonly objects: number | undefined;
  /** What was counted until now. It is made durable with the objects that it counts. */
  tally?(): ConversionTally;
  /** Bytes in caches beside those of the source. */
  held?(): number;
  /** Adds the objects, all of them in an order that depends on nothing but the source. */
  write(part: OpenPart): Promise<void>;
}

/**
 * Writes a pack, lets git index and check it, and puts it into the converted repository; as far as that is not done. Each
 * step is durable before the next one begins, so that a killed conversion goes on from there and gives the same bytes.
 */
export async function writePack(source: PreparedSource, plan: PackPlan): Promise<void> {
  const { folder, context } = source;
  const { kind, objects } = plan;
  if (folder.progress.packs[kind] !== undefined) return;
  await makeFolder(folder.parts);
  const stem = join(folder.parts, kind);
  let part = partOf(source, kind);
  if (part.name === undefined) {
    const written = objects === 0 ? undefined : await writeFile(source, plan, `${stem}.pack`, part);
    if (written === undefined) {
      await rm(`${stem}.pack`, { force: true });
      await folder.save({
        part: undefined,
        packs: { ...folder.progress.packs, [kind]: { name: '', objects: 0 } },
      });
      return;
    }
    part = written;
  }
  if (part.isIndexed !== true) {
    if (plan.step !== 'notes') beginStep(context, `index ${plan.step}` as ConversionStep, part.done);
    await index(source, stem);
    for (const extension of ['idx', 'rev']) await syncFile(`${stem}.${extension}`);
    part = { ...part, isIndexed: true };
    await folder.save({ part });
  }
  const target = folder.stemOf(part.name ?? '');
  // git looks for the idx, so it comes last.
  for (const extension of ['pack', 'rev', 'idx']) {
    const from = `${stem}.${extension}`;
    if (existsSync(from)) await rename(from, `${target}.${extension}`);
  }
  await syncFile(dirname(target));
  const finished = { name: part.name ?? '', objects: part.done };
  await folder.save({ part: undefined, packs: { ...folder.progress.packs, [kind]: finished } });
}

/** Lets git index and check a pack. */
async function index(source: PreparedSource, stem: string): Promise<void> {
  const { context, folder } = source;
  try {
    await runGit(context.git, indexConvertedPack(folder.repository, stem), context.signal);
  } catch (error) {
    if (!isCairnError(error, 'invalid')) throw error;
    throw new CairnError('invalid', await withOldIds(source, error.message), { cause: error });
  }
}

/** Makes the converted repository, without objects. */
export async function makeRepository({ context, folder }: PreparedSource): Promise<void> {
  if (existsSync(join(folder.repository, 'HEAD'))) return;
  await rm(folder.repository, { recursive: true, force: true });
  const temporary = `${folder.repository}.new`;
  await rm(temporary, { recursive: true, force: true });
  await runGit(context.git, initRepository(temporary, 'sha256'), context.signal);
  await rename(temporary, folder.repository);
}

function partOf({ folder }: PreparedSource, kind: PackKind): PartProgress {
  const { part } = folder.progress;
  return part?.kind === kind ? part : { kind, next: 0, length: 0, done: 0 };
}

/** @returns undefined if there was no object */
async function writeFile(
  source: PreparedSource,
  plan: PackPlan,
  path: string,
  begun: PartProgress,
): Promise<PartProgress | undefined> {
  const { folder, table, objects: sourceObjects, context, checkpointObjects } = source;
  const { kind, objects } = plan;
  const advanced = beginStep(context, plan.step, objects ?? 0);
  const writer = new PackWriter(path, begun.length, objects ?? 0);
  try {
    let { done } = begun;
    let durable = done;
    const state = () => (plan.tally === undefined ? {} : { tally: plan.tally() });
    await plan.write({
      writer,
      next: begun.next,
      done: begun.done,
      added: async (next) => {
        done++;
        if (done % REPORTED === 0) advanced(done);
        if (done - durable < checkpointObjects) return;
        durable = done;
        context.observer?.held?.(sourceObjects.held + (plan.held?.() ?? 0));
        if (objects === undefined) return;
        writer.flush();
        table.flush();
        await folder.save({ part: { kind, next, length: writer.length, done }, ...state() });
      },
    });
    advanced(done);
    if (done === 0) return undefined;
    const name = objects === undefined ? writer.finish(done) : writer.finish();
    table.flush();
    const part: PartProgress = { kind, next: 0, length: writer.length, done, name };
    await folder.save({ part, ...state() });
    return part;
  } finally {
    writer.close();
  }
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

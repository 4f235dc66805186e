import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodePackedRefs, PACKED_TAG } from '../../git/index.ts';
import { compareBytes } from '../../lib/byte-order.ts';
import { CairnError } from '../../lib/errors.ts';
import { chooseHead, replacedId, replaceRef } from './choose-refs.ts';
import type {
  ConversionContext,
  ConversionForecast,
  ConversionOptions,
  ConvertedHistory,
  ConvertedPack,
  ConvertedRef,
} from './conversion.ts';
import { inspectSource, parseText } from './forecast.ts';
import { beginStep, type PreparedSource, prepareSource } from './prepared-source.ts';
import { type PackKind, replaceFile } from './work-folder.ts';
import { convertBlobs } from './write-blobs.ts';
import { convertCommits } from './write-commits.ts';
import { convertNotes } from './write-notes.ts';
import { writeOriginNotes } from './write-origin.ts';
import { makeRepository } from './write-pack.ts';
import { convertTrees } from './write-trees.ts';

/** Each pack links only to itself and to those before. */
const PACKS: readonly PackKind[] = ['blobs', 'trees', 'commits', 'notes', 'origin'];

/**
 * Finds out what {@link convertHistory} will do and lose, and whether it will refuse. It writes only to `context.folder`, and
 * what it did is not done again by a conversion of the same refs in the same folder.
 * @throws as {@link convertHistory}, but not because of what the history holds
 */
export async function forecastConversion(
  context: ConversionContext,
  options: ConversionOptions,
): Promise<ConversionForecast> {
  const source = await prepareSource(context, options);
  try {
    return await inspectSource(source);
  } finally {
    source.close();
  }
}

/**
 * Rewrites a SHA-1 history into SHA-256: blobs stay what they are; trees, commits and tags name the new ids; ids in messages
 * are rewritten where they are unique; signatures and signed tags within merges are dropped. The same refs and options always
 * give the same bytes.
 *
 * It works on disk and can be stopped at any point, also by `kill -9`: called again with the same folder it goes on from the
 * last durable point. Memory is bounded by `context.bounds.cacheBytes`, beside 60 bytes for each commit and tag and 400 for
 * each note of the largest notes ref; the git processes hold their own tables, as they do for a clone.
 *
 * @returns a bare SHA-256 repository with packs, refs and HEAD, and what was counted
 * @throws CairnError `invalid` if the history cannot be converted (submodules, refs that cannot be, objects that git refuses),
 *   `not-found` if a ref points at nothing, `corrupt` if an object is malformed or missing, `too-large` if a tree, commit or
 *   tag is; `unavailable` if git fails; the signal's reason; what the file system throws (`ENOSPC`)
 */
export async function convertHistory(
  context: ConversionContext,
  options: ConversionOptions,
): Promise<ConvertedHistory> {
  const source = await prepareSource(context, options);
  try {
    const forecast = await inspectSource(source);
    if (forecast.refusals.length > 0) {
      throw new CairnError('invalid', `this history cannot be converted: ${forecast.refusals.join('; ')}`);
    }
    await makeRepository(source);
    await convertBlobs(source);
    await convertTrees(source);
    await convertCommits(source);
    await convertNotes(source);
    await writeOriginNotes(source);
    return await finish(source, forecast);
  } finally {
    source.close();
  }
}

/** Writes refs, HEAD and the map of ids. */
async function finish(source: PreparedSource, forecast: ConversionForecast): Promise<ConvertedHistory> {
  const { context, options, folder, counts } = source;
  beginStep(context, 'refs', source.refs.length + source.notesRefs.length);
  const { refs, peeled, renamed } = convertRefs(source);
  const head = chooseHead(
    refs.map(({ name }) => name),
    options.head,
  );
  const gitDir = folder.repository;
  const entries = refs.map(({ name, oid }): [string, string] => [name, oid]);
  await writeFile(join(gitDir, 'packed-refs'), encodePackedRefs(entries, peeled));
  await writeFile(join(gitDir, 'HEAD'), `ref: ${head ?? 'refs/heads/main'}\n`);
  if (options.mappingFile !== undefined) await replaceFile(options.mappingFile, mappingLines(source));
  return {
    ...{ gitDir, packs: finishedPacks(source), refs, head, objects: counts },
    tally: folder.progress.tally,
    notes: folder.progress.notes ?? { converted: 0, unknown: 0, leftOut: 0 },
    renamedRefs: renamed,
    forecast,
  };
}

function finishedPacks({ folder }: PreparedSource): ConvertedPack[] {
  return PACKS.flatMap((kind) => {
    const pack = folder.progress.packs[kind];
    return pack === undefined || pack.objects === 0
      ? []
      : [{ stem: folder.stemOf(pack.name), objects: pack.objects }];
  });
}

function convertRefs(source: PreparedSource): {
  readonly refs: ConvertedRef[];
  /** What annotated tags lead to in the end, by ref. */
  readonly peeled: ReadonlyMap<string, string>;
  readonly renamed: number;
} {
  const { folder, objects, table } = source;
  const refs: ConvertedRef[] = Object.entries(folder.progress.notesTips ?? {}).map(([name, oid]) => ({
    name,
    oid,
  }));
  const peeled = new Map<string, string>();
  let renamed = 0;
  for (const { name, oid } of source.refs) {
    const number = mustFind(source, oid);
    const replacedOid = replacedId(name);
    const replaced = replacedOid === undefined ? -1 : objects.findHex(replacedOid);
    const newName = replaced === -1 ? name : replaceRef(newId(source, replaced));
    if (newName !== name) renamed++;
    refs.push({ name: newName, oid: newId(source, number) });
    let target = number;
    while (table.typeOf(target) === PACKED_TAG) target = mustFind(source, parseText(source, target).target);
    if (target !== number) peeled.set(newName, newId(source, target));
  }
  return { refs: refs.sort((a, b) => compareBytes(a.name, b.name)), peeled, renamed };
}

function mustFind({ objects }: PreparedSource, oid: string): number {
  const number = objects.findHex(oid);
  if (number === -1)
    throw new CairnError('corrupt', `the source pack does not have ${oid}, which a ref leads to`);
  return number;
}

function newId({ table }: PreparedSource, number: number): string {
  const id = Buffer.alloc(32);
  table.copyNewId(number, id, 0);
  return id.toString('hex');
}

async function* mappingLines(source: PreparedSource): AsyncGenerator<string> {
  const { objects, table, pause } = source;
  yield '# SHA-1 id, tab, SHA-256 id; sorted by the first\n';
  const lines: string[] = [];
  for (let rank = 0; rank < objects.count; rank++) {
    lines.push(`${objects.pack.idOf(rank)}\t${newId(source, table.numberOf(rank))}\n`);
    if (lines.length === 1000) yield lines.splice(0).join('');
    await pause();
  }
  yield lines.join('');
}

import {
  type ChangedFile,
  type DiffBounds,
  type FileDiff,
  parseFileDiff,
  SUBMODULE_MODE,
  splitPatch,
  wholeFileDiff,
} from '../git/index.ts';
import { type ComparisonOptions, compareBlobs } from '../git-process/browse-commands.ts';
import { firstBytes } from './first-bytes.ts';
import { blobSize, readBlob } from './objects.ts';
import type { RepositoryView } from './repository-view.ts';

/** Bounds of a file that has a page to itself. */
const BOUNDS: DiffBounds = { lines: 10_000, columns: 2_000 };
const MOST_BYTES = 4 * 1024 * 1024;
/** Largest file that is compared. */
const COMPARED_SIZE = 16 * 1024 * 1024;

const NO_MODE = '000000';

/**
 * Compares the two sides of one file.
 * @returns undefined if it is too large to be compared
 * @throws CairnError `unavailable` when git fails
 */
export async function compareFile(
  view: RepositoryView,
  file: ChangedFile,
  options: ComparisonOptions,
): Promise<FileDiff | undefined> {
  const { oldMode, newMode, oldId, newId } = file;
  const isOneKind = typeOf(oldMode) === typeOf(newMode) && oldMode !== SUBMODULE_MODE;
  if (isOneKind) {
    if (oldId === newId) return { binary: false, hunks: [], cut: false };
    const sizes = await Promise.all([oldId, newId].map((oid) => blobSize(view, oid)));
    if (Math.max(...sizes) > COMPARED_SIZE) return undefined;
    const command = compareBlobs(await view.gitDir(), oldId, newId, options);
    const { output, complete } = await firstBytes(view, command, '', MOST_BYTES);
    return parseFileDiff(splitPatch(output, complete), BOUNDS);
  }
  const before = await wholeSide(view, oldMode, oldId, 'deleted');
  const after = await wholeSide(view, newMode, newId, 'added');
  if (before === undefined || after === undefined) return undefined;
  return {
    binary: before.binary || after.binary,
    hunks: [...before.hunks, ...after.hunks],
    cut: before.cut || after.cut,
  };
}

/** One side whole. */
async function wholeSide(
  view: RepositoryView,
  mode: string,
  oid: string,
  kind: 'added' | 'deleted',
): Promise<FileDiff | undefined> {
  if (mode === NO_MODE) return { binary: false, hunks: [], cut: false };
  // As git shows it.
  if (mode === SUBMODULE_MODE) return wholeFileDiff(Buffer.from(`Subproject commit ${oid}\n`), kind, BOUNDS);
  if ((await blobSize(view, oid)) > COMPARED_SIZE) return undefined;
  const content = await readBlob(view, oid, COMPARED_SIZE);
  return wholeFileDiff(content.subarray(0, MOST_BYTES), kind, BOUNDS, content.length <= MOST_BYTES);
}

/** A file, a link, a submodule or nothing. */
function typeOf(mode: string): string {
  return mode.slice(0, 2);
}

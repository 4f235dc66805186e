import type { FileDifference } from '../../../browse/differences.ts';
import { blobSize, readBlob } from '../../../browse/objects.ts';
import type { RepositoryView } from '../../../browse/repository-view.ts';
import { isCairnError } from '../../../lib/errors.ts';
import { languageOf } from '../../render/language-of.ts';

/** What a file had before or after its changes, for those who read its hunks. */
export interface FileContext {
  readonly before?: string;
  readonly after?: string;
}

/** By their differences. Files that are not there are known by their hunks alone. */
export type FileContexts = ReadonlyMap<FileDifference, FileContext>;

/** Bytes of all files of a page that are read for this, and of one of them. */
const MOST_BYTES = 1024 * 1024;
const FILE_BYTES = 512 * 1024;

/**
 * Reads the files around hunks that do not show how they begin, as far as there is room for them.
 * @throws CairnError `unavailable` when git fails, `busy`
 */
export async function readContexts(
  view: RepositoryView,
  files: readonly FileDifference[],
): Promise<FileContexts> {
  const sides = files.flatMap((difference) => {
    const { file, diff } = difference;
    const isFile = [file.oldMode, file.newMode].every((mode) => mode.startsWith('100'));
    if (!isFile || diff === undefined) return [];
    const lines = diff.hunks.flatMap(({ lines }) => lines);
    const begins = diff.hunks.map((hunk) => hunk.lines[0]);
    const side = (name: keyof FileContext, oid: string, path: Buffer, isNeeded: boolean) =>
      isNeeded && nameLanguage(path) !== undefined ? [{ difference, name, oid }] : [];
    return [
      ...side(
        'after',
        file.newId,
        file.newPath,
        begins.some((line) => (line?.newLine ?? line?.oldLine ?? 1) > 1),
      ),
      ...side(
        'before',
        file.oldId,
        file.oldPath,
        begins.some((line) => (line?.oldLine ?? line?.newLine ?? 1) > 1) &&
          lines.some(({ kind }) => kind === 'deleted'),
      ),
    ];
  });
  const sizes = await Promise.all(sides.map(({ oid }) => blobSize(view, oid).catch(missing)));
  let left = MOST_BYTES;
  const chosen = sides.filter((_, at) => {
    const size = sizes[at] ?? Number.POSITIVE_INFINITY;
    if (size > Math.min(left, FILE_BYTES)) return false;
    left -= size;
    return true;
  });
  const texts = await Promise.all(chosen.map(({ oid }) => readBlob(view, oid, FILE_BYTES).catch(missing)));
  const contexts = new Map<FileDifference, FileContext>();
  for (const [at, { difference, name }] of chosen.entries()) {
    const text = texts[at]?.toString('utf8');
    if (text !== undefined) contexts.set(difference, { ...contexts.get(difference), [name]: text });
  }
  return contexts;
}

/** The language of a file, by its name. */
export function nameLanguage(path: Buffer): ReturnType<typeof languageOf> {
  return languageOf(path.subarray(path.lastIndexOf('/') + 1).toString('utf8'), '');
}

/** What is no file here, or a larger one than it was, is not read. */
function missing(error: unknown): undefined {
  if (isCairnError(error, 'not-found') || isCairnError(error, 'too-large')) return undefined;
  throw error;
}

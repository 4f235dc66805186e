/** What `cairn import` is asked for, and how its options are read. */
import type { GivenFlags } from '../../config/given-flags.ts';
import type { ObjectFormat } from '../../git/index.ts';
import { CairnError } from '../../lib/errors.ts';
import { type PieceSizes, usualPieces } from '../../mirror/import/import-request.ts';
import type { SourceOptions } from '../../mirror/mirror.ts';
import { badValue, countValue } from '../flag-values.ts';
import type { EndpointReader } from '../mirror/mirror.ts';
import { type MirrorFlags, scopeOf } from '../mirror/mirror-flags.ts';

export interface ImportFlags extends MirrorFlags {
  readonly objectFormat?: string;
  readonly dryRun?: boolean;
  readonly packObjects?: string;
  readonly workFolder?: string;
}

/** One import, as asked for. */
export interface ImportCommand {
  /** `<owner>/<identifier>`. */
  readonly name: string;
  readonly flags: ImportFlags;
  readonly given: GivenFlags;
  readonly common: SourceOptions;
  readonly endpoint: EndpointReader;
}

/** All branches and tags, unless some branches are named. */
export function importScope(flags: ImportFlags) {
  const named = (flags.branch ?? []).length + (flags.map ?? []).length > 0;
  return { ...scopeOf(flags), tags: flags.tags ?? !named };
}

/**
 * How much one pack may bring.
 * @throws CairnError `invalid` when that is not a number
 */
export function piecesOf({ packObjects }: ImportFlags): PieceSizes {
  if (packObjects === undefined) return usualPieces;
  const most = countValue('--pack-objects', packObjects);
  return { most, each: Math.max(1, Math.floor(most / 2)) };
}

/**
 * Whether the history has to be converted, as far as the options tell.
 * @throws CairnError `invalid` for a format that does not exist
 */
export function mayConvert({ objectFormat }: ImportFlags): boolean {
  if (objectFormat !== undefined && objectFormat !== 'sha1' && objectFormat !== 'sha256') {
    throw badValue('--object-format', objectFormat, 'sha1 or sha256');
  }
  return objectFormat === 'sha256';
}

/**
 * The format that the repository is to have.
 * @param source the format of the source
 * @throws CairnError `invalid` for one that the source cannot be brought into
 */
export function formatOf({ objectFormat }: ImportFlags, source: ObjectFormat): ObjectFormat {
  if (objectFormat === undefined || objectFormat === source) return source;
  throw new CairnError('invalid', `the source uses ${source}, which cannot become ${objectFormat}`);
}

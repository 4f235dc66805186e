/** What the objects of a pack may have at most, and what is said of those that have more. */
import { CairnError } from '../../../lib/errors.ts';
import { formatSize } from '../../../lib/format-size.ts';

/** Bytes of a commit, tree or tag, which git always holds whole. */
export const MOST_LINKING_BYTES = 32 * 1024 * 1024;

/** Bytes that an object may have, as it is or as the difference it is kept as, and the setting that says so. */
export interface ObjectLimit {
  readonly objectBytes: number;
  readonly setting: string;
  /** Bytes that all objects of the pack may have together; infinite for as many as they have. */
  readonly unpackedBytes: number;
  /** Bytes of a commit, tree or tag. */
  readonly linkingBytes: number;
}

/** @param what for example `object <id> of` */
export function tooLarge(what: string, size: number, { objectBytes, setting }: ObjectLimit): CairnError {
  return new CairnError(
    'too-large',
    `${what} ${size} bytes is larger than ${formatSize(objectBytes)}, the most that one object may have here (${setting})`,
  );
}

/** Of a pack whose objects are too large together. */
export function unpacksToTooMuch({ unpackedBytes }: ObjectLimit): CairnError {
  const most = formatSize(unpackedBytes);
  const reason = `the pack unpacks to more than ${most}, the most that one of its size may without a key that may write here`;
  return new CairnError('too-large', reason);
}

/** @param what for example `object <id> has` */
export function tooHeavy(
  what: string,
  size: number,
  { linkingBytes }: Pick<ObjectLimit, 'linkingBytes'>,
): CairnError {
  const [most, because] =
    linkingBytes < MOST_LINKING_BYTES || size <= MOST_LINKING_BYTES
      ? [linkingBytes, ', and git may hold no more of them at once here (--git-memory)']
      : [MOST_LINKING_BYTES, ''];
  return new CairnError(
    'too-large',
    `${what} ${size} bytes: only files may have more than ${formatSize(most)}${because}`,
  );
}

/**
 * Of an object that `git index-pack` has taken in and other commands of git cannot read, or read as one of another size: its sizes
 * have more bytes than they need, or are behind more than git looks at.
 * @param what for example `object <id>`
 */
export function unusualForm(what: string): CairnError {
  return new CairnError(
    'invalid',
    `${what} is stored in a form that git does not write: repack, then push again`,
  );
}

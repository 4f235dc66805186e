import { isBranch, isObjectId, longPartProblem, refNameProblem } from '../../git/index.ts';
import { compareBytes } from '../../lib/byte-order.ts';
import { CairnError } from '../../lib/errors.ts';
import { type ConversionOptions, type ConvertedRef, originNotesRef } from './conversion.ts';

const NOTES = 'refs/notes/';
const REPLACE = 'refs/replace/';

/**
 * The refs to convert, in byte order of their names.
 * @throws CairnError `invalid` for a name or an id that cannot be, a name that is given twice, a prefix that leaves out
 *   branches or tags, a ref at the place of the origin notes, or if no ref is left
 */
export function chooseRefs({
  refs,
  excludeRefPrefixes = [],
  originNotes,
}: ConversionOptions): ConvertedRef[] {
  for (const prefix of excludeRefPrefixes) mustSpareBranchesAndTags(prefix);
  const chosen = [...refs].filter(
    ({ name }) => !excludeRefPrefixes.some((prefix) => name.startsWith(prefix)),
  );
  const names = new Set<string>();
  for (const { name, oid } of chosen) {
    const problem = refNameProblem(name) ?? longPartProblem(name);
    if (problem !== undefined) throw new CairnError('invalid', `the ref ${JSON.stringify(name)}: ${problem}`);
    if (!isObjectId(oid, 'sha1')) throw new CairnError('invalid', `${name} has no SHA-1 id`);
    if (names.has(name)) throw new CairnError('invalid', `the ref ${name} is given twice`);
    names.add(name);
  }
  if (originNotes !== false && names.has(originNotesRef)) {
    throw new CairnError(
      'invalid',
      `the source has a ref ${originNotesRef}, where the old ids would be kept; exclude it, or write no origin notes`,
    );
  }
  if (chosen.length === 0) throw new CairnError('invalid', 'there is no ref to convert');
  return chosen.sort((a, b) => compareBytes(a.name, b.name));
}

function mustSpareBranchesAndTags(prefix: string): void {
  const spared = ['refs/heads/', 'refs/tags/'];
  if (!spared.some((kind) => prefix.startsWith(kind) || kind.startsWith(prefix))) return;
  throw new CairnError(
    'invalid',
    `the prefix ${JSON.stringify(prefix)} would leave out branches or tags, which other commits may name`,
  );
}

/** True for a ref below `refs/notes/`, whose trees have ids as names. */
export function isNotesRef({ name }: ConvertedRef): boolean {
  return name.startsWith(NOTES);
}

/** The SHA-1 id that the name of a replace ref states; undefined for any other ref. */
export function replacedId(name: string): string | undefined {
  const id = name.startsWith(REPLACE) ? name.slice(REPLACE.length) : '';
  return isObjectId(id, 'sha1') ? id : undefined;
}

/** A replace ref for another object. */
export function replaceRef(oid: string): string {
  return REPLACE + oid;
}

/** The branch for HEAD: the wished one, else main, else master, else the first; undefined if there is no branch. */
export function chooseHead(names: readonly string[], wished: string | undefined): string | undefined {
  const branches = names.filter(isBranch);
  const known = new Set(branches);
  const usual = [wished, 'refs/heads/main', 'refs/heads/master'];
  return usual.find((name) => name !== undefined && known.has(name)) ?? branches[0];
}

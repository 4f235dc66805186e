import { refsStartingWith } from '../../git/index.ts';
import { sha256 } from '../../lib/digest.ts';
import type { GitState } from '../../repository/git/git-manifest.ts';
import { TEMPORARY_PREFIX } from '../plan/ref-scope.ts';

/** Where an import in pieces keeps what it has brought so far. The last publish removes these refs. */
const PREFIX = `${TEMPORARY_PREFIX}import/`;

/**
 * The temporary ref for a branch or tag. It is the same in each run, so that a run continues where another one ended.
 * @param keeper the id of the mirror that imports; undefined for an import that somebody runs
 */
export function temporaryRef(name: string, keeper?: string): string {
  return `${folderOf(keeper)}${sha256(name).slice(0, 16)}`;
}

/** The folder of the temporary refs of a mirror's imports. @param keeper its id */
export function folderOf(keeper: string | undefined): string {
  return keeper === undefined ? PREFIX : `${PREFIX}${keeper}/`;
}

/** True for what {@link temporaryRef} names. */
export function isTemporaryRef(name: string): boolean {
  return name.startsWith(PREFIX);
}

/**
 * The temporary refs that an import removes when it is done: those of its mirror, or, of an import that somebody runs, all that no mirror of
 * the repository may still work behind.
 */
export function temporaryRefs(state: GitState | undefined, keeper?: string): string[] {
  if (state === undefined) return [];
  const found = [...refsStartingWith(state.refs, folderOf(keeper))].map(([name]) => name);
  if (keeper !== undefined) return found;
  const kept = (state.mirrors ?? []).map(({ id }) => folderOf(id));
  return found.filter((name) => !kept.some((folder) => name.startsWith(folder)));
}

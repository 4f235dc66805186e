import { refsStartingWith } from '../../git/index.ts';
import { sha256 } from '../../lib/digest.ts';
import type { GitState } from '../../repository/git/git-manifest.ts';
import { TEMPORARY_PREFIX } from '../plan/ref-scope.ts';

/** Where an import in pieces keeps what it has brought so far. The last publish removes these refs. */
const PREFIX = `${TEMPORARY_PREFIX}import/`;

/** The temporary ref for a branch or tag. It is the same in each run, so that a run goes on where another one ended. */
export function temporaryRef(name: string): string {
  return `${PREFIX}${sha256(name).slice(0, 16)}`;
}

/** True for what {@link temporaryRef} names. */
export function isTemporaryRef(name: string): boolean {
  return name.startsWith(PREFIX);
}

/** The temporary refs that are there. */
export function temporaryRefs(state: GitState | undefined): string[] {
  return state === undefined ? [] : [...refsStartingWith(state.refs, PREFIX)].map(([name]) => name);
}

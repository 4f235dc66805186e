import { listRefsWith } from '../../git-process/walk-commands.ts';
import { Fields, readOutput } from '../read-output.ts';
import type { RepositoryView } from '../repository-view.ts';

/** Whole names of some refs, and how many there are. */
export interface NamedRefs {
  readonly names: readonly string[];
  readonly count: number;
}

/** The branches and tags that reach a commit. */
export interface ContainingRefs {
  readonly branches: NamedRefs;
  readonly tags: NamedRefs;
  /** Whether time was too short to look at all of them. */
  readonly cut: boolean;
}

/** Names of each kind that are listed. */
export const MOST_CONTAINING = 200;
const BOUNDS = { bytes: 16 * 1024 * 1024, milliseconds: 8_000 };

/**
 * Finds the branches and tags that reach a commit, in the order of their names. Where many refs have long histories, that takes
 * long, so it has a limit of time.
 * @param commit id of a commit that is here
 * @throws CairnError `unavailable` when git fails
 */
export async function listContaining(view: RepositoryView, commit: string): Promise<ContainingRefs> {
  const found = { heads: { names: [] as string[], count: 0 }, tags: { names: [] as string[], count: 0 } };
  const lines = new Fields(0x0a);
  const end = await readOutput(view, listRefsWith(await view.gitDir(), commit), '', BOUNDS, (piece) => {
    for (const line of lines.of(piece)) {
      const name = line.toString('utf8');
      const kind = name.startsWith('refs/tags/') ? found.tags : found.heads;
      kind.count++;
      if (kind.names.length < MOST_CONTAINING) kind.names.push(name);
    }
    return true;
  });
  return { branches: found.heads, tags: found.tags, cut: end === 'cut' };
}

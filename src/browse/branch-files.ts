import { findInTree, parseCommit } from '../git/index.ts';
import { isCairnError } from '../lib/errors.ts';
import { LruMap } from '../lib/lru.ts';
import type { GitManifest } from '../repository/git/git-manifest.ts';
import { idLength, type RepositoryView } from './repository-view.ts';

/** Files of the default branch that count for pages about anything else, by their object ids; undefined where there is none. */
export interface BranchFiles {
  /** Names of people. */
  readonly mailmap: string | undefined;
  /** SSH keys whose signatures are good. */
  readonly signers: string | undefined;
  /** Set if the branch could not be read: then it may have such files all the same. */
  readonly unread?: true;
}

/** Where a repository names the SSH keys that count. */
const ALLOWED_SIGNERS = ['.allowed_signers', '.gitsigners'] as const;
/** Most bytes of a commit and of its tree. */
const COMMIT_SIZE = 1024 * 1024;
const TREE_SIZE = 24 * 1024 * 1024;
/** Commits whose files are remembered. They never change, in whatever repository the commit lies. */
const REMEMBERED = 10_000;

const NONE: BranchFiles = { mailmap: undefined, signers: undefined };
const UNREAD: BranchFiles = { ...NONE, unread: true };
const known = new LruMap<string, BranchFiles>(REMEMBERED);

/** The files that the default branch has, if they have been read before. */
export function knownBranchFiles({ head, refs }: GitManifest): BranchFiles | undefined {
  const tip = refs.get(head);
  return tip === undefined ? NONE : known.get(tip);
}

/**
 * The files that the default branch has. What a damaged copy lacks is not remembered: another copy may have it, and so may another
 * repository with the same commit.
 * @throws CairnError `unavailable` when git fails
 */
export async function branchFilesOf(view: RepositoryView): Promise<BranchFiles> {
  const kept = knownBranchFiles(view.manifest);
  if (kept !== undefined) return kept;
  const tip = view.manifest.refs.get(view.manifest.head) ?? '';
  const found = await read(view, tip);
  if (found.unread) view.onCut?.();
  else known.set(tip, found, 1);
  return found;
}

async function read(view: RepositoryView, tip: string): Promise<BranchFiles> {
  const commit = await content(view, tip, 'commit', COMMIT_SIZE);
  if (commit === 'missing') return UNREAD;
  const tree =
    commit === undefined ? undefined : await content(view, parseCommit(commit).tree, 'tree', TREE_SIZE);
  if (tree === 'missing') return UNREAD;
  if (tree === undefined) return NONE;
  const fileAt = (name: string) => {
    const entry = findInTree(tree, idLength(view), Buffer.from(name));
    return entry?.kind === 'file' || entry?.kind === 'executable' ? entry.oid : undefined;
  };
  const [signers] = ALLOWED_SIGNERS.flatMap((name) => fileAt(name) ?? []);
  return { mailmap: fileAt('.mailmap'), signers };
}

/** The content of an object; undefined if it is of another type or larger. */
async function content(
  { session }: RepositoryView,
  oid: string,
  type: 'commit' | 'tree',
  maxSize: number,
): Promise<Buffer | 'missing' | undefined> {
  try {
    const object = await session.readSmall(oid, maxSize);
    if (object === undefined) return 'missing';
    return object.type === type ? object.content : undefined;
  } catch (error) {
    if (isCairnError(error, 'too-large')) return undefined;
    throw error;
  }
}

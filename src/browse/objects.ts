import { type Commit, findInTree, parseCommit, parseTag, type Tag, type TreeEntry } from '../git/index.ts';
import type { SessionObject } from '../git-process/object-session.ts';
import { CairnError } from '../lib/errors.ts';
import { mailmapOf } from './mailmap.ts';
import { idLength, type RepositoryView } from './repository-view.ts';
import { shortCommit, shortTag } from './shortened.ts';
import { entriesOf } from './tree-entries.ts';

/** Most bytes of a commit or tag that is shown. */
const TEXT_SIZE = 1024 * 1024;
/** Most bytes of a tree: some 500,000 entries. */
const TREE_SIZE = 24 * 1024 * 1024;
/** Tags of tags that are followed, as many as a push may bring. */
const TAG_DEPTH = 64;

/** A commit with its id. Its people have the names that the mailmap of the default branch gives them. */
export interface FoundCommit {
  readonly oid: string;
  readonly commit: Commit;
}

/**
 * The tags on the way from an id to what it stands for, outermost first. Mailmaps count for taggers, too. The outermost is whole,
 * the others are as lists have them.
 */
export interface Peeled {
  readonly tags: readonly { readonly oid: string; readonly tag: Tag }[];
  readonly oid: string;
  readonly type: 'commit' | 'tree' | 'blob';
}

/** Follows tags. @throws CairnError `not-found` for an object that is not here */
export async function peel(view: RepositoryView, oid: string): Promise<Peeled> {
  const tags: { oid: string; tag: Tag }[] = [];
  for (let at = oid; tags.length <= TAG_DEPTH; ) {
    const info = await view.session.info(at);
    if (info === undefined) throw notHere(at);
    if (info.type !== 'tag') return { tags, oid: at, type: info.type };
    const tag = parseTag((await readObject(view, at, TEXT_SIZE)).content);
    const tagger = tag.tagger === undefined ? undefined : (await mailmapOf(view)).apply(tag.tagger);
    const whole = { ...tag, tagger };
    tags.push({ oid: at, tag: tags.length === 0 ? whole : shortTag(whole) });
    at = tag.object;
  }
  throw new CairnError('not-found', `${oid} is the first of too many tags of tags`);
}

/** Reads a commit. @throws CairnError `not-found` if it is missing or not a commit; `too-large` */
export async function readCommit(view: RepositoryView, oid: string): Promise<FoundCommit> {
  const { type, content } = await readObject(view, oid, TEXT_SIZE);
  if (type !== 'commit') throw new CairnError('not-found', `${oid} is a ${type}, not a commit`);
  return { oid, commit: await commitIn(view, content) };
}

/** Reads a commit for a list. It is known to be one: git has listed it, or a commit names it as its parent. */
export async function readListedCommit(view: RepositoryView, oid: string): Promise<FoundCommit> {
  view.signal.throwIfAborted();
  const object = await view.session.readSmall(oid, TEXT_SIZE);
  if (object === undefined) throw notHere(oid);
  return { oid, commit: shortCommit(await commitIn(view, object.content)) };
}

/** The commit of this content, with people as the mailmap names them. */
async function commitIn(view: RepositoryView, content: Buffer): Promise<Commit> {
  const [commit, mailmap] = [parseCommit(content), await mailmapOf(view)];
  const [author, committer] = [mailmap.apply(commit.author), mailmap.apply(commit.committer)];
  return { ...commit, author, committer };
}

/** Reads the commit that an id stands for, through tags. */
export async function readCommitOf(view: RepositoryView, oid: string): Promise<FoundCommit> {
  return readCommit(view, (await peel(view, oid)).oid);
}

/** The entries of a tree, in git's order. @throws CairnError `not-found`, `too-large` */
export async function readTree(view: RepositoryView, oid: string): Promise<TreeEntry[]> {
  return entriesOf(await treeContent(view, oid), idLength(view));
}

/**
 * Finds the object at a path.
 * @param tree id of the tree that the path begins in
 * @returns the entry; for the empty path the tree itself
 * @throws CairnError `not-found` when nothing is there
 */
export async function findPath(
  view: RepositoryView,
  tree: string,
  path: readonly Buffer[],
): Promise<Pick<TreeEntry, 'kind' | 'oid'>> {
  let found: Pick<TreeEntry, 'kind' | 'oid'> = { kind: 'folder', oid: tree };
  for (const name of path) {
    const entry =
      found.kind === 'folder'
        ? findInTree(await treeContent(view, found.oid), idLength(view), name)
        : undefined;
    if (entry === undefined)
      throw new CairnError('not-found', 'there is no such file or folder in this commit');
    found = entry;
  }
  return found;
}

/** Reads a file. @param maxSize bytes @throws CairnError `not-found`, `too-large` */
export async function readBlob(view: RepositoryView, oid: string, maxSize: number): Promise<Buffer> {
  const { type, content } = await readObject(view, oid, maxSize);
  if (type !== 'blob') throw new CairnError('not-found', `${oid} is a ${type}, not a file`);
  return content;
}

/** Bytes of a file. @throws CairnError `not-found` if it is missing or not a file */
export async function blobSize(view: RepositoryView, oid: string): Promise<number> {
  const info = await view.session.info(oid);
  if (info?.type !== 'blob') throw notHere(oid);
  return info.size;
}

async function treeContent(view: RepositoryView, oid: string): Promise<Buffer> {
  const { type, content } = await readObject(view, oid, TREE_SIZE);
  if (type !== 'tree') throw new CairnError('not-found', `${oid} is a ${type}, not a folder`);
  return content;
}

/** Reads any object unchanged. @param maxSize bytes @throws CairnError `not-found`, `too-large` */
export async function readObject(view: RepositoryView, oid: string, maxSize: number): Promise<SessionObject> {
  view.signal.throwIfAborted();
  const object = await view.session.read(oid, maxSize);
  if (object === undefined) throw notHere(oid);
  return object;
}

function notHere(oid: string): CairnError {
  return new CairnError('not-found', `there is no object ${oid} in this repository`);
}

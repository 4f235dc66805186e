import { z } from 'zod';
import { lastCommits } from '../../../../browse/last-commits/last-commits.ts';
import {
  blobSize,
  type FoundCommit,
  findPath,
  peel,
  readCommit,
  readListedCommit,
  readTree,
} from '../../../../browse/objects.ts';
import { chooseReadme, readReadme } from '../../../../browse/readme.ts';
import type { RepositoryView } from '../../../../browse/repository-view.ts';
import { type Revision, readRevision } from '../../../../browse/revision.ts';
import type { TreeEntry } from '../../../../git/index.ts';
import { allSettledOrThrow } from '../../../../lib/all-settled-or-throw.ts';
import type { MarkdownPlace } from '../../../render/markdown-links.ts';
import type { CodePage, PageSources } from '../../code-page.ts';
import { commitJson, commitSchema } from '../../json/commit-json.ts';
import { nameSchema, pathJson } from '../../json/name-json.ts';
import { LiesElsewhere } from '../../lies-elsewhere.ts';
import { revisionPlace } from '../../markdown-place.ts';
import { readNumber } from '../../read-query.ts';
import { type ShownReadme, showReadme } from '../../readme/show-readme.ts';
import { SHOWN_ENTRIES } from './shown-entries.ts';
import { treeHtml } from './tree-html.ts';

/** Entries up to which the last commits are looked for, and for how many milliseconds. */
const WITH_COMMITS = 300;
const LOOK_FOR_COMMITS_MS = 1_500;

/** The modes of kinds, as git writes them. */
const MODES = {
  folder: '040000',
  file: '100644',
  executable: '100755',
  symlink: '120000',
  submodule: '160000',
} as const;

/** What a folder is made from: its README has links to files of the same revision. */
export interface TreeQuestion extends Revision {
  readonly place: Omit<MarkdownPlace, 'folder'>;
  /** Entries to leave out before the first one; 0 if absent. */
  readonly skip?: number;
}

export interface TreeContent {
  readonly oid: string;
  /** The commit that it is a folder of; undefined for a tree without one. */
  readonly commit: string | undefined;
  /** Of one part of the folder, folders first. */
  readonly entries: readonly TreeEntry[];
  /** Number of entries of the whole folder. */
  readonly count: number;
  /** Bytes of files, by object id; only for programs. */
  readonly sizes: ReadonlyMap<string, number>;
  /** The last commits of entries, by their name in latin1, where they were found. */
  readonly commits: ReadonlyMap<string, FoundCommit>;
  readonly readme: ShownReadme | undefined;
}

const schema = z.object({
  revision: z.string(),
  path: nameSchema,
  oid: z.string().describe('of the tree'),
  count: z.number().int().describe('entries of the whole folder'),
  skip: z.number().int().describe('entries left out before the first one'),
  entries: z.array(
    z.object({
      name: nameSchema,
      kind: z.enum(['folder', 'file', 'executable', 'symlink', 'submodule']),
      mode: z.enum(['040000', '100644', '100755', '120000', '160000']).describe('in the form of git'),
      oid: z.string(),
      size: z.number().int().nullable().describe('bytes of a file or link; null for other entries'),
      lastCommit: commitSchema.nullable().describe('null if it was not searched, or not found in time'),
    }),
  ),
});

/** A folder. */
export const treePage: CodePage<TreeQuestion, TreeContent, z.infer<typeof schema>> = {
  word: 'tree',
  offersRefs: true,
  description: {
    summary: 'A folder: its entries, each with the last commit that changed it',
    path: 'tree/{revision}/{path}',
    query: { skip: `entries to leave out before the first one; ${SHOWN_ENTRIES} are on a page` },
  },
  ask: ({ links }, { manifest }, segments, query) => {
    const at = readRevision(manifest, segments);
    const place = revisionPlace(links, at.name);
    return { ...at, place, skip: readNumber(query, 'skip') };
  },
  read: readFolder,
  html: (context, { name, ref, path, skip = 0 }, content) =>
    treeHtml(context, { revision: name, ref, path, skip, ...content }),
  json: {
    schema,
    of: (_, at, { oid, entries, count, sizes, commits }) => ({
      revision: at.name,
      path: pathJson(at.path),
      oid,
      count,
      skip: at.skip ?? 0,
      entries: entries.map((entry) => {
        const last = commits.get(entry.name.toString('latin1'));
        return {
          name: pathJson([entry.name]),
          kind: entry.kind,
          mode: MODES[entry.kind],
          oid: entry.oid,
          size: sizes.get(entry.oid) ?? null,
          lastCommit: last === undefined ? null : commitJson(last),
        };
      }),
    }),
  },
};

/** Reads a folder. @throws CairnError `not-found` where nothing is; LiesElsewhere for a file */
export async function readFolder(
  { view, renderer, representation }: PageSources,
  at: TreeQuestion,
): Promise<TreeContent> {
  const { oid, type } = await peel(view, at.oid);
  if (type === 'blob' && at.path.length === 0) throw new LiesElsewhere('file');
  const root = type === 'commit' ? (await readCommit(view, oid)).commit.tree : oid;
  const folder = await findPath(view, root, at.path);
  if (folder.kind !== 'folder') throw new LiesElsewhere('file');
  const all = foldersFirst(await readTree(view, folder.oid));
  const { skip = 0 } = at;
  const introduction = representation === 'json' || skip > 0 ? undefined : chooseReadme(all);
  const showIntroduction = async () => {
    const found =
      introduction === undefined ? undefined : await readReadme(view, root, at.path, introduction);
    return found === undefined ? undefined : showReadme(renderer, found, at.place);
  };
  const entries = all.slice(skip, skip + SHOWN_ENTRIES);
  const sizes = representation === 'json' ? await sizesOf(view, entries) : new Map<string, number>();
  const findCommits = async () =>
    type === 'commit' && all.length <= WITH_COMMITS
      ? commitsOf(view, oid, at.path, entries)
      : new Map<string, FoundCommit>();
  // One thread renders while git is asked.
  const [readme, commits] = await allSettledOrThrow([showIntroduction(), findCommits()]);
  const commit = type === 'commit' ? oid : undefined;
  return { oid: folder.oid, commit, entries, count: all.length, sizes, commits, readme };
}

async function commitsOf(
  view: RepositoryView,
  commit: string,
  path: readonly Buffer[],
  entries: readonly TreeEntry[],
): Promise<Map<string, FoundCommit>> {
  const found = await lastCommits(view, commit, path, entries, LOOK_FOR_COMMITS_MS);
  const ids = [...new Set(found.values())];
  const read = await Promise.all(ids.map((oid) => readListedCommit(view, oid)));
  const commits = new Map(read.map((one) => [one.oid, one]));
  return new Map(
    [...found].flatMap(([name, oid]) => {
      const last = commits.get(oid);
      return last === undefined ? [] : [[name, last] as const];
    }),
  );
}

/** Folders, then the rest, both in git's order: a folder may have a hundred thousand entries, which are not sorted again. */
function foldersFirst(entries: readonly TreeEntry[]): TreeEntry[] {
  const folders = entries.filter(({ kind }) => kind === 'folder');
  return [...folders, ...entries.filter(({ kind }) => kind !== 'folder')];
}

async function sizesOf(view: RepositoryView, entries: readonly TreeEntry[]): Promise<Map<string, number>> {
  const files = entries.filter(({ kind }) => kind !== 'folder' && kind !== 'submodule');
  const ids = [...new Set(files.map(({ oid }) => oid))];
  const sizes = await Promise.all(ids.map(async (oid) => [oid, await blobSize(view, oid)] as const));
  return new Map(sizes);
}

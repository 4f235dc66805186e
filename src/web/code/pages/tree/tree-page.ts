import { z } from 'zod';
import { lastCommits } from '../../../../browse/history.ts';
import {
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
import type { MarkdownPlace } from '../../../render/markdown-links.ts';
import type { CodePage, PageSources } from '../../code-page.ts';
import { commitJson, commitSchema } from '../../json/commit-json.ts';
import { nameSchema, pathJson } from '../../json/name-json.ts';
import { LiesElsewhere } from '../../lies-elsewhere.ts';
import { type ShownReadme, showReadme } from '../../readme/show-readme.ts';
import { treeHtml } from './tree-html.ts';

/** Entries of a folder on a page. */
const SHOWN_ENTRIES = 1_000;
/** Entries up to which the last commits are looked for, and for how many milliseconds. */
const WITH_COMMITS = 300;
const LOOK_FOR_COMMITS_MS = 1_500;

/** What a folder is made from: its README has links to files of the same revision. */
export interface TreeQuestion extends Revision {
  readonly place: Omit<MarkdownPlace, 'folder'>;
}

export interface TreeContent {
  readonly oid: string;
  /** The commit that it is a folder of; undefined for a tree without one. */
  readonly commit: string | undefined;
  /** Of one part of the folder, folders first. */
  readonly entries: readonly TreeEntry[];
  /** Number of entries of the whole folder. */
  readonly count: number;
  /** The last commits of entries, by their name in latin1, where they were found. */
  readonly commits: ReadonlyMap<string, FoundCommit>;
  readonly readme: ShownReadme | undefined;
}

const schema = z.object({
  revision: z.string(),
  path: nameSchema,
  oid: z.string().describe('of the tree'),
  count: z.number().int().describe('entries of the whole folder'),
  entries: z.array(
    z.object({
      name: nameSchema,
      kind: z.enum(['folder', 'file', 'executable', 'symlink', 'submodule']),
      oid: z.string(),
      lastCommit: commitSchema.nullable().describe('null where it was not looked for, or not found in time'),
    }),
  ),
});

/** A folder. */
export const treePage: CodePage<TreeQuestion, TreeContent, z.infer<typeof schema>> = {
  word: 'tree',
  description: {
    summary: 'A folder: its entries, each with the last commit that changed it',
    path: 'tree/{revision}/{path}',
  },
  ask: ({ links }, { manifest }, segments) => {
    const at = readRevision(manifest, segments);
    return { ...at, place: { files: links.at('file', at.name), raw: links.at('raw', at.name) } };
  },
  read: readFolder,
  html: (context, at, content) => treeHtml(context, { revision: at.name, path: at.path, ...content }),
  json: {
    schema,
    of: (_, at, { oid, entries, count, commits }) => ({
      revision: at.name,
      path: pathJson(at.path),
      oid,
      count,
      entries: entries.map((entry) => {
        const last = commits.get(entry.name.toString('latin1'));
        return {
          name: pathJson([entry.name]),
          kind: entry.kind,
          oid: entry.oid,
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
  const root = type === 'commit' ? (await readCommit(view, oid)).commit.tree : oid;
  const folder = await findPath(view, root, at.path);
  if (folder.kind !== 'folder') throw new LiesElsewhere('file');
  const all = (await readTree(view, folder.oid)).sort(foldersFirst);
  const introduction = representation === 'json' ? undefined : chooseReadme(all);
  const found = introduction === undefined ? undefined : await readReadme(view, root, at.path, introduction);
  const readme = found === undefined ? undefined : await showReadme(renderer, found, at.place);
  const entries = all.slice(0, SHOWN_ENTRIES);
  const commits =
    type === 'commit' && all.length <= WITH_COMMITS
      ? await commitsOf(view, oid, at.path, entries)
      : new Map<string, FoundCommit>();
  const commit = type === 'commit' ? oid : undefined;
  return { oid: folder.oid, commit, entries, count: all.length, commits, readme };
}

async function commitsOf(
  view: RepositoryView,
  commit: string,
  path: readonly Buffer[],
  entries: readonly TreeEntry[],
): Promise<Map<string, FoundCommit>> {
  const names = entries.map(({ name }) => name);
  const found = await lastCommits(view, commit, path, names, LOOK_FOR_COMMITS_MS);
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

function foldersFirst(left: TreeEntry, right: TreeEntry): number {
  const [a, b] = [left.kind === 'folder' ? 0 : 1, right.kind === 'folder' ? 0 : 1];
  return a - b || Buffer.compare(left.name, right.name);
}

import { html } from 'hono/html';
import { hasHistory } from '../../../../browse/history.ts';
import type { FoundCommit } from '../../../../browse/objects.ts';
import { pathText } from '../../../../browse/paths.ts';
import { splitMessage, type TreeEntry } from '../../../../git/index.ts';
import type { Html } from '../../../layout.ts';
import { userText } from '../../../user-text.ts';
import { archiveLinks } from '../../archive-links.ts';
import { type CodeContext, codePage } from '../../frame.ts';
import { pager } from '../../pager.ts';
import { day } from '../../person.ts';
import { placeHtml } from '../../place-html.ts';
import { readmeHtml } from '../../readme/readme-html.ts';
import type { ShownReadme } from '../../readme/show-readme.ts';
import { SHOWN_ENTRIES } from './shown-entries.ts';

export interface TreePageParts {
  /** As the URL names the revision. */
  readonly revision: string;
  /** The whole name of the ref; undefined for an id. */
  readonly ref: string | undefined;
  readonly path: readonly Buffer[];
  /** Of one part of the folder, folders first. */
  readonly entries: readonly TreeEntry[];
  /** Number of entries of the whole folder, and of those left out before the first one. */
  readonly count: number;
  readonly skip?: number;
  /** The last commits of entries, by their name in latin1, where they were found. */
  readonly commits: ReadonlyMap<string, FoundCommit>;
  /** The commit that it is a folder of, if any. */
  readonly commit: string | undefined;
  readonly readme: ShownReadme | undefined;
}

const SUBJECT = 100;

/** A folder: its entries, each with the last commit that changed it, and its README. */
export function treeHtml(context: CodeContext, parts: TreePageParts): Html {
  const { revision, path, readme } = parts;
  const { links } = context;
  const title = path.length === 0 ? `Files of ${revision}` : `${pathText(path)} at ${revision}`;
  return codePage(
    context,
    title,
    html`${placeHtml(context, { word: 'tree', revision, ref: parts.ref, path })}
${above(context, parts)}
<div class="card">
${entriesHtml(context, parts)}
</div>
${readme === undefined ? '' : readmeHtml(links.at('file', revision, readme.path), readme)}`,
  );
}

/** Links to the history and, of a whole revision, to archives. A tag of a folder has neither. */
function above({ links }: CodeContext, { revision, path, commit }: TreePageParts): Html | '' {
  if (commit === undefined || !hasHistory(path)) return '';
  const archives = path.length === 0 ? html` · Download ${archiveLinks(links, revision)}` : '';
  return html`<p class="quiet"><a href="${links.at('commits', revision, path)}">History</a>${archives}</p>`;
}

/** The entries of a folder. */
export function entriesHtml(context: CodeContext, parts: Omit<TreePageParts, 'ref' | 'readme'>): Html {
  const { revision, path, entries, count, commits, skip = 0 } = parts;
  const { links } = context;
  if (count === 0) return html`<p>This folder is empty.</p>`;
  const rows = entries.map((entry) => {
    const found = commits.get(entry.name.toString('latin1'));
    return html`<tr><th scope="row" class="${entry.kind}">${entryLink(context, parts, entry)}</th><td>${
      found === undefined
        ? ''
        : html`<a class="plain" href="${links.commit(found.oid)}">${userText(splitMessage(found.commit.message).subject, SUBJECT)}</a>`
    }</td><td class="when">${found === undefined ? '' : day(found.commit.committer)}</td></tr>
`;
  });
  return html`<table class="files">
<thead><tr><th scope="col">Name</th><th scope="col">Last commit</th><th scope="col">Date</th></tr></thead>
<tbody>
${rows}</tbody>
</table>
${entries.length < count ? html`<p class="quiet">${range(skip, entries.length)} of ${count.toLocaleString('en')} entries.</p>` : ''}
${pager({ url: links.at('tree', revision, path), skip, size: SHOWN_ENTRIES, more: skip + entries.length < count && entries.length > 0 })}`;
}

/** Which entries are shown: `1,001–2,000`. */
function range(skip: number, count: number): string {
  const [first, last] = [skip + 1, skip + count].map((number) => number.toLocaleString('en'));
  return count === 0 ? 'None' : `${first}–${last}`;
}

function entryLink(
  { links }: CodeContext,
  { revision, path }: Pick<TreePageParts, 'revision' | 'path'>,
  entry: TreeEntry,
): Html {
  const name = userText(entry.name.toString('utf8'), 255);
  switch (entry.kind) {
    case 'folder':
      return html`<a href="${links.at('tree', revision, [...path, entry.name])}">${name}/</a>`;
    case 'submodule':
      return html`<a href="${links.at('file', revision, [...path, entry.name])}">${name}</a> <span class="quiet">submodule at <code>${entry.oid.slice(0, 10)}</code></span>`;
    case 'symlink':
      return html`<a href="${links.at('file', revision, [...path, entry.name])}">${name}</a> <span class="quiet">link</span>`;
    default:
      return html`<a href="${links.at('file', revision, [...path, entry.name])}">${name}</a>`;
  }
}

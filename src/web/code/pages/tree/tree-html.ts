import { html } from 'hono/html';
import type { FoundCommit } from '../../../../browse/objects.ts';
import { splitMessage, type TreeEntry } from '../../../../git/index.ts';
import type { Html } from '../../../layout.ts';
import { userText } from '../../../user-text.ts';
import { breadcrumbs, type CodeContext, codePage } from '../../frame.ts';
import { day } from '../../person.ts';
import { readmeHtml } from '../../readme/readme-html.ts';
import type { ShownReadme } from '../../readme/show-readme.ts';

export interface TreePageParts {
  /** As the URL names the revision. */
  readonly revision: string;
  readonly path: readonly Buffer[];
  /** Of one part of the folder, folders first. */
  readonly entries: readonly TreeEntry[];
  /** Number of entries of the whole folder. */
  readonly count: number;
  /** The last commits of entries, by their name in latin1, where they were found. */
  readonly commits: ReadonlyMap<string, FoundCommit>;
  readonly readme: ShownReadme | undefined;
}

const SUBJECT = 100;

/** A folder: its entries, each with the last commit that changed it, and its README. */
export function treeHtml(context: CodeContext, parts: TreePageParts): Html {
  const { revision, path, readme } = parts;
  const { links } = context;
  const title =
    path.length === 0 ? revision : `${path.map((name) => name.toString('utf8')).join('/')} at ${revision}`;
  return codePage(
    context,
    title,
    html`${breadcrumbs(links, revision, path)}
<p class="quiet"><a href="${links.at('commits', revision, path)}">History</a></p>
${entriesHtml(context, parts)}
${readme === undefined ? '' : readmeHtml(links, revision, readme)}`,
  );
}

/** The entries of a folder. */
export function entriesHtml(context: CodeContext, parts: Omit<TreePageParts, 'readme'>): Html {
  const { entries, count, commits } = parts;
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
${entries.length < count ? html`<p class="quiet">${entries.length.toLocaleString('en')} of ${count.toLocaleString('en')} entries.</p>` : ''}`;
}

function entryLink(
  { links }: CodeContext,
  { revision, path }: Omit<TreePageParts, 'readme'>,
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

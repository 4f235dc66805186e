import { html } from 'hono/html';
import type { FoundCommit } from '../../../../browse/objects.ts';
import { splitMessage, type TreeEntry } from '../../../../git/index.ts';
import type { Html } from '../../../layout.ts';
import { userText } from '../../../user-text.ts';
import { breadcrumbs, type CodeContext, codePage } from '../../frame.ts';
import { day } from '../../person.ts';

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
}

const SUBJECT = 100;

/** A folder: its entries, each with the last commit that changed it. */
export function treeHtml(context: CodeContext, parts: TreePageParts): Html {
  const { revision, path, entries, count, commits } = parts;
  const { links } = context;
  const rows = entries.map((entry) => {
    const found = commits.get(entry.name.toString('latin1'));
    return html`<tr><th scope="row">${entryLink(context, parts, entry)}</th><td>${
      found === undefined
        ? ''
        : html`<a class="plain" href="${links.commit(found.oid)}">${userText(splitMessage(found.commit.message).subject, SUBJECT)}</a>`
    }</td><td class="when">${found === undefined ? '' : day(found.commit.committer)}</td></tr>
`;
  });
  const title =
    path.length === 0 ? revision : `${path.map((name) => name.toString('utf8')).join('/')} at ${revision}`;
  return codePage(
    context,
    title,
    html`${breadcrumbs(links, revision, path)}
<p class="quiet"><a href="${links.at('commits', revision, path)}">History</a></p>
${
  count === 0
    ? html`<p>This folder is empty.</p>`
    : html`<table class="files">
<thead><tr><th scope="col">Name</th><th scope="col">Last commit</th><th scope="col">Date</th></tr></thead>
<tbody>
${rows}</tbody>
</table>`
}
${entries.length < count ? html`<p class="quiet">${entries.length.toLocaleString('en')} of ${count.toLocaleString('en')} entries.</p>` : ''}`,
  );
}

function entryLink({ links }: CodeContext, { revision, path }: TreePageParts, entry: TreeEntry): Html {
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

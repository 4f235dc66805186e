import { html } from 'hono/html';
import type { Differences, FileDifference } from '../../../../browse/differences.ts';
import type { FoundCommit } from '../../../../browse/objects.ts';
import {
  type ChangedFile,
  type DiffHunk,
  type DiffLine,
  type FileDiff,
  splitMessage,
} from '../../../../git/index.ts';
import type { Html } from '../../../layout.ts';
import { userText } from '../../../user-text.ts';
import { type CodeContext, codePage } from '../../frame.ts';
import { dayAndTime, personName } from '../../person.ts';

export interface CommitPageParts {
  readonly found: FoundCommit;
  /** How the commit differs from its first parent. */
  readonly differences: Differences;
}

const MESSAGE = 20_000;

/** A commit: who, when, why and what. */
export function commitHtml(context: CodeContext, { found, differences }: CommitPageParts): Html {
  const { links } = context;
  const { oid, commit } = found;
  const { subject, body } = splitMessage(commit.message);
  const isSamePerson =
    commit.author.name === commit.committer.name && commit.author.email === commit.committer.email;
  return codePage(
    context,
    `${subject === '' ? oid.slice(0, 10) : subject}`,
    html`<h1 class="subject">${subject === '' ? html`<em>no message</em>` : userText(subject, 500)}</h1>
${body === '' ? '' : html`<p class="said">${userText(body, MESSAGE)}</p>`}
<dl>
<dt>Commit</dt><dd><code>${oid}</code></dd>
<dt>Author</dt><dd>${personName(commit.author)} <span class="quiet">${dayAndTime(commit.author)}</span></dd>
${isSamePerson ? '' : html`<dt>Committer</dt><dd>${personName(commit.committer)} <span class="quiet">${dayAndTime(commit.committer)}</span></dd>`}
${commit.parents.map((parent) => html`<dt>Parent</dt><dd><a href="${links.commit(parent)}"><code>${parent}</code></a></dd>`)}
<dt>Files</dt><dd><a href="${links.at('tree', oid)}">Browse this commit</a></dd>
${commit.signature === undefined ? '' : html`<dt>Signature</dt><dd>signed; not checked here</dd>`}
</dl>
${differencesOf(differences)}`,
  );
}

/** Changed files: a list, and the lines of each. */
export function differencesOf({ files, count }: Differences): Html {
  if (count === 0) return html`<h2>Changes</h2><p>No file differs.</p>`;
  const title = `${count.toLocaleString('en')} changed ${count === 1 ? 'file' : 'files'}`;
  return html`<h2>${title}</h2>
<ul class="changed">
${files.map(
  (
    { file },
    at,
  ) => html`<li><a href="#file-${at + 1}">${pathText(file)}</a> <span class="quiet">${file.status}${counts(file)}</span></li>
`,
)}</ul>
${files.length < count ? html`<p class="quiet">The first ${files.length} files are shown.</p>` : ''}
${files.map(fileDifference)}`;
}

function fileDifference({ file, diff }: FileDifference, at: number): Html {
  return html`<details class="file" id="file-${at + 1}" open>
<summary>${pathText(file)} <span class="quiet">${file.status}${counts(file)}</span></summary>
${diff === undefined ? html`<p class="quiet">Not shown: this comparison is very large.</p>` : fileLines(file, diff)}
</details>
`;
}

function fileLines(file: ChangedFile, diff: FileDiff): Html {
  if (diff.binary) return html`<p class="quiet">Binary file.</p>`;
  if (diff.hunks.length === 0) {
    const mode = file.oldMode === file.newMode ? '' : `, mode ${file.oldMode} → ${file.newMode}`;
    return html`<p class="quiet">No line differs${mode}.</p>`;
  }
  return html`<div class="code diff" role="region" aria-label="Changes" tabindex="0"><table>
<tbody>
${diff.hunks.map(hunkRows)}</tbody>
</table></div>
${diff.cut ? html`<p class="quiet">The rest of the changes of this file is not shown.</p>` : ''}`;
}

function hunkRows({ heading, lines }: DiffHunk): Html {
  return html`<tr class="hunk"><td class="number"></td><td class="number"></td><td><code>… ${heading}</code></td></tr>
${lines.map(lineRow)}`;
}

const SIGNS = { added: '+', deleted: '-', context: ' ' } as const;

function lineRow({ kind, oldLine, newLine, text, noLineFeed }: DiffLine): Html {
  const end = noLineFeed === true ? html`<span class="quiet"> no line feed at the end</span>` : '';
  return html`<tr class="${kind}"><td class="number">${oldLine ?? ''}</td><td class="number">${newLine ?? ''}</td><td><code>${SIGNS[kind]}${text}</code>${end}</td></tr>
`;
}

function pathText({ oldPath, newPath }: ChangedFile): Html {
  const path = (bytes: Buffer) => userText(bytes.toString('utf8'), 1_024);
  return oldPath.equals(newPath) ? path(newPath) : html`${path(oldPath)} → ${path(newPath)}`;
}

function counts({ added, deleted }: ChangedFile): string {
  return added === undefined || deleted === undefined ? ', binary' : `, +${added} −${deleted}`;
}

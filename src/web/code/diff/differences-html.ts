import { html } from 'hono/html';
import { type Differences, FILES_ON_A_PAGE, type FileDifference } from '../../../browse/differences.ts';
import { splitPath } from '../../../browse/paths.ts';
import { type ChangedFile, type FileDiff, SUBMODULE_MODE } from '../../../git/index.ts';
import type { Html } from '../../layout.ts';
import { userText } from '../../user-text.ts';
import { beginningOfPath, type CodeLinks } from '../code-links.ts';
import type { ColouredLines } from './colour-lines.ts';
import { diffLinesHtml } from './diff-lines-html.ts';
import { type DiffView, diffUrl } from './diff-view.ts';

/** Where differences are shown, and between what. */
export interface DifferencesParts {
  readonly differences: Differences;
  /** Lines with the colours of their language; absent: they are plain. */
  readonly coloured?: ColouredLines | undefined;
  readonly view: DiffView;
  /** Path of the page, and the other parameters of its query. */
  readonly here: string;
  readonly others: Readonly<Record<string, string>>;
  /** Revisions in which the files before and after can be viewed; absent if there is none. */
  readonly before?: string | undefined;
  readonly after?: string | undefined;
}

const PLAIN: ColouredLines = new Map();

/** Changed files: a list, and the lines of each. */
export function differencesHtml(links: CodeLinks, parts: DifferencesParts): Html {
  const { differences, view } = parts;
  const { files, first, count, totals } = differences;
  if (count === 0) return html`<h2>Changes</h2><p>No file differs.</p>`;
  const title = `${count.toLocaleString('en')} changed ${count === 1 ? 'file' : 'files'}`;
  const lines = totals === undefined ? '' : html` <span class="quiet">${signed(totals)}</span>`;
  return html`<h2 id="changes">${title}${lines}</h2>
${switches(parts)}
${
  view.file === undefined
    ? html`<ul class="changed">
${files.map(({ file }, at) => listedFile(parts, file, first + at + 1))}</ul>
${pages(parts)}`
    : html`<p class="quiet">File ${view.file} of ${count.toLocaleString('en')}.</p>`
}
${view.page > 1 && view.file === undefined ? '' : files.map((one, at) => fileHtml(links, parts, one, first + at + 1))}`;
}

/** Links to the other views of the same. */
function switches({ view, here, others }: DifferencesParts): Html {
  const url = (change: Partial<DiffView>) => `${diffUrl(here, others, { ...view, ...change })}#changes`;
  return html`<p class="switches"><a href="${url({ split: !view.split })}">${view.split ? 'One column' : 'Two columns'}</a>
<a href="${url({ ignoreSpace: !view.ignoreSpace })}">${view.ignoreSpace ? 'With white space' : 'Without white space'}</a>
${view.file === undefined ? '' : html`<a href="${url({ file: undefined })}">All files</a>`}</p>`;
}

function listedFile({ view, here, others }: DifferencesParts, file: ChangedFile, number: number): Html {
  const url = view.page > 1 ? diffUrl(here, others, { ...view, file: number }) : `#file-${number}`;
  return html`<li><a href="${url}">${pathHtml(file)}</a> <span class="quiet">${facts(file)}</span></li>
`;
}

/** Links to further pages of the list of files. */
function pages({ differences: { first, files, count }, view, here, others }: DifferencesParts): Html | '' {
  if (count <= FILES_ON_A_PAGE) return '';
  const url = (page: number) => diffUrl(here, others, { ...view, page });
  const range = `Files ${(first + 1).toLocaleString('en')} to ${(first + files.length).toLocaleString('en')}.`;
  return html`<nav class="pages" aria-label="Pages of files"><span class="quiet">${range}</span>
${view.page > 1 ? html`<a rel="prev" href="${url(view.page - 1)}">Before</a>` : ''}
${first + files.length < count ? html`<a rel="next" href="${url(view.page + 1)}">More files</a>` : ''}</nav>`;
}

function fileHtml(
  links: CodeLinks,
  parts: DifferencesParts,
  { file, diff }: FileDifference,
  number: number,
): Html {
  return html`<details class="file" id="file-${number}" open>
<summary id="${nameId(number)}">${pathHtml(file)} <span class="quiet">${facts(file)}</span></summary>
${wholeFiles(links, parts, file)}${linesHtml(parts, file, diff, number)}</details>
`;
}

/** Links to the file before and after. */
function wholeFiles(links: CodeLinks, { before, after }: DifferencesParts, file: ChangedFile): Html | '' {
  const { oldMode, newMode, oldPath, newPath } = file;
  const link = (revision: string | undefined, mode: string, path: Buffer, title: string) =>
    revision === undefined || mode === '000000' || mode === SUBMODULE_MODE
      ? ''
      : html` <a href="${links.at('file', revision, splitPath(beginningOfPath(path)))}">${title}</a>`;
  const found = [link(before, oldMode, oldPath, 'File before'), link(after, newMode, newPath, 'File after')];
  return found.every((one) => one === '')
    ? ''
    : html`<p class="whole-files">${found}</p>
`;
}

function linesHtml(
  parts: DifferencesParts,
  file: ChangedFile,
  diff: FileDiff | undefined,
  number: number,
): Html {
  const { view, here, others } = parts;
  const load = (text: string) =>
    html`<a href="${diffUrl(here, others, { ...view, file: number })}">${text}</a>`;
  if (file.oldMode === SUBMODULE_MODE && file.newMode === SUBMODULE_MODE) {
    return html`<p>Submodule <code>${file.oldId.slice(0, 10)}</code> → <code>${file.newId.slice(0, 10)}</code></p>
`;
  }
  if (diff === undefined) {
    return view.file === undefined
      ? html`<p>Not shown among so many changes. ${load('Load this file')}</p>
`
      : html`<p>This file is too large to be compared here.</p>
`;
  }
  const binary = diff.binary
    ? html`<p class="quiet">Binary file, or a very large one.</p>
`
    : '';
  if (diff.binary && diff.hunks.length === 0) return html`${binary}`;
  if (diff.hunks.length === 0 && !diff.cut) {
    const isSame = file.oldId === file.newId || file.status === 'added' || file.status === 'deleted';
    return html`<p class="quiet">${isSame ? 'No line differs.' : 'Only white space differs.'}</p>
`;
  }
  const rest =
    view.file === undefined
      ? html`<p>More lines of this file differ. ${load('Load the whole file')}</p>
`
      : html`<p class="quiet">The rest of the changes of this file is not shown.</p>
`;
  return html`${diff.hunks.length === 0 ? '' : diffLinesHtml(diff, nameId(number), view.split, parts.coloured ?? PLAIN)}${binary}${diff.cut ? rest : ''}`;
}

/** The id of the line that names a file and says what happened to it. */
function nameId(number: number): string {
  return `name-${number}`;
}

function pathHtml({ oldPath, newPath }: ChangedFile): Html {
  const path = (bytes: Buffer) => userText(beginningOfPath(bytes).toString('utf8'), 1_024);
  return oldPath.equals(newPath) ? path(newPath) : html`${path(oldPath)} → ${path(newPath)}`;
}

/** What happened to a file, in words: `renamed, mode 100644 → 100755, +1 −2`. */
function facts(file: ChangedFile): Html {
  const { status, oldMode, newMode, oldId, newId } = file;
  const isSubmodule = oldMode === SUBMODULE_MODE || newMode === SUBMODULE_MODE;
  const isModeChanged = oldMode !== newMode && status !== 'added' && status !== 'deleted';
  const words = [
    isSubmodule ? `submodule ${status}` : status,
    ...(isModeChanged ? [`mode ${oldMode} → ${newMode}`] : []),
  ].join(', ');
  if (oldId === newId || file.added === undefined) return html`${words}`;
  return html`${words}, ${signed(file)}`;
}

function signed({ added, deleted }: Pick<ChangedFile, 'added' | 'deleted'>): Html | '' {
  if (added === undefined || deleted === undefined) return '';
  return html`<span class="plus">+${added.toLocaleString('en')}</span> <span class="minus">−${deleted.toLocaleString('en')}</span>`;
}

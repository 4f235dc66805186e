import { html } from 'hono/html';
import { hasHistory } from '../../../../browse/history.ts';
import { pathText } from '../../../../browse/paths.ts';
import type { Revision } from '../../../../browse/revision.ts';
import { roughSize } from '../../../../lib/format-size.ts';
import type { Html } from '../../../layout.ts';
import type { MarkdownPlace } from '../../../render/markdown-links.ts';
import { userText } from '../../../user-text.ts';
import { type CodeContext, codePage } from '../../frame.ts';
import { linesHtml } from '../../lines-html.ts';
import { placeHtml } from '../../place-html.ts';
import type { FoundEntry } from './find-file.ts';
import { previewHtml } from './preview-html.ts';
import type { ShownFile, SpecialFile } from './shown-file.ts';
import { submoduleHere } from './submodule-here.ts';

/** Characters of the URL of a submodule. */
const URL_LENGTH = 1_000;

export interface FileQuestion extends Revision {
  /** Whether the lines are requested instead of a preview. */
  readonly plain: boolean;
  readonly place: MarkdownPlace;
}

export interface FileContent {
  readonly entry: FoundEntry;
  /** Bytes; undefined for a submodule. */
  readonly size: number | undefined;
  readonly shown: ShownFile;
}

/** Kinds of file that the lines of are worth a look, too. */
const WITH_SOURCE = /\.(?:md|markdown|mkd|mkdown|ipynb|csv|tsv|svg)$/i;

/** A file: its lines with numbers that can be linked to, a preview, or why it is not shown. */
export function fileHtml(context: CodeContext, question: FileQuestion, content: FileContent): Html {
  const { name, path } = question;
  const { shown } = content;
  return codePage(
    context,
    path.length === 0 ? `File of ${name}` : `${pathText(path)} at ${name}`,
    html`${placeHtml(context, { word: 'file', revision: name, ref: question.ref, path })}
<p class="quiet facts">${facts(content)}</p>
${actions(context, question, content)}
${shown.special === undefined ? '' : special(context, question, content.entry, shown.special)}
${shown.preview === undefined ? '' : previewHtml(shown.preview, context.links.at('raw', name, path), nameOf(path))}
${shown.preview === undefined && shown.lines !== undefined ? linesHtml(shown.lines) : ''}`,
  );
}

function nameOf(path: readonly Buffer[]): string {
  return path.at(-1)?.toString('utf8') ?? '';
}

function facts({ entry, size, shown: { lines } }: FileContent): string {
  const count = lines?.lines.length ?? 0;
  return [
    ...(size === undefined ? [] : [roughSize(size)]),
    ...(lines === undefined ? [] : [`${count.toLocaleString('en')} ${count === 1 ? 'line' : 'lines'}`]),
    ...(lines === undefined || lines.encoding === 'utf-8' ? [] : [lines.encoding]),
    ...(lines === undefined || lines.lineEnds === 'lf'
      ? []
      : [`${lines.lineEnds === 'crlf' ? 'CRLF' : 'LF and CRLF'} line ends`]),
    ...(lines === undefined || lines.endsWithLineFeed ? [] : ['no line feed at the end']),
    ...(entry.kind === 'executable' ? ['executable'] : []),
  ].join(' · ');
}

/** Links to other views of the same file. */
function actions({ links }: CodeContext, question: FileQuestion, { entry, shown }: FileContent): Html {
  const { name, path, plain } = question;
  const isInRepository = entry.kind !== 'submodule';
  const raw = links.at('raw', name, path);
  const here = links.at('file', name, path);
  const hasSource = WITH_SOURCE.test(nameOf(path)) && shown.lines !== undefined;
  return html`<nav class="actions" aria-label="File">
${hasSource ? (plain ? html`<a href="${here}">Rendered</a>` : html`<a class="source" href="${here}?plain=1">Source</a>`) : ''}
${isInRepository ? html`<a href="${raw}">Raw</a> <a href="${raw}?download=1">Download</a>` : ''}
${entry.commit === undefined || entry.commit === name ? '' : html`<a class="permalink" href="${links.at('file', entry.commit, path)}">Permalink</a>`}
${entry.commit !== undefined && hasHistory(path) ? html`<a href="${links.at('commits', name, path)}">History</a>` : ''}
${shown.lines === undefined || entry.commit === undefined ? '' : html`<a href="${links.at('blame', name, path)}">Blame</a>`}
</nav>`;
}

function special(
  { base, links, owner, manifest }: CodeContext,
  { name }: FileQuestion,
  { oid }: FoundEntry,
  file: SpecialFile,
): Html {
  switch (file.is) {
    case 'binary':
      return html`<p>This is a binary file: it is not shown here.</p>`;
    case 'too-large':
      return html`<p>This file is too large to be shown here.</p>`;
    case 'lfs':
      return html`<p>This file is kept by Git LFS, not in this repository. A pointer to it is here:</p>
<dl><dt>Size</dt><dd>${roughSize(file.size)}${file.size < 1024 ? '' : ` (${file.size.toLocaleString('en')} bytes)`}</dd>
<dt>SHA-256</dt><dd><code>${file.oid}</code></dd></dl>`;
    case 'link': {
      const target = html`<code>${userText(file.target, 4_096)}</code>`;
      return file.leadsTo === undefined
        ? html`<p>A symbolic link to ${target}, which is not in this revision.</p>`
        : html`<p>A symbolic link to <a href="${links.at('file', name, file.leadsTo)}">${target}</a>.</p>`;
    }
    case 'submodule': {
      const here = submoduleHere(base, owner, manifest.identifier, file.url);
      const commit = html`<code>${oid}</code>`;
      return html`<p>A submodule: a commit of another repository.</p>
<dl><dt>Commit</dt><dd>${here === undefined ? commit : html`<a href="${here.at('tree', oid)}" rel="nofollow">${commit}</a>`}</dd>
<dt>From</dt><dd>${here === undefined ? submoduleUrl(file.url) : html`<a href="${here.repository}"><code>${userText(file.url ?? '', URL_LENGTH)}</code></a>`}</dd></dl>`;
    }
  }
}

/** A link where it can be opened in a browser. Anybody may have written it. */
export function submoduleUrl(url: string | undefined): Html {
  if (url === undefined) return html`<span class="quiet">not said in <code>.gitmodules</code></span>`;
  const text = html`<code>${userText(url, URL_LENGTH)}</code>`;
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const isWeb = parsed !== undefined && /^https?:$/.test(parsed.protocol) && parsed.username === '';
  return isWeb ? html`<a href="${parsed.href}" rel="nofollow noopener noreferrer">${text}</a>` : text;
}

import { html } from 'hono/html';
import type { ArtifactName } from '../../fossil/artifact-name.ts';
import type { CheckInFile } from '../../fossil/check-in-manifest.ts';
import type { Html } from '../layout.ts';
import { userText } from '../user-text.ts';
import type { FossilContext } from './fossil-frame.ts';

/** Entries of a folder on a page. */
export const SHOWN_ENTRIES = 2_000;
const NAME = 255;

/** The direct entries of a folder of a check-in. */
export interface FolderEntry {
  readonly name: string;
  /** Undefined for a folder. */
  readonly file: CheckInFile | undefined;
}

/** The entries that a page shows. */
export interface ShownFolder {
  readonly checkIn: ArtifactName;
  readonly entries: readonly FolderEntry[];
  /** Number of all entries. */
  readonly count: number;
}

/** The direct entries of a folder, folders first. @param files all files of a check-in, in the order of their names */
export function entriesOf(files: ReadonlyMap<string, CheckInFile>, path: string): FolderEntry[] {
  const prefix = path === '' ? '' : `${path}/`;
  const found = new Map<string, CheckInFile | undefined>();
  for (const [name, file] of files) {
    if (!name.startsWith(prefix)) continue;
    const slash = name.indexOf('/', prefix.length);
    if (slash === -1) found.set(name.slice(prefix.length), file);
    else found.set(name.slice(prefix.length, slash), undefined);
  }
  const entries = [...found].map(([name, file]) => ({ name, file }));
  return [
    ...entries.filter(({ file }) => file === undefined),
    ...entries.filter(({ file }) => file !== undefined),
  ];
}

/** The entries as a table. @param path of the folder, with slashes; empty for the top */
export function entriesHtml(
  context: FossilContext,
  path: string,
  { checkIn, entries, count }: ShownFolder,
): Html {
  if (count === 0) return html`<p>This check-in has no files.</p>`;
  return html`<table class="files">
<thead><tr><th scope="col">Name</th><th scope="col">Artifact</th></tr></thead>
<tbody>
${entries.map((entry) => row(context, checkIn, path, entry))}</tbody>
</table>
${entries.length < count ? html`<p class="quiet">${entries.length.toLocaleString('en')} of ${count.toLocaleString('en')} entries.</p>` : ''}`;
}

function row(
  { links }: FossilContext,
  checkIn: ArtifactName,
  path: string,
  { name, file }: FolderEntry,
): Html {
  const whole = path === '' ? name : `${path}/${name}`;
  const text = userText(name, NAME);
  const link =
    file === undefined
      ? html`<a href="${links.at('tree', checkIn, whole)}">${text}/</a>`
      : html`<a href="${links.at('file', checkIn, whole)}">${text}</a>${file.kind === 'file' ? '' : html` <span class="quiet">${file.kind}</span>`}`;
  return html`<tr><th scope="row" class="${file?.kind ?? 'folder'}">${link}</th><td>${file === undefined ? '' : html`<a class="plain" href="${links.at('artifact', file.artifact)}"><code>${file.artifact.slice(0, 10)}</code></a>`}</td></tr>
`;
}

import type { LfsPointer } from '../../../../git/index.ts';
import type { DelimitedTable } from '../../../render/delimited.ts';
import type { RenderedNotebook } from '../../../render/render-notebook.ts';
import type { ShownLines } from '../../shown-lines.ts';

/** What is shown in the place of lines. */
export type Preview =
  | { readonly is: 'markdown'; readonly html: string }
  | { readonly is: 'notebook'; readonly notebook: RenderedNotebook }
  | { readonly is: 'table'; readonly table: DelimitedTable }
  /** Shown by the browser, from the URL of the raw file. */
  | { readonly is: 'picture' | 'sound' | 'film' | 'document' };

/** What has no content to be shown. */
export type SpecialFile =
  | {
      readonly is: 'link';
      /** As it is written. */
      readonly target: string;
      /** Where it leads in the same revision; undefined if nothing is there, or it leads out of the repository. */
      readonly leadsTo: readonly Buffer[] | undefined;
    }
  | {
      readonly is: 'submodule';
      /** Where it comes from, as `.gitmodules` writes it. */
      readonly url: string | undefined;
    }
  | ({ readonly is: 'lfs' } & LfsPointer)
  | { readonly is: 'binary' | 'too-large' };

/** What a page shows of a file: lines, a preview or both; or something special. */
export interface ShownFile {
  readonly lines?: ShownLines;
  readonly preview?: Preview;
  readonly special?: SpecialFile;
}

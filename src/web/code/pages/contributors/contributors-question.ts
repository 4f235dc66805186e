import type { Revision } from '../../../../browse/revision.ts';

/** People on a page. */
export const SHOWN_PEOPLE = 100;

export interface ContributorsQuestion extends Revision {
  readonly skip: number;
  /** The default branch, whose mailmap counts. */
  readonly mailmapAt: string;
}

import type { KeptPlace } from '../../kept-place.ts';

export interface TagsQuestion {
  /** Of the whole state: all refs may count. */
  readonly digest: string;
  readonly order: 'version' | 'date';
  readonly skip: number;
  /** Where links lead; undefined for the pages of the tags. */
  readonly place: KeptPlace | undefined;
}

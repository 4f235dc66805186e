import type { KeptPlace } from '../../kept-place.ts';

export interface BranchesQuestion {
  /** Of the whole state: all refs may count. */
  readonly digest: string;
  readonly order: 'recent' | 'name';
  readonly skip: number;
  /** Where links lead; undefined for the folder of all files. */
  readonly place: KeptPlace | undefined;
}

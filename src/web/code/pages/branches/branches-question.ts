export interface BranchesQuestion {
  /** Of the whole state: all refs may count. */
  readonly digest: string;
  readonly order: 'recent' | 'name';
  readonly skip: number;
}

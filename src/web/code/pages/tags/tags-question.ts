export interface TagsQuestion {
  /** Of the whole state: all refs may count. */
  readonly digest: string;
  readonly order: 'version' | 'date';
  readonly skip: number;
}

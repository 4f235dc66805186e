import { doublesColumn, wordsColumn } from '../../lib/columns.ts';
import { type Hash, HashTable } from '../../lib/hash-table.ts';
import type { Cursor, RowLists } from './row-lists.ts';

/**
 * Terms of one sort (authors, values of tags, addresses …), each with the rows it stands for. A term is known by a hash of
 * 64 bits and has a number as long as it has rows.
 */
export class RowTerms {
  private readonly table = new HashTable();
  private readonly names = wordsColumn();
  private readonly weights = doublesColumn();
  private readonly lists: RowLists;

  constructor(lists: RowLists) {
    this.lists = lists;
  }

  /** Terms that have rows. */
  get size(): number {
    return this.table.size;
  }

  /** Bytes of memory it takes, its lists not included. */
  get bytes(): number {
    return this.table.bytes + this.names.bytes + this.weights.bytes;
  }

  /** @returns its number, or −1 when it has no rows */
  find(hash: Hash): number {
    return this.table.find(hash);
  }

  /** Rows of a term; none of −1. */
  count(term: number): number {
    return term < 0 ? 0 : this.lists.count(this.names.get(term));
  }

  /** The sum of the weights with which its rows were put in. */
  weight(term: number): number {
    return term < 0 ? 0 : this.weights.get(term);
  }

  /** The rows of a term, the newest first. @param passes true for all rows from some date back; the others are left out */
  cursor(term: number, passes?: (row: number) => boolean): Cursor {
    return this.lists.cursor(this.names.get(term), passes);
  }

  /** The rows of a term, the newest first; none of −1. */
  rows(term: number): number[] {
    const found: number[] = [];
    if (term < 0) return found;
    for (const cursor = this.cursor(term); cursor.row >= 0; cursor.next()) found.push(cursor.row);
    return found;
  }

  /** The number of a term, which is to be given a row at once. */
  take(hash: Hash): number {
    const known = this.table.find(hash);
    if (known >= 0) return known;
    const term = this.table.add(hash);
    this.names.set(term, 0);
    this.weights.set(term, 0);
    return term;
  }

  /** Puts a row in that is not there. */
  add(term: number, row: number, weight = 0): void {
    this.names.set(term, this.lists.add(this.names.get(term), row));
    if (weight !== 0) this.weights.set(term, this.weights.get(term) + weight);
  }

  /** Takes a row out; a term with none left is forgotten. */
  remove(term: number, row: number, weight = 0): void {
    const name = this.lists.remove(this.names.get(term), row);
    this.names.set(term, name);
    if (weight !== 0) this.weights.set(term, this.weights.get(term) - weight);
    if (name === 0) this.table.remove(term);
  }
}

import { doublesColumn, wordsColumn } from '../../lib/columns.ts';
import { type Hash, HashTable } from '../../lib/hash-table.ts';
import type { Cursor, RowLists } from './row-lists.ts';

/**
 * Terms of one sort (authors, tag values, addresses …), each with a list of rows. A term is identified by a 64-bit hash, and
 * has a number as long as it has rows.
 */
export class RowTerms {
  private readonly table = new HashTable();
  private readonly names = wordsColumn();
  private readonly weights = doublesColumn();
  private readonly lists: RowLists;

  constructor(lists: RowLists) {
    this.lists = lists;
  }

  /** How many terms have rows. */
  get size(): number {
    return this.table.size;
  }

  /** Bytes of memory used, without the lists. */
  get bytes(): number {
    return this.table.bytes + this.names.bytes + this.weights.bytes;
  }

  /** @returns the number of a term, or −1 when it has no rows */
  find(hash: Hash): number {
    return this.table.find(hash);
  }

  /** How many rows a term has; 0 for −1. */
  count(term: number): number {
    return term < 0 ? 0 : this.lists.count(this.names.get(term));
  }

  /** The sum of the weights of its rows. */
  weight(term: number): number {
    return term < 0 ? 0 : this.weights.get(term);
  }

  /** The rows of a term, newest first. @param passes true for all rows up to some date; newer ones are left out */
  cursor(term: number, passes?: (row: number) => boolean): Cursor {
    return this.lists.cursor(this.names.get(term), passes);
  }

  /** The rows of a term, newest first; none for −1. */
  rows(term: number): number[] {
    const found: number[] = [];
    if (term < 0) return found;
    for (const cursor = this.cursor(term); cursor.row >= 0; cursor.next()) found.push(cursor.row);
    return found;
  }

  /** The number of a term. A row must be added to it at once. */
  take(hash: Hash): number {
    const known = this.table.find(hash);
    if (known >= 0) return known;
    const term = this.table.add(hash);
    this.names.set(term, 0);
    this.weights.set(term, 0);
    return term;
  }

  /** Adds a row that the term does not have. */
  add(term: number, row: number, weight = 0): void {
    this.names.set(term, this.lists.add(this.names.get(term), row));
    if (weight !== 0) this.weights.set(term, this.weights.get(term) + weight);
  }

  /** Removes a row. A term without rows is removed. */
  remove(term: number, row: number, weight = 0): void {
    const name = this.lists.remove(this.names.get(term), row);
    this.names.set(term, name);
    if (weight !== 0) this.weights.set(term, this.weights.get(term) - weight);
    if (name === 0) this.table.remove(term);
  }
}

import type { LazySegment } from './lazy-segments.ts';
import type { KeyedChange, RefEntry } from './ref-segment.ts';
import { partEntries, type TablePart } from './table-part.ts';

/** The part of a table that a view uses. */
export interface ViewedTable {
  readonly segments: readonly LazySegment[];
  readonly overlay: readonly KeyedChange[];
  get(name: string): string | undefined;
  peeledOf(name: string): string | undefined;
  storedAt(key: Buffer): RefEntry | undefined;
  startingWith(prefix: string): Iterable<RefEntry>;
  countStartingWith(prefix: string): number;
  parts(prefix?: string): Iterable<TablePart>;
}

/** A read-only map of part of a table, in byte order of the names. */
abstract class TableView implements ReadonlyMap<string, string> {
  readonly table: ViewedTable;
  /** Prefixes of the names in it, in byte order. */
  readonly prefixes: readonly string[];

  constructor(table: ViewedTable, prefixes: readonly string[]) {
    this.table = table;
    this.prefixes = prefixes;
  }

  abstract get size(): number;
  protected abstract pick(entry: RefEntry): string | undefined;
  protected abstract lookUp(name: string): string | undefined;

  get(name: string): string | undefined {
    return this.prefixes.some((prefix) => name.startsWith(prefix)) ? this.lookUp(name) : undefined;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  *entries(): Generator<[string, string], undefined> {
    for (const prefix of this.prefixes) {
      for (const entry of this.table.startingWith(prefix)) {
        const value = this.pick(entry);
        if (value !== undefined) yield [entry.name, value];
      }
    }
    return undefined;
  }

  *keys(): Generator<string, undefined> {
    for (const [name] of this.entries()) yield name;
    return undefined;
  }

  *values(): Generator<string, undefined> {
    for (const [, value] of this.entries()) yield value;
    return undefined;
  }

  [Symbol.iterator](): Generator<[string, string], undefined> {
    return this.entries();
  }

  forEach(callback: (value: string, name: string, map: ReadonlyMap<string, string>) => void): void {
    for (const [name, value] of this.entries()) callback(value, name, this);
  }
}

const EVERYTHING: readonly string[] = [''];

/** Refs of a table: name → object id. */
export class RefsView extends TableView {
  /** @param prefixes of the names, in byte order; none begins with another. Without it, all names */
  constructor(table: ViewedTable, prefixes = EVERYTHING) {
    super(table, prefixes);
  }

  /** True if it shows every ref of the table. */
  get isWhole(): boolean {
    return this.prefixes === EVERYTHING;
  }

  get size(): number {
    return this.prefixes.reduce((count, prefix) => count + this.table.countStartingWith(prefix), 0);
  }

  protected pick({ oid }: RefEntry): string {
    return oid;
  }

  protected lookUp(name: string): string | undefined {
    return this.table.get(name);
  }
}

/** The peeled object ids of a table: name of the ref → object id. */
export class PeeledView extends TableView {
  constructor(table: ViewedTable) {
    super(table, EVERYTHING);
  }

  get size(): number {
    let count = 0;
    for (const { content } of this.table.segments) count += content.peels;
    for (const { key, peeled } of this.table.overlay) {
      if (peeled !== undefined) count++;
      if (this.table.storedAt(key)?.peeled !== undefined) count--;
    }
    return count;
  }

  override *entries(): Generator<[string, string], undefined> {
    for (const part of this.table.parts()) {
      // Most segments have no tag objects and are skipped.
      if (part.segment?.peels === 0 && part.changes.every(({ peeled }) => peeled === undefined)) continue;
      for (const { name, peeled } of partEntries(part)) if (peeled !== undefined) yield [name, peeled];
    }
    return undefined;
  }

  protected pick({ peeled }: RefEntry): string | undefined {
    return peeled;
  }

  protected lookUp(name: string): string | undefined {
    return this.table.peeledOf(name);
  }
}

import { type RefTable, tableOf } from './ref-table.ts';

/** What {@link directoryFileConflict} needs to know of a set of refs. */
export interface RefNames {
  /** True when the ref exists. */
  has(name: string): boolean;
  /** Some ref below `directory`, which ends in `/`; undefined when there is none. */
  firstBelow(directory: string): string | undefined;
}

/**
 * The ref that keeps `name` from existing beside `refs`, or undefined when none does. Refs are paths: one
 * cannot be both a file and a directory of others, so `refs/heads/a` and `refs/heads/a/b` exclude each other.
 */
export function directoryFileConflict(name: string, refs: RefNames): string | undefined {
  for (let slash = name.indexOf('/'); slash !== -1; slash = name.indexOf('/', slash + 1)) {
    const parent = name.slice(0, slash);
    if (refs.has(parent)) return parent;
  }
  return refs.firstBelow(`${name}/`);
}

/** A set of names that the commands of a push change while they are decided. */
export interface ChangingRefNames extends RefNames {
  add(name: string): void;
  delete(name: string): void;
}

/** The names of the refs of a repository, to be changed: where there are very many, without a copy of them all. */
export function changingRefNames(refs: ReadonlyMap<string, string>): ChangingRefNames {
  const table = tableOf(refs);
  return table === undefined ? new RefNameIndex(refs.keys()) : new TableRefNames(table);
}

/** The names in a table, and over them what has been added and removed. */
class TableRefNames implements ChangingRefNames {
  readonly #table: RefTable;
  readonly #added = new RefNameIndex([]);
  readonly #removed = new Set<string>();

  constructor(table: RefTable) {
    this.#table = table;
  }

  has(name: string): boolean {
    return this.#added.has(name) || (!this.#removed.has(name) && this.#table.get(name) !== undefined);
  }

  firstBelow(directory: string): string | undefined {
    const added = this.#added.firstBelow(directory);
    if (added !== undefined) return added;
    for (const { name } of this.#table.startingWith(directory)) if (!this.#removed.has(name)) return name;
    return undefined;
  }

  add(name: string): void {
    this.#added.add(name);
  }

  delete(name: string): void {
    this.#added.delete(name);
    this.#removed.add(name);
  }
}

/**
 * The names of a repository's refs, made once from what a manifest holds and then changed name by name while
 * the commands of a push are decided.
 *
 * What was there is one sorted array searched by bisection, so that building costs nothing for names that arrive in order. What
 * is added is kept apart by name and by folder: 50,000 creates cost the same each. Any order that keeps what shares a
 * beginning together will do for the search; JavaScript's own is used because the keys of a canonical manifest come in it.
 */
export class RefNameIndex implements ChangingRefNames {
  readonly #settled: readonly string[];
  readonly #removed = new Set<string>();
  readonly #added = new Set<string>();
  /** Of what is added: the names below each folder, which ends in `/`. */
  readonly #folders = new Map<string, Set<string>>();

  constructor(names: Iterable<string>) {
    this.#settled = [...names].sort();
  }

  has(name: string): boolean {
    return this.#added.has(name) || (contains(this.#settled, name) && !this.#removed.has(name));
  }

  firstBelow(directory: string): string | undefined {
    for (const added of this.#folders.get(directory) ?? []) return added;
    for (let at = lowerBound(this.#settled, directory); ; at += 1) {
      const name = this.#settled[at];
      if (!name?.startsWith(directory)) return undefined;
      if (!this.#removed.has(name)) return name;
    }
  }

  add(name: string): void {
    if (this.#removed.delete(name) || this.has(name)) return;
    this.#added.add(name);
    for (const folder of foldersOf(name)) {
      const names = this.#folders.get(folder);
      if (names === undefined) this.#folders.set(folder, new Set([name]));
      else names.add(name);
    }
  }

  delete(name: string): void {
    if (this.#added.delete(name)) {
      for (const folder of foldersOf(name)) this.#folders.get(folder)?.delete(name);
    } else if (contains(this.#settled, name)) this.#removed.add(name);
  }
}

/** The folders above a name, each with its `/`. */
function* foldersOf(name: string): Generator<string, undefined> {
  for (let slash = name.indexOf('/'); slash !== -1; slash = name.indexOf('/', slash + 1)) {
    yield name.slice(0, slash + 1);
  }
  return undefined;
}

/** The first index whose name is not below `name`. */
function lowerBound(names: readonly string[], name: string): number {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const candidate = names[middle];
    if (candidate !== undefined && candidate < name) low = middle + 1;
    else high = middle;
  }
  return low;
}

function contains(names: readonly string[], name: string): boolean {
  return names[lowerBound(names, name)] === name;
}

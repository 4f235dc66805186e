import { type RefTable, tableOf } from './ref-table.ts';

/** The queries that {@link directoryFileConflict} makes on a set of refs. */
export interface RefNames {
  /** True if the ref exists. */
  has(name: string): boolean;
  /** Some ref below `directory`, which ends in `/`; undefined if there is none. */
  firstBelow(directory: string): string | undefined;
}

/**
 * The ref in `refs` that conflicts with `name`, or undefined if none does. Refs are paths: one cannot be both a file
 * and a directory, so `refs/heads/a` and `refs/heads/a/b` exclude each other.
 */
export function directoryFileConflict(name: string, refs: RefNames): string | undefined {
  for (const parent of parentsIn(name, refs)) return parent;
  return refs.firstBelow(`${name}/`);
}

/** All refs that {@link directoryFileConflict} finds one of. The refs must not change while they are read. */
export function* directoryFileConflicts(name: string, refs: RefNameIndex): Generator<string, undefined> {
  yield* parentsIn(name, refs);
  yield* refs.below(`${name}/`);
  return undefined;
}

function* parentsIn(name: string, refs: Pick<RefNames, 'has'>): Generator<string, undefined> {
  for (let slash = name.indexOf('/'); slash !== -1; slash = name.indexOf('/', slash + 1)) {
    const parent = name.slice(0, slash);
    if (refs.has(parent)) yield parent;
  }
  return undefined;
}

/** A set of ref names that is changed while the commands of a push are decided. */
export interface ChangingRefNames extends RefNames {
  add(name: string): void;
  delete(name: string): void;
}

/** A changeable set of the ref names of a repository. Names in a table are not copied. */
export function changingRefNames(refs: ReadonlyMap<string, string>): ChangingRefNames {
  const table = tableOf(refs);
  return table === undefined ? new RefNameIndex(refs.keys()) : new TableRefNames(table);
}

/** The names in a table, with added and removed names over them. */
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
 * The ref names of a repository, built once from a manifest and then changed name by name while the commands of a push
 * are decided.
 *
 * The original names are one sorted array that is searched by bisection, so building is cheap for sorted names. Added names
 * are kept separately, by name and by folder, so each of 50,000 creates costs the same. Any order that keeps names with a
 * common prefix together works. JavaScript's own order is used because the keys of a canonical manifest have it.
 */
export class RefNameIndex implements ChangingRefNames {
  readonly #original: readonly string[];
  readonly #removed = new Set<string>();
  readonly #added = new Set<string>();
  /** The added names below each folder, which ends in `/`. */
  readonly #folders = new Map<string, Set<string>>();

  constructor(names: Iterable<string>) {
    this.#original = [...names].sort();
  }

  has(name: string): boolean {
    return this.#added.has(name) || (contains(this.#original, name) && !this.#removed.has(name));
  }

  firstBelow(directory: string): string | undefined {
    for (const name of this.below(directory)) return name;
    return undefined;
  }

  /** All refs below a directory, which ends in `/`, each once. They must not change while they are read. */
  *below(directory: string): Generator<string, undefined> {
    yield* this.#folders.get(directory) ?? [];
    for (let at = lowerBound(this.#original, directory); ; at += 1) {
      const name = this.#original[at];
      if (!name?.startsWith(directory)) return undefined;
      if (!this.#removed.has(name)) yield name;
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
    } else if (contains(this.#original, name)) this.#removed.add(name);
  }
}

/** The folders that contain a name, each ending in `/`. */
function* foldersOf(name: string): Generator<string, undefined> {
  for (let slash = name.indexOf('/'); slash !== -1; slash = name.indexOf('/', slash + 1)) {
    yield name.slice(0, slash + 1);
  }
  return undefined;
}

/** The first index whose name is not less than `name`. */
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

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

/** How many added names are kept apart before they are merged into the large array. */
const mergeAt = 1024;

/**
 * The names of a repository's refs, made once from what a manifest holds and then changed name by name while
 * the commands of a push are decided.
 *
 * Two sorted arrays searched by bisection: a large one that is never shifted, and a small one of what was added
 * since, so that building costs nothing for names that arrive in order and 10,000 creates into 100,000 refs
 * stay cheap. Any order that keeps what shares a beginning together will do for the search; JavaScript's own
 * is used because the keys of a canonical manifest come in it.
 */
export class RefNameIndex implements ChangingRefNames {
  #settled: string[];
  #added: string[] = [];
  readonly #removed = new Set<string>();

  constructor(names: Iterable<string>) {
    this.#settled = [...names].sort();
  }

  has(name: string): boolean {
    return contains(this.#added, name) || (contains(this.#settled, name) && !this.#removed.has(name));
  }

  firstBelow(directory: string): string | undefined {
    const added = this.#added[lowerBound(this.#added, directory)];
    if (added?.startsWith(directory)) return added;
    for (let at = lowerBound(this.#settled, directory); ; at += 1) {
      const name = this.#settled[at];
      if (!name?.startsWith(directory)) return undefined;
      if (!this.#removed.has(name)) return name;
    }
  }

  add(name: string): void {
    if (this.#removed.delete(name) || this.has(name)) return;
    this.#added.splice(lowerBound(this.#added, name), 0, name);
    if (this.#added.length >= mergeAt) this.#merge();
  }

  delete(name: string): void {
    const at = lowerBound(this.#added, name);
    if (this.#added[at] === name) this.#added.splice(at, 1);
    else if (contains(this.#settled, name)) this.#removed.add(name);
  }

  #merge(): void {
    const kept = this.#settled.filter((name) => !this.#removed.has(name));
    this.#settled = kept.concat(this.#added).sort();
    this.#added = [];
    this.#removed.clear();
  }
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

/** Operations on the refs of a repository. Few refs are in plain maps, very many in a table; these functions take both. */
import { compareBytes } from '../../lib/byte-order.ts';
import { type Cooperative, mapped, runToEnd } from '../../lib/cooperative.ts';
import type { ObjectFormat } from '../object-id.ts';
import { refsInByteOrder, sortByBytes, sortingByBytes } from './ref-name.ts';
import { applyChanges, type RefChange, type RefEntry } from './ref-segment.ts';
import { RefTable, tableOf } from './ref-table.ts';
import { RefsView } from './ref-views.ts';
import { partEntries, type TablePart } from './table-part.ts';

type Refs = ReadonlyMap<string, string>;

/** The refs of a repository, and the peeled object ids of its tag objects. */
export interface RefMaps {
  readonly refs: Refs;
  /** By the name of the ref. */
  readonly peeled: Refs;
}

/** Above this number, refs are kept in a table. A table is kept until it has clearly fewer. */
export const mostPlainRefs = 5_000;
const leastTableRefs = 4_000;

/** The same refs, in a table or in plain maps, depending on their number. */
export function* inSuitableForm({ refs, peeled }: RefMaps, format: ObjectFormat): Cooperative<RefMaps> {
  const table = tableOf(refs);
  const own = table !== undefined && table.peeled === peeled && table.format === format;
  if (refs.size > mostPlainRefs) {
    return own ? { refs, peeled } : mapsOf(yield* RefTable.making(format, refs, peeled));
  }
  if (own && refs.size >= leastTableRefs) return { refs, peeled };
  return table === undefined ? { refs, peeled } : { refs: new Map(refs), peeled: new Map(peeled) };
}

/** The refs after changes. A table shares everything unchanged with the table before. */
export function changedRefs(before: RefMaps, changes: readonly RefChange[]): RefMaps {
  return runToEnd(changingRefs(before, changes));
}

/** The same for very many changes: it yields to other work. */
export function* changingRefs(before: RefMaps, changes: readonly RefChange[]): Cooperative<RefMaps> {
  const table = tableOf(before.refs);
  if (table !== undefined && table.peeled === before.peeled) return mapsOf(yield* table.changing(changes));
  const refs = new Map(before.refs);
  const peeled = new Map(before.peeled);
  let grown = false;
  for (const { name, oid, peeled: target } of changes) {
    peeled.delete(name);
    if (oid === undefined) {
      refs.delete(name);
      continue;
    }
    grown ||= !refs.has(name);
    refs.set(name, oid);
    if (target !== undefined) peeled.set(name, target);
    yield;
  }
  return { refs: grown ? yield* inOrderOfBytes(refs) : refs, peeled: yield* inOrderOfBytes(peeled) };
}

function* inOrderOfBytes(refs: Refs): Cooperative<Refs> {
  const names = yield* sortingByBytes(refs.keys());
  return new Map(yield* mapped(names, (name) => [name, refs.get(name) ?? ''] as const));
}

/** Only the two maps: states are copied member by member. */
function mapsOf({ refs, peeled }: RefTable): RefMaps {
  return { refs, peeled };
}

/** All refs, each with its peeled object id. */
export function* refEntries({ refs, peeled }: RefMaps): Generator<RefEntry, undefined> {
  const table = tableOf(refs);
  if (table !== undefined && table.peeled === peeled) return yield* table.startingWith('');
  for (const [name, oid] of refs) yield { name, oid, peeled: peeled.get(name) };
  return undefined;
}

/** The refs whose names begin with `prefix`. */
export function* refsStartingWith(
  refs: Refs,
  prefix: string,
): Generator<[name: string, oid: string], undefined> {
  const table = tableOf(refs);
  if (table !== undefined) for (const { name, oid } of table.startingWith(prefix)) yield [name, oid];
  else for (const ref of refs) if (ref[0].startsWith(prefix)) yield ref;
  return undefined;
}

/** Counts the refs whose names begin with `prefix`. */
export function countRefsStartingWith(refs: Refs, prefix: string): number {
  const table = tableOf(refs);
  if (table !== undefined) return table.countStartingWith(prefix);
  let count = 0;
  for (const name of refs.keys()) if (name.startsWith(prefix)) count++;
  return count;
}

/** The names of all refs that are neither branches nor tags. A table skips segments that have only branches or only tags. */
export function* otherRefs(refs: Refs): Generator<string, undefined> {
  const isOther = (name: string) => BRANCHES_AND_TAGS.every((prefix) => !name.startsWith(prefix));
  const table = tableOf(refs);
  if (table === undefined) {
    for (const name of refs.keys()) if (isOther(name)) yield name;
    return undefined;
  }
  for (const part of table.parts()) {
    const { segment, changes } = part;
    const names = segment === undefined ? [] : [segment.summary.first, segment.summary.last];
    const allAlike = BRANCHES_AND_TAGS.some((prefix) => names.every((name) => name.startsWith(prefix)));
    if (allAlike && !changes.some(({ name }) => isOther(name))) continue;
    for (const { name } of partEntries(part)) if (isOther(name)) yield name;
  }
  return undefined;
}

const BRANCHES_AND_TAGS = ['refs/heads/', 'refs/tags/'];

/** The branches and tags, in byte order: the refs that a signed state covers. */
export function branchesAndTags(refs: Refs): Refs {
  const table = tableOf(refs);
  if (table !== undefined) return new RefsView(table, BRANCHES_AND_TAGS);
  const stated = [...refs].filter(([name]) => BRANCHES_AND_TAGS.some((prefix) => name.startsWith(prefix)));
  return refsInByteOrder(new Map(stated));
}

/**
 * Lines `<object id> <name>` of refs in byte order of their names, in pieces, as `git for-each-ref` prints them in that
 * format.
 */
export function* refLines(refs: Refs): Generator<Buffer, undefined> {
  if (!(refs instanceof RefsView)) {
    yield Buffer.from(
      sortByBytes(refs.keys()).reduce((lines, name) => `${lines}${refs.get(name)} ${name}\n`, ''),
    );
    return undefined;
  }
  for (const prefix of refs.prefixes) {
    for (const part of refs.table.parts(prefix)) yield linesOf(part);
  }
  return undefined;
}

function linesOf(part: TablePart): Buffer {
  const { segment, changes, from, to } = part;
  const lineOf = ({ oid, name }: RefEntry) => `${oid} ${name}\n`;
  // A segment without peeled tags consists of exactly these lines.
  if (segment?.peels === 0) {
    return applyChanges(segment, segment, changes, (entry) => Buffer.from(lineOf(entry)), from, to);
  }
  return Buffer.from([...partEntries(part)].map(lineOf).join(''));
}

/** The names of the refs in either of two maps, each once, in byte order. */
export function* mergedRefNames(one: Refs, other: Refs): Generator<string, undefined> {
  const [names, others] = [inOrder(one), inOrder(other)];
  let [name, second] = [names.next().value, others.next().value];
  while (name !== undefined || second !== undefined) {
    const order = name === undefined ? 1 : second === undefined ? -1 : compareBytes(name, second);
    if (order <= 0 && name !== undefined) yield name;
    else if (second !== undefined) yield second;
    if (order <= 0) name = names.next().value;
    if (order >= 0) second = others.next().value;
  }
  return undefined;
}

function inOrder(refs: Refs): Iterator<string, undefined> {
  // A view of a table is sorted already, and too long to sort again.
  return refs instanceof RefsView ? refs.keys() : sortByBytes(refs.keys()).values();
}

/** The names of refs that only one of two maps has, or that have different values. */
export function* differingRefs(one: Refs, other: Refs): Generator<string, undefined> {
  const [table, otherTable] = [tableOf(one), tableOf(other)];
  if (table !== undefined && otherTable !== undefined) return yield* table.differencesTo(otherTable);
  for (const [name, oid] of one) if (other.get(name) !== oid) yield name;
  for (const name of other.keys()) if (!one.has(name)) yield name;
  return undefined;
}

/** The refs whose value, or whose peeled value, is one of these objects. */
export function* refsPointingAt(
  { refs, peeled }: RefMaps,
  oids: ReadonlySet<string>,
): Generator<RefEntry, undefined> {
  const table = tableOf(refs);
  if (table !== undefined) {
    for (const oid of oids) yield* table.pointingAt(oid);
    return undefined;
  }
  for (const [name, oid] of refs) {
    const target = peeled.get(name);
    if (oids.has(oid) || (target !== undefined && oids.has(target))) yield { name, oid, peeled: target };
  }
  return undefined;
}

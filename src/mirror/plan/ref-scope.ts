/** Which refs of the source are to be mirrored, and what they are called on the target. Pure. */
import { isBranch, isTag, refFormatProblem, type UnusableRef } from '../../git/index.ts';
import { CairnError } from '../../lib/errors.ts';

export interface RefMapping {
  /** A branch without `refs/heads/`, or a whole ref name. */
  readonly source: string;
  readonly target: string;
}

/** As asked for. */
export interface RefScope {
  /** Only these branches, without `refs/heads/`; all if empty. */
  readonly branches: readonly string[];
  /** Only these refs, under other names. It replaces `branches`. */
  readonly mappings: readonly RefMapping[];
  /** Tags as well. */
  readonly tags: boolean;
  /** Every ref, whatever its folder. It replaces `branches`, and includes tags. */
  readonly allRefs: boolean;
  readonly excludedPrefixes: readonly string[];
  readonly excludedRefs: readonly string[];
}

export const wholeScope: RefScope = {
  branches: [],
  mappings: [],
  tags: false,
  allRefs: false,
  excludedPrefixes: [],
  excludedRefs: [],
};

export type RefKind = 'branch' | 'tag' | 'other';

/** A ref that the target is to have. */
export interface DesiredRef {
  readonly kind: RefKind;
  readonly source: string;
  readonly target: string;
  /** What it points at; undefined when the source does not have it. */
  readonly oid: string | undefined;
}

/** Refs that Cairn itself makes while it sends batches. They are not mirrored or pruned. */
export const TEMPORARY_PREFIX = 'refs/cairn-mirror/';

/** True for a temporary ref of a mirror run. Those of imports have a folder of their own, and other work goes on behind them. */
export function isTemporary(name: string): boolean {
  return name.startsWith(TEMPORARY_PREFIX) && !name.startsWith(`${TEMPORARY_PREFIX}import/`);
}

export function kindOf(name: string): RefKind {
  if (isBranch(name)) return 'branch';
  return isTag(name) ? 'tag' : 'other';
}

/**
 * Reads `source:target`, as `--map` takes it.
 * @throws CairnError `invalid`
 */
export function parseMapping(text: string): RefMapping {
  const [source = '', target = '', ...more] = text.split(':').map((part) => part.trim());
  if (source === '' || target === '' || more.length > 0) {
    throw new CairnError('invalid', `"${text}" is not a mapping: write <source>:<target>`);
  }
  return { source, target };
}

/**
 * Checks a scope before anything is asked of anybody.
 * @throws CairnError `invalid`
 */
export function checkScope(scope: RefScope): void {
  const targets = new Set<string>();
  for (const mapping of scope.mappings) {
    const { source, target } = fullNames(mapping);
    for (const name of [source, target]) {
      const problem = refFormatProblem(name);
      if (problem !== undefined) throw new CairnError('invalid', `${name}: ${problem}`);
    }
    if (mapping.source.startsWith('refs/') !== mapping.target.startsWith('refs/')) {
      throw invalidMapping(mapping, 'write both as whole ref names, or both as branches');
    }
    if (kindOf(source) !== kindOf(target)) {
      throw invalidMapping(mapping, 'both must be branches, or both tags, or both other refs');
    }
    if (kindOf(source) === 'other' && !scope.allRefs) {
      throw invalidMapping(mapping, 'refs outside refs/heads/ and refs/tags/ need --all-refs');
    }
    if (target.startsWith(TEMPORARY_PREFIX))
      throw invalidMapping(mapping, 'that folder is for temporary refs');
    if (targets.has(target)) throw new CairnError('invalid', `two mappings have the target ${target}`);
    targets.add(target);
  }
  for (const branch of scope.branches) {
    const problem = refFormatProblem(`refs/heads/${branch}`);
    if (branch === '' || problem !== undefined) {
      throw new CairnError('invalid', `"${branch}" is not the name of a branch: ${problem ?? 'it is empty'}`);
    }
  }
}

function invalidMapping({ source, target }: RefMapping, reason: string): CairnError {
  return new CairnError('invalid', `${source}:${target} is not possible: ${reason}`);
}

function fullNames({ source, target }: RefMapping): RefMapping {
  const full = (name: string) => (name.startsWith('refs/') ? name : `refs/heads/${name}`);
  return { source: full(source), target: full(target) };
}

/** Prefixes to ask the source for. HEAD is always one: its branch goes first. */
export function refPrefixes(scope: RefScope): string[] {
  if (scope.allRefs) return ['HEAD', 'refs/'];
  const prefixes = new Set(['HEAD']);
  const mapped = scope.mappings.map((mapping) => fullNames(mapping).source);
  if (mapped.length > 0) for (const name of mapped) prefixes.add(name);
  else if (scope.branches.length > 0) for (const name of scope.branches) prefixes.add(`refs/heads/${name}`);
  else prefixes.add('refs/heads/');
  if (scope.tags) prefixes.add('refs/tags/');
  return [...prefixes];
}

/**
 * The refs that the target is to have, in the order of the source. A branch or mapping that the source does not have comes without
 * an object id.
 */
export function desiredRefs(scope: RefScope, refs: ReadonlyMap<string, string>): DesiredRef[] {
  if (scope.mappings.length > 0) {
    const mapped = scope.mappings.map((mapping) => desired(fullNames(mapping), refs));
    const taken = new Set(mapped.map(({ target }) => target));
    return [
      ...mapped,
      ...(scope.tags ? listedTags(scope, refs).filter(({ target }) => !taken.has(target)) : []),
    ];
  }
  if (!scope.allRefs && scope.branches.length > 0) {
    const names = [...new Set(scope.branches)].map((branch) => `refs/heads/${branch}`);
    const branches = names.filter((name) => !isExcluded(scope, name)).map((name) => same(name, refs));
    return [...branches, ...(scope.tags ? listedTags(scope, refs) : [])];
  }
  return [...refs.keys()].filter((name) => isInScope(scope, name)).map((name) => same(name, refs));
}

function listedTags(scope: RefScope, refs: ReadonlyMap<string, string>): DesiredRef[] {
  const names = [...refs.keys()].filter((name) => isTag(name) && !isExcluded(scope, name));
  return names.map((name) => same(name, refs));
}

function same(name: string, refs: ReadonlyMap<string, string>): DesiredRef {
  return desired({ source: name, target: name }, refs);
}

function desired({ source, target }: RefMapping, refs: ReadonlyMap<string, string>): DesiredRef {
  return { kind: kindOf(target), source, target, oid: refs.get(source) };
}

function isInScope(scope: RefScope, name: string): boolean {
  if (isExcluded(scope, name)) return false;
  const kind = kindOf(name);
  return scope.allRefs || kind === 'branch' || (kind === 'tag' && scope.tags);
}

function isExcluded({ excludedPrefixes, excludedRefs }: RefScope, name: string): boolean {
  if (name.startsWith(TEMPORARY_PREFIX) || excludedRefs.includes(name)) return true;
  return excludedPrefixes.some((prefix) => prefix.trim() !== '' && name.startsWith(prefix.trim()));
}

/** The error of a source without refs in scope. @param what was to be done @param refs all that the source lists */
export function nothingInScope(
  what: 'mirror' | 'import' | 'fetch',
  refs: ReadonlyMap<string, string>,
): CairnError {
  const why = refs.size === 0 ? 'it has no refs' : 'no ref of it is in scope';
  return new CairnError('invalid', `the source has nothing to ${what}: ${why}`);
}

/** The refs that would be mirrored if their names could be used here: to leave them out in silence would lose them. */
export function unusableRefs(scope: RefScope, unusable: readonly UnusableRef[]): readonly UnusableRef[] {
  const isMeant = namesBranches(scope)
    ? (name: string) => scope.tags && isTag(name) && !isExcluded(scope, name)
    : (name: string) => isInScope(scope, name);
  return unusable.filter(({ shownName }) => isMeant(shownName));
}

/** Why such a ref stops a run, and what to do. */
export function unusableReason({ reason }: UnusableRef): string {
  return `${reason}; --exclude-ref-prefix leaves it out`;
}

/** True if a list of branches or mappings says which ones are meant. */
export function namesBranches(scope: RefScope): boolean {
  return scope.mappings.length > 0 || (!scope.allRefs && scope.branches.length > 0);
}

/**
 * True if a ref of the target that the source does not have is to be deleted by `--prune`. Branches only when no list of branches or
 * mappings narrowed the scope, tags when they are in it, others with `allRefs`.
 */
export function isPrunable(scope: RefScope, name: string): boolean {
  if (isExcluded(scope, name)) return false;
  const isNarrowed = namesBranches(scope);
  switch (kindOf(name)) {
    case 'branch':
      return !isNarrowed;
    case 'tag':
      return scope.tags || (scope.allRefs && !isNarrowed);
    case 'other':
      return scope.allRefs && !isNarrowed;
  }
}

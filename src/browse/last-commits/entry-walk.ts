import { type CommitGraph, findInTree, type PathKey, type TreeEntry } from '../../git/index.ts';
import { Yielder } from '../../lib/cooperative.ts';
import { isCairnError } from '../../lib/errors.ts';
import { type CommitLinks, knownLinks, linksIn } from '../commit-links.ts';
import { joinPath } from '../paths.ts';
import { idLength, type RepositoryView } from '../repository-view.ts';

/** Ids of commits, by the name of the entry in latin1. */
export type LastCommits = ReadonlyMap<string, string>;

export interface EntryWalkOptions {
  readonly view: RepositoryView;
  /** Absent: every commit is read. */
  readonly graph: CommitGraph | undefined;
  readonly folder: readonly Buffer[];
  /** Earlier results, for all entries of the folder in a commit. */
  readonly knownAt: (oid: string) => LastCommits | undefined;
  readonly timeout: AbortSignal;
  /** {@link WALK_BOUNDS} if absent. */
  readonly bounds?: WalkBounds;
}

/** What a walk may take: for more than that, git is faster. */
export interface WalkBounds {
  /** Rounds of questions: with filters one for each change or merge on the way, without filters one a commit. */
  readonly rounds: number;
  readonly roundsWithoutFilters: number;
  /** Objects that are read, and their bytes. */
  readonly objects: number;
  readonly bytes: number;
  /** Looks into filters: a hundred milliseconds of the only thread. */
  readonly looks: number;
}

export const WALK_BOUNDS: WalkBounds = {
  rounds: 200,
  roundsWithoutFilters: 24,
  objects: 4_000,
  bytes: 16 * 1024 * 1024,
  looks: 3_000_000,
};

/** An entry that is looked for. */
interface Wanted {
  readonly name: Buffer;
  /** The name in latin1. */
  readonly word: string;
  /** What the filters of the graph know its path by. */
  readonly key: PathKey | undefined;
  readonly kind: TreeEntry['kind'];
  readonly oid: string;
}

/** Bytes of one object. */
const OBJECT_SIZE = 4 * 1024 * 1024;
/**
 * Follows each entry of a folder from a commit to the parent that has the same entry, the first one of them, until there is
 * none: that commit changed it.
 */
export class EntryWalk {
  /** Ids of commits, by the name of the entry in latin1. */
  readonly found = new Map<string, string>();
  /** The last commit that all of the entries have come to. */
  last = '';
  private readonly options: EntryWalkOptions;
  private readonly folderKeys: readonly PathKey[];
  private readonly trees = new Map<string, Promise<Buffer | undefined>>();
  private readonly yielder = new Yielder();
  private readonly bounds: WalkBounds;
  private all = 0;
  private objects = 0;
  private bytes = 0;
  private looks = 0;
  private isTooMuch = false;

  constructor(options: EntryWalkOptions) {
    this.options = options;
    const { folder, bounds = WALK_BOUNDS } = options;
    this.bounds = bounds;
    this.folderKeys = folder.flatMap((_, at) => this.keyOf(folder.slice(0, at + 1)) ?? []);
  }

  /**
   * @param commit where to begin
   * @param entries of the folder in that commit
   * @returns false if a bound was met before all was found
   */
  async run(commit: string, entries: readonly TreeEntry[]): Promise<boolean> {
    const { view, folder, timeout } = this.options;
    const wanted = entries.map(({ name, kind, oid }) => {
      const key = this.keyOf([...folder, name]);
      return { name, word: name.toString('latin1'), key, kind, oid };
    });
    this.all = wanted.length;
    this.last = commit;
    let groups = new Map<string, Wanted[]>(wanted.length === 0 ? [] : [[commit, wanted]]);
    const { rounds, roundsWithoutFilters } = this.bounds;
    const most = this.options.graph?.hasFilters === true ? rounds : roundsWithoutFilters;
    for (let round = 0; groups.size > 0; round++) {
      if (round === most || this.isTooMuch || timeout.aborted) return false;
      view.signal.throwIfAborted();
      const stops = new Map<string, Wanted[]>();
      for (const [oid, group] of groups) await this.follow(oid, group, stops);
      const next = new Map<string, Wanted[]>();
      await Promise.all([...stops].map(([oid, group]) => this.compare(oid, group, next)));
      groups = next;
    }
    return !this.isTooMuch;
  }

  /** Goes along first parents to where each entry may have changed: its stop. */
  private async follow(
    commit: string,
    group: readonly Wanted[],
    stops: Map<string, Wanted[]>,
  ): Promise<void> {
    const { graph } = this.options;
    let left = this.withoutKnown(commit, group);
    let place = left.length === 0 ? undefined : graph?.find(commit);
    if (graph === undefined || place === undefined) {
      add(stops, commit, left);
      return;
    }
    for (let at: number | undefined = place; left.length > 0; at = graph.firstParentOf(place)) {
      if (at === undefined) {
        // The first commit of a history has everything that it has.
        for (const { word } of left) this.found.set(word, graph.idOf(place));
        return;
      }
      place = at;
      if (this.yielder.isDueByNow) {
        await this.yielder.next();
        if (this.options.timeout.aborted) this.isTooMuch = true;
      }
      const isCandidate = this.mayChangeFolder(graph, place);
      this.looks += isCandidate ? left.length : 1;
      if (this.looks > this.bounds.looks) this.isTooMuch = true;
      if (this.isTooMuch) return;
      if (!isCandidate) continue;
      const here = place;
      const stopped = left.filter(({ key }) => key === undefined || graph.mayChange(here, key));
      if (stopped.length === 0) continue;
      const oid = graph.idOf(place);
      if (left.length === this.all) this.last = oid;
      if (this.withoutKnown(oid, left).length === 0) return;
      add(stops, oid, stopped);
      left = left.filter((one) => !stopped.includes(one));
    }
  }

  private mayChangeFolder(graph: CommitGraph, place: number): boolean {
    for (const key of this.folderKeys) if (!graph.mayChange(place, key)) return false;
    return true;
  }

  /** Those whose last commit is not remembered from an earlier walk. */
  private withoutKnown(commit: string, group: readonly Wanted[]): readonly Wanted[] {
    const known = this.options.knownAt(commit);
    if (known === undefined) return group;
    return group.filter(({ word }) => {
      const oid = known.get(word);
      if (oid !== undefined) this.found.set(word, oid);
      return oid === undefined;
    });
  }

  /** Compares entries with those of the parents. */
  private async compare(
    commit: string,
    group: readonly Wanted[],
    next: Map<string, Wanted[]>,
  ): Promise<void> {
    let left = group;
    for (const parent of (await this.linksOf(commit))?.parents ?? []) {
      if (this.options.timeout.aborted) this.isTooMuch = true;
      if (left.length === 0 || this.isTooMuch) break;
      const tree = (await this.linksOf(parent))?.tree;
      const content = tree === undefined ? undefined : await this.folderIn(tree);
      const same = content === undefined ? [] : left.filter((one) => this.isIn(content, one));
      add(next, parent, same);
      left = left.filter((one) => !same.includes(one));
    }
    if (this.isTooMuch) return;
    for (const { word } of left) this.found.set(word, commit);
  }

  private isIn(content: Buffer, { name, kind, oid }: Wanted): boolean {
    const entry = findInTree(content, idLength(this.options.view), name);
    return entry?.oid === oid && entry.kind === kind;
  }

  private async linksOf(commit: string): Promise<Pick<CommitLinks, 'tree' | 'parents'> | undefined> {
    const { graph } = this.options;
    const place = graph?.find(commit);
    if (graph !== undefined && place !== undefined) {
      const parents = graph.parentsOf(place).map((parent) => graph.idOf(parent));
      return { tree: graph.treeOf(place), parents };
    }
    const kept = knownLinks(commit);
    if (kept !== undefined) return kept;
    const content = await this.read(commit, 'commit');
    return content === undefined ? undefined : linksIn(commit, content);
  }

  /** The folder within the tree of a commit; undefined if it has none there. */
  private async folderIn(root: string): Promise<Buffer | undefined> {
    let content = await this.treeAt(root);
    for (const name of this.options.folder) {
      const entry =
        content === undefined ? undefined : findInTree(content, idLength(this.options.view), name);
      if (entry?.kind !== 'folder') return undefined;
      content = await this.treeAt(entry.oid);
    }
    return content;
  }

  private treeAt(oid: string): Promise<Buffer | undefined> {
    const kept = this.trees.get(oid);
    if (kept !== undefined) return kept;
    const reading = this.read(oid, 'tree');
    this.trees.set(oid, reading);
    return reading;
  }

  private async read(oid: string, type: 'commit' | 'tree'): Promise<Buffer | undefined> {
    const { objects, bytes } = this.bounds;
    if (++this.objects > objects || this.bytes > bytes) this.isTooMuch = true;
    if (this.isTooMuch) return undefined;
    const object = await this.options.view.session.readSmall(oid, OBJECT_SIZE).catch((error: unknown) => {
      if (!isCairnError(error, 'too-large')) throw error;
      this.isTooMuch = true;
      return undefined;
    });
    // What is missing in a damaged repository says nothing about what has changed.
    if (object?.type !== type) {
      this.isTooMuch = true;
      return undefined;
    }
    this.bytes += object.content.length;
    return object.content;
  }

  private keyOf(path: readonly Buffer[]): PathKey | undefined {
    return this.options.graph?.keyOf(joinPath(path));
  }
}

function add(groups: Map<string, Wanted[]>, commit: string, more: readonly Wanted[]): void {
  if (more.length === 0) return;
  const group = groups.get(commit);
  if (group === undefined) groups.set(commit, [...more]);
  else group.push(...more);
}

import { type Cooperative, sorted } from '../../lib/cooperative.ts';
import type { ListedRepository } from './listed-repository.ts';
import { OrderedList } from './ordered-list.ts';
import { type Place, SORTS, type Sort } from './sorts.ts';
import { WordIndex } from './word-index.ts';

/** The search terms. A match has all of them. */
export interface RepositoryQuestion {
  /** Beginnings of words, in lower case. */
  readonly words: readonly string[];
  /** Public key in hex. */
  readonly owner?: string;
  readonly topic?: string;
  readonly sort: Sort;
  /** Where the page before ended. */
  readonly after?: Place;
}

/** Most matches that are sorted. If there are more, those of the page are found along the order of all. */
const FEW = 500;

/** Repositories that can be found by words, owner and topic, in each order. */
export class ListedRepositories {
  private readonly owners = new Map<string, Map<string, ListedRepository>>();
  private readonly words = new WordIndex<ListedRepository>();
  private readonly topics = new Map<string, Set<ListedRepository>>();
  private readonly orders: Readonly<Record<Sort, OrderedList<Place, ListedRepository>>> = {
    newest: new OrderedList(SORTS.newest),
    name: new OrderedList(SORTS.name),
    pushed: new OrderedList(SORTS.pushed),
  };

  get size(): number {
    return this.orders.newest.length;
  }

  get(owner: string, identifier: string): ListedRepository | undefined {
    return this.owners.get(owner)?.get(identifier);
  }

  /** Takes in very many at once, into an empty list. Each repository may come once. */
  *fill(all: readonly ListedRepository[]): Cooperative<void> {
    for (const listed of all) {
      this.name(listed);
      yield;
    }
    for (const sort of ['newest', 'name', 'pushed'] as const) {
      this.orders[sort].replace(yield* sorted(all, SORTS[sort]));
    }
  }

  /** Adds a repository, or takes the place of what was known of it. */
  put(listed: ListedRepository): void {
    this.delete(listed.owner, listed.identifier);
    this.name(listed);
    for (const order of Object.values(this.orders)) order.add(listed);
  }

  /** @param pushed seconds */
  setPushed(listed: ListedRepository, pushed: number): void {
    this.orders.pushed.delete(listed);
    listed.pushed = pushed;
    this.orders.pushed.add(listed);
  }

  delete(owner: string, identifier: string): void {
    const repositories = this.owners.get(owner);
    const listed = repositories?.get(identifier);
    if (repositories === undefined || listed === undefined) return;
    repositories.delete(identifier);
    if (repositories.size === 0) this.owners.delete(owner);
    for (const word of listed.words) this.words.delete(word, listed);
    for (const topic of listed.topics) {
      const same = this.topics.get(topic);
      same?.delete(listed);
      if (same?.size === 0) this.topics.delete(topic);
    }
    for (const order of Object.values(this.orders)) order.delete(listed);
  }

  /**
   * Repositories that match, in their order. The list may change between two of them: then each comes where it stands.
   * @returns undefined in place of those that are examined and do not match
   */
  *matching(question: RepositoryQuestion): Generator<ListedRepository | undefined, void, undefined> {
    const { sort, after } = question;
    const compare = SORTS[sort];
    const [smallest, ...others] = this.sets(question).sort((a, b) => a.size - b.size);
    if (smallest !== undefined && smallest.size <= FEW) {
      const few = [...smallest].filter((listed) => others.every((set) => set.has(listed)));
      for (const listed of few.sort(compare))
        if (after === undefined || compare(listed, after) > 0) yield listed;
      return;
    }
    for (let place: Place | undefined = after; ; ) {
      const listed = this.orders[sort].after(place);
      if (listed === undefined) return;
      // Its current position: it may be moved before the next one is searched.
      const { owner, identifier, at, pushed, name } = listed;
      place = { owner, identifier, at, pushed, name };
      yield smallest === undefined || (smallest.has(listed) && others.every((set) => set.has(listed)))
        ? listed
        : undefined;
    }
  }

  /** For each search term, the matching repositories. */
  private sets({ words, owner, topic }: RepositoryQuestion): ReadonlySet<ListedRepository>[] {
    return [
      ...(owner === undefined ? [] : [new Set(this.owners.get(owner)?.values())]),
      ...(topic === undefined ? [] : [this.topics.get(topic) ?? new Set<ListedRepository>()]),
      ...words.map((word) => this.words.find(word)),
    ];
  }

  private name(listed: ListedRepository): void {
    const repositories = this.owners.get(listed.owner) ?? new Map<string, ListedRepository>();
    this.owners.set(listed.owner, repositories);
    repositories.set(listed.identifier, listed);
    for (const word of listed.words) this.words.add(word, listed);
    for (const topic of listed.topics) {
      const same = this.topics.get(topic) ?? new Set<ListedRepository>();
      this.topics.set(topic, same);
      same.add(listed);
    }
  }
}

import { type CairnError, isCairnError } from '../lib/errors.ts';
import { LruMap } from '../lib/lru.ts';
import type { Manifest, PublishedState } from './manifest.ts';
import { OtherKindError } from './other-kind.ts';
import { formatRepositoryId, type RepositoryId, type RepositoryPlace } from './repository-id.ts';

/** Of so many repositories the kind is remembered. A forgotten one may cost a request more. */
const REMEMBERED = 10_000;

/** The repositories of one kind, as far as they are opened here. */
interface OneKind {
  get(id: RepositoryId): {
    resolveOwnKind(): Promise<PublishedState<Manifest> | undefined>;
  };
  places(): AsyncGenerator<RepositoryPlace>;
  at(
    place: RepositoryPlace,
  ): Promise<{ readonly id: RepositoryId; readonly state: PublishedState<Manifest> } | undefined>;
}

/** By the name of each kind, its repositories. */
type Kinds = Readonly<Record<string, OneKind>>;

/** A repository of any of the kinds, with its published state. The name of the kind tells the types apart. */
export type OpenedRepository<K extends Kinds> = {
  [N in keyof K]: {
    readonly kind: N;
    readonly repository: ReturnType<K[N]['get']>;
    readonly state: NonNullable<Awaited<ReturnType<ReturnType<K[N]['get']>['resolveOwnKind']>>>;
  };
}[keyof K];

/** A repository of any of the kinds, as a listing finds it. */
export type ListedOfAllKinds<K extends Kinds> = {
  [N in keyof K]: { readonly kind: N } & NonNullable<Awaited<ReturnType<K[N]['at']>>>;
}[keyof K];

/**
 * The repositories of a bucket, whatever their kind. The published manifest says which kind a repository is of, so it takes
 * no second list of them.
 */
export class RepositoriesOfAllKinds<K extends Kinds> {
  private readonly kinds: K;
  /** The kinds of repositories that are not of the first one. */
  private readonly known = new LruMap<string, string>(REMEMBERED);

  /** @param kinds the most frequent kind first: it is tried for a repository that was not opened before */
  constructor(kinds: K) {
    this.kinds = kinds;
  }

  /** The repositories of one kind: to work with git's alone, or to make one of that kind. */
  of<N extends keyof K>(kind: N): K[N] {
    return this.kinds[kind];
  }

  /**
   * Opens a repository by the kind that its published manifest states.
   * @returns undefined when there is none
   * @throws OtherKindError when no such kind is opened here
   * @throws CairnError `unavailable` when the store does not answer; `corrupt` when its data is damaged
   */
  async open(id: RepositoryId): Promise<OpenedRepository<K> | undefined> {
    const name = formatRepositoryId(id);
    const [first = ''] = Object.keys(this.kinds);
    return this.asStated(
      this.known.get(name) ?? first,
      (kind) => this.openAs(id, kind),
      (stated) => this.known.set(name, stated, 1),
    );
  }

  /**
   * Every repository of these kinds in the bucket, with its published state. Reads the bucket's listing once, and the pointer and
   * manifest of each: never on a request path.
   * @param onDamaged told of each repository whose state cannot be read, which is then left out
   * @throws CairnError `unavailable` when the store does not answer with a list
   */
  async *list(onDamaged: (damage: CairnError) => void): AsyncGenerator<ListedOfAllKinds<K>> {
    const [first = ''] = Object.keys(this.kinds);
    for await (const place of this.kinds[first]?.places() ?? []) {
      try {
        const listed = await this.asStated(first, (kind) => this.at(place, kind));
        if (listed !== undefined) yield listed;
      } catch (error) {
        if (error instanceof OtherKindError) continue;
        if (!isCairnError(error)) throw error;
        onDamaged(error);
      }
    }
  }

  /**
   * Works on a repository as one of some kind, and if its manifest states another one, as of that.
   * @param found told of the other one, when the work is done
   */
  private async asStated<T>(
    tried: string,
    work: (kind: string) => Promise<T>,
    found: (stated: string) => void = () => undefined,
  ): Promise<T> {
    try {
      return await work(tried);
    } catch (error) {
      if (!(error instanceof OtherKindError) || !Object.hasOwn(this.kinds, error.found)) throw error;
      const done = await work(error.found);
      found(error.found);
      return done;
    }
  }

  private async at(place: RepositoryPlace, kind: string): Promise<ListedOfAllKinds<K> | undefined> {
    const listed = await this.kinds[kind]?.at(place);
    return listed === undefined ? undefined : ({ kind, ...listed } as ListedOfAllKinds<K>);
  }

  private async openAs(id: RepositoryId, kind: string): Promise<OpenedRepository<K> | undefined> {
    const repository = this.kinds[kind]?.get(id);
    const state = await repository?.resolveOwnKind();
    // The three come from one entry of `kinds`, which the compiler cannot follow through a string.
    return state === undefined ? undefined : ({ kind, repository, state } as unknown as OpenedRepository<K>);
  }
}

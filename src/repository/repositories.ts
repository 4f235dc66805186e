import type { Digest } from '../lib/digest.ts';
import { type CairnError, isCairnError } from '../lib/errors.ts';
import { LruMap } from '../lib/lru.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import type { GitRepository } from './git/git-repository.ts';
import { parsePointerKey, repositoriesPrefix } from './keys.ts';
import type { Manifest, PublishedState } from './manifest.ts';
import { OtherKindError } from './other-kind.ts';
import { readPointer } from './pointer.ts';
import {
  formatRepositoryId,
  type RepositoryId,
  type RepositoryPlace,
  repositoryId,
} from './repository-id.ts';

/** Repositories in memory. A forgotten one costs a request when it is needed again. */
const REMEMBERED = 10_000;

/** What repositories of all kinds have in common for {@link Repositories}; each kind has more. */
export interface AnyRepository {
  readonly publisher: { readonly busy: boolean };
  resolve(): Promise<PublishedState<Manifest> | undefined>;
}

/** The published state of a repository of a kind. */
export type PublishedOf<R extends AnyRepository> = NonNullable<Awaited<ReturnType<R['resolve']>>>;

/** @typeParam R the repositories of one kind */
export interface RepositoriesContext<R extends AnyRepository> {
  readonly control: ObjectStore;
  readonly manifests: {
    load(place: RepositoryPlace, digest: Digest): Promise<PublishedOf<R>['manifest']>;
  };
  /** Opens a repository. Sends no request. */
  readonly open: (id: RepositoryId) => R;
}

/**
 * All repositories of one kind in a bucket. Recently used ones stay in memory. Those of several kinds are found by
 * `RepositoriesOfAllKinds`.
 * @typeParam R the repositories of the kind
 */
export class Repositories<R extends AnyRepository = GitRepository> {
  private readonly context: RepositoriesContext<R>;
  private readonly known = new LruMap<string, R>(REMEMBERED, (repository) => !repository.publisher.busy);

  constructor(context: RepositoriesContext<R>) {
    this.context = context;
  }

  /** The repository of this kind with an id, whether it exists or not. Sends no request. */
  get(id: RepositoryId): R {
    const name = formatRepositoryId(id);
    const remembered = this.known.get(name);
    if (remembered !== undefined) return remembered;
    const repository = this.context.open(id);
    this.known.set(name, repository, 1);
    return repository;
  }

  /**
   * Every repository of this kind in the bucket, or of one owner, with its published state. Reads the bucket's listing, pointers and
   * manifests: for operators, never on a request path.
   * @param onDamaged told of each repository whose state cannot be read, which is then left out; without it the
   *   listing ends there
   * @throws CairnError `corrupt` naming what is damaged; `unavailable` when the store does not answer with a list
   */
  async *list(
    owner?: string,
    onDamaged: (damage: CairnError) => void = (damage) => {
      throw damage;
    },
  ): AsyncGenerator<ListedRepository<R>> {
    for await (const place of this.places(owner)) {
      let listed: ListedRepository<R> | undefined;
      try {
        listed = await this.at(place);
      } catch (error) {
        if (error instanceof OtherKindError) continue;
        if (!isCairnError(error)) throw error;
        onDamaged(error);
      }
      if (listed !== undefined) yield listed;
    }
  }

  /** The places of the repositories of all kinds, or of one owner: the bucket's listing alone. @throws as {@link list} */
  places(owner?: string): AsyncGenerator<RepositoryPlace> {
    return listPlaces(this.context.control, repositoriesPrefix(owner));
  }

  /**
   * The repository at a place, with its published state.
   * @returns undefined when there is none
   * @throws OtherKindError when it is of another kind; CairnError `corrupt`, `unavailable`
   */
  async at(place: RepositoryPlace): Promise<ListedRepository<R> | undefined> {
    const { control, manifests } = this.context;
    const reading = await readPointer(control, place);
    if (reading.is !== 'found') return undefined;
    const { version, digest } = reading;
    const manifest = await manifests.load(place, digest);
    const state = { version, digest, manifest } as PublishedOf<R>;
    return { id: repositoryId(place.owner, manifest.identifier), state };
  }
}

export interface ListedRepository<R extends AnyRepository = GitRepository> {
  readonly id: RepositoryId;
  readonly state: PublishedOf<R>;
}

/**
 * Finds pointers in a listing. After each pointer it skips the artifacts of the repository, of which there may be
 * thousands.
 */
async function* listPlaces(store: ObjectStore, prefix: string): AsyncGenerator<RepositoryPlace> {
  let startAfter: string | undefined = '';
  while (startAfter !== undefined) {
    const from: string = startAfter;
    startAfter = undefined;
    for await (const { key } of store.list(prefix, from === '' ? {} : { startAfter: from })) {
      const artifacts = key.indexOf('/artifacts/');
      if (artifacts !== -1) {
        startAfter = `${key.slice(0, artifacts)}/artifacts/~`;
        break;
      }
      const place = parsePointerKey(key);
      if (place !== undefined) yield place;
    }
  }
}

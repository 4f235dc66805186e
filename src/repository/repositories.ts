import { type CairnError, isCairnError } from '../lib/errors.ts';
import { LruMap } from '../lib/lru.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import type { PublishedGitState } from './git/git-manifest.ts';
import { GitRepository, type GitRepositoryContext } from './git/git-repository.ts';
import { parsePointerKey, repositoriesPrefix } from './keys.ts';
import { readPointer } from './pointer.ts';
import {
  formatRepositoryId,
  type RepositoryId,
  type RepositoryPlace,
  repositoryId,
} from './repository-id.ts';

/** Repositories in memory. A forgotten one costs a request when it is needed again. */
const REMEMBERED = 10_000;

/** All repositories of a bucket. Recently used ones stay in memory. */
export class Repositories {
  private readonly context: GitRepositoryContext;
  private readonly known = new LruMap<string, GitRepository>(
    REMEMBERED,
    (repository) => !repository.publisher.busy,
  );

  constructor(context: GitRepositoryContext) {
    this.context = context;
  }

  get(id: RepositoryId): GitRepository {
    const name = formatRepositoryId(id);
    const remembered = this.known.get(name);
    if (remembered !== undefined) return remembered;
    const repository = new GitRepository(id, this.context);
    this.known.set(name, repository, 1);
    return repository;
  }

  /**
   * Every repository in the bucket, or of one owner, with its published state. Reads the bucket's listing, pointers and
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
  ): AsyncGenerator<ListedRepository> {
    for await (const place of listPlaces(this.context.control, repositoriesPrefix(owner))) {
      let listed: ListedRepository | undefined;
      try {
        listed = await this.read(place);
      } catch (error) {
        if (!isCairnError(error)) throw error;
        onDamaged(error);
      }
      if (listed !== undefined) yield listed;
    }
  }

  private async read(place: RepositoryPlace): Promise<ListedRepository | undefined> {
    const { control, manifests } = this.context;
    const reading = await readPointer(control, place);
    if (reading.is !== 'found') return undefined;
    const { version, digest } = reading;
    const manifest = await manifests.load(place, digest);
    return { id: repositoryId(place.owner, manifest.identifier), state: { version, digest, manifest } };
  }
}

export interface ListedRepository {
  readonly id: RepositoryId;
  readonly state: PublishedGitState;
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

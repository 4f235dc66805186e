import { withFossilStore } from '../cli/fossil/fossil-store.ts';
import { repositoryArgument } from '../cli/repository-argument.ts';
import type { CloneTarget, LocalBag } from '../fossil-sync/client/local-bag.ts';
import { RepositoryBag } from '../fossil-sync/client/repository-bag.ts';
import { RepositoryCloneTarget } from '../fossil-sync/client/repository-clone-target.ts';
import type { ExchangeHost } from '../fossil-sync/server/exchange.ts';
import { type ProjectHostOptions, projectHost } from '../fossil-sync/server/project-host.ts';
import { systemRandom } from '../lib/random.ts';

/** The Fossil repositories of a store. */
export interface FossilRepositories {
  /**
   * A repository as the side of a client, for `sync`.
   * @param name `<owner>/<identifier>`
   * @throws CairnError `not-found` when there is no such Fossil repository
   */
  bag(name: string): Promise<LocalBag>;
  /** Where `clone` puts a project: a new repository, or one that is empty. @param name `<owner>/<identifier>` */
  cloneTarget(name: string): CloneTarget;
  /**
   * What answers stock clients and Cairn's for a repository: for `fossilListener`, `fossilFetch` and `serveExchange`.
   * @param name `<owner>/<identifier>`. If there is no such repository, requests are answered as to somebody who may not read
   */
  host(name: string, options?: ProjectHostOptions): ExchangeHost;
}

export interface FossilStoreOptions {
  /** Where repositories are: `file:<folder>`, which may be in use by a server, or `s3://<bucket>/<prefix>`. */
  readonly store: string;
  /** Further settings of the store, by their variables (`CAIRN_S3_ENDPOINT`, …); those of the process if absent. */
  readonly environment?: Readonly<NodeJS.ProcessEnv>;
}

/**
 * Opens a store, and closes it when the work is done.
 * @throws CairnError when the store cannot be opened
 */
export function withFossilRepositories<T>(
  { store, environment = process.env }: FossilStoreOptions,
  work: (repositories: FossilRepositories) => Promise<T>,
): Promise<T> {
  return withFossilStore(
    { store, 'log-level': 'silent' },
    { environment },
    { writes: true },
    ({ repositories }) =>
      work({
        bag: (name) => RepositoryBag.open(repositories.get(repositoryArgument(name))),
        cloneTarget: (name) =>
          new RepositoryCloneTarget(repositories.get(repositoryArgument(name)), systemRandom),
        host: (name, options) => projectHost(repositories.get(repositoryArgument(name)), options),
      }),
  );
}

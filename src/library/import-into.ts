import { importIntoOpened } from '../cli/import/import-into-opened.ts';
import { repositoryArgument } from '../cli/repository-argument.ts';
import { withStoreAndGit } from '../cli/store-and-git.ts';
import type { ImportResult } from '../mirror/import/import-request.ts';
import { openSource, type SourceOptions } from '../mirror/mirror.ts';
import { silent } from '../mirror/observer.ts';
import { checkScope, refPrefixes, wholeScope } from '../mirror/plan/ref-scope.ts';
import { parseRemoteAddress } from '../mirror/remote/remote-address.ts';

/** Options of an import. */
export interface ImportOptions extends SourceOptions {
  /** Where repositories are: `file:<folder>`, which may be in use by a server, or `s3://<bucket>/<prefix>`. */
  readonly store: string;
  /** `<owner>/<identifier>`; it is made when it does not exist. */
  readonly repository: string;
  /** Let branches be set back and tags move. */
  readonly force?: boolean;
  /** Delete refs that the source does not have. */
  readonly prune?: boolean;
  /** Refs that are blocked do not stop the others. */
  readonly bestEffort?: boolean;
  /** Only plan. */
  readonly dryRun?: boolean;
  /** Further settings of the store, by their variables (`CAIRN_S3_ENDPOINT`, …); those of the process if absent. */
  readonly environment?: Readonly<NodeJS.ProcessEnv>;
}

/**
 * Brings a repository into a store without a push: the pack of the source becomes a part of it, and all refs change in one publish.
 * @returns the result of each ref; it includes errors, with the changes made before
 * @throws CairnError when the store or the source cannot be opened
 */
export async function importInto(options: ImportOptions): Promise<ImportResult> {
  const { store, repository, environment = process.env, signal = new AbortController().signal } = options;
  const { force = false, prune = false, bestEffort = false, dryRun = false, observer = silent } = options;
  // A wrong name is told before anything is opened.
  repositoryArgument(repository);
  const scope = { ...wholeScope, tags: true, ...options.scope };
  checkScope(scope);
  const address = parseRemoteAddress(options.source.address);
  const context = { environment, print: () => undefined, warn: observer.notice.bind(observer), signal };
  return withStoreAndGit('import', { store, 'log-level': 'silent' }, context, async (opened) => {
    await using source = await openSource(address, options, refPrefixes(scope), signal);
    // Awaited here: the source is closed when this function returns.
    return await importIntoOpened(opened, repository, {
      source,
      scope,
      policy: { mode: 'sync', force, prune },
      dryRun,
      bestEffort,
      limits: { maxPackBytes: undefined },
      observer,
      signal,
    });
  });
}

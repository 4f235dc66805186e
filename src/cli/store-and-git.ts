import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { GivenFlags } from '../config/given-flags.ts';
import { readSettings, type Settings } from '../config/settings.ts';
import type { Git } from '../git-process/git.ts';
import { allSettledOrThrow } from '../lib/all-settled-or-throw.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { ClosingStack } from '../lib/closing-stack.ts';
import { type Random, systemRandom } from '../lib/random.ts';
import { openTemporaryFolder } from '../lib/temporary-folder.ts';
import type { ObjectStorePair } from '../object-store/object-store.ts';
import { createLogger, type Logger } from '../observability/logger.ts';
import type { GitBudget } from '../server/git-budget.ts';
import { openGit } from '../server/open-git.ts';
import { type OpenedRepositories, openRepositories } from '../server/open-repositories.ts';
import { openStoresForCommand, verdictsFolder } from '../server/stores.ts';
import type { CommandContext } from './command-context.ts';

/** What a command works with that runs git on repositories. */
export interface StoreAndGit extends OpenedRepositories {
  readonly settings: Settings;
  readonly log: Logger;
  readonly git: Git;
  readonly budget: GitBudget;
  readonly stores: ObjectStorePair;
  /** A folder for scratch files, on the file system of the cache. */
  readonly scratch: string;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Opens the store and git for a command that writes. It works beside running servers in a temporary folder of its own, because the cache
 * folder belongs to a server.
 * @param purpose part of the name of that folder
 */
export async function withStoreAndGit<T>(
  purpose: string,
  flags: GivenFlags,
  context: CommandContext,
  use: (opened: StoreAndGit) => Promise<T>,
): Promise<T> {
  const settings = readSettings(flags, context.environment);
  const log = createLogger(settings.logLevel === 'info' ? 'warn' : settings.logLevel);
  const [clock, random] = [systemClock, systemRandom];
  await using stack = new ClosingStack((error) => log.warn({ err: error }, 'closing'));
  const folder = await openTemporaryFolder(purpose);
  stack.defer(() => folder[Symbol.asyncDispose]());
  const { path } = folder;
  const openStores = async () => {
    const verdicts = verdictsFolder(settings.cache.folder);
    const opened = await openStoresForCommand(settings.store, { writes: true, verdicts, log });
    stack.defer(opened.close);
    return opened;
  };
  // Both wait for others most of the time: for processes, and for disks or a network.
  const [{ git, budget }, { stores }] = await allSettledOrThrow([
    openGit({ settings, home: path, log }, stack),
    openStores(),
  ]);
  const kept = { folder: path, budget: Number.MAX_SAFE_INTEGER };
  const opened = await openRepositories(
    { stores, clock, random, swapPatience: settings.swapPatience, cache: kept },
    stack,
  );
  const scratch = join(path, 'scratch');
  await mkdir(scratch);
  return await use({ ...opened, settings, log, git, budget, stores, scratch, clock, random });
}

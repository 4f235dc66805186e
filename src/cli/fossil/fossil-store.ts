import type { GivenFlags } from '../../config/given-flags.ts';
import { readSettings } from '../../config/settings.ts';
import { systemClock } from '../../lib/clock.ts';
import { ClosingStack } from '../../lib/closing-stack.ts';
import { systemRandom } from '../../lib/random.ts';
import { ScratchFiles } from '../../lib/scratch-files.ts';
import { openTemporaryFolder } from '../../lib/temporary-folder.ts';
import { foldTrouble } from '../../maintenance/fold/fold-trouble.ts';
import type { FossilFoldOutcome } from '../../maintenance/fold/fossil/fossil-fold.ts';
import { createLogger } from '../../observability/logger.ts';
import type { FossilRepository } from '../../repository/fossil/fossil-repository.ts';
import type { Repositories } from '../../repository/repositories.ts';
import { openRepositories, SCRATCH_BYTES } from '../../server/open-repositories.ts';
import { openStoresForCommand, verdictsFolder } from '../../server/stores.ts';
import type { CommandContext } from '../command-context.ts';

/** What a command works with that exchanges artifacts. */
export interface FossilStore {
  readonly repositories: Repositories<FossilRepository>;
  /** A folder for scratch files, removed afterwards. */
  readonly scratch: string;
  /** Folds a repository if it is due: servers only fold after publishes of their own. @throws as `foldFossil` */
  fold(repository: FossilRepository, signal: AbortSignal): Promise<FossilFoldOutcome>;
}

/**
 * Opens the store for a command that works with Fossil repositories. It works beside running servers, and runs no git.
 * @param work whether the command writes: then the store must have passed the probe
 */
export async function withFossilStore<T>(
  flags: GivenFlags,
  context: Pick<CommandContext, 'environment'>,
  { writes }: { readonly writes: boolean },
  use: (store: FossilStore) => Promise<T>,
): Promise<T> {
  const settings = readSettings(flags, context.environment);
  const log = createLogger(settings.logLevel === 'info' ? 'warn' : settings.logLevel);
  await using stack = new ClosingStack((error) => log.warn({ err: error }, 'closing'));
  const folder = await openTemporaryFolder('fossil');
  stack.defer(() => folder[Symbol.asyncDispose]());
  const scratch = folder.path;
  const { stores, close } = await openStoresForCommand(settings.store, {
    writes,
    verdicts: verdictsFolder(settings.cache.folder),
    log,
  });
  stack.defer(close);
  const { swapPatience } = settings;
  const cache = { folder: scratch, budget: Number.MAX_SAFE_INTEGER };
  const opened = await openRepositories(
    {
      ...{ stores, clock: systemClock, random: systemRandom, swapPatience, cache },
      fossilScratch: new ScratchFiles(scratch, SCRATCH_BYTES),
    },
    stack,
  );
  const fold: FossilStore['fold'] = async (repository, signal) => {
    const { foldFossil } = await import('../../maintenance/fold/fossil/fossil-fold.ts');
    const holder = systemRandom.hex(8);
    const parts = {
      control: stores.control,
      cache: opened.cache,
      scratch,
      clock: systemClock,
      random: systemRandom,
    };
    return foldFossil({ ...parts, holder, onTrouble: foldTrouble(log) }, repository, 'due', signal);
  };
  return await use({ repositories: opened.fossil, scratch, fold });
}

import { importInto } from '../../mirror/import/import-into.ts';
import type { ImportRequest, ImportResult } from '../../mirror/import/import-request.ts';
import { HeightMemory } from '../../repository/intake/heights/height-memory.ts';
import { pushLimits } from '../../transfer/push/limits.ts';
import { repositoryArgument } from '../repository-argument.ts';
import type { StoreAndGit } from '../store-and-git.ts';

/**
 * Imports into an opened store. Everybody with access to the store may import anything that can be served.
 * @param name `<owner>/<identifier>`; the repository is made when it does not exist
 */
export function importIntoOpened(
  opened: StoreAndGit,
  name: string,
  request: Omit<ImportRequest, 'repository' | 'create'>,
): Promise<ImportResult> {
  const { repositories, settings, budget } = opened;
  const limits = pushLimits({
    commands: settings.maxRefsPerPush,
    packBytes: 0,
    objectBytes: settings.maxObjectSize,
    gitMemory: budget.memory,
  });
  return importInto(
    { ...opened, limits, heights: new HeightMemory() },
    { ...request, repository: repositories.get(repositoryArgument(name)), create: true },
  );
}

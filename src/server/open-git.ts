/** git as the server and the commands run it: within the memory that the machine has for it, and in a version that serves. */
import type { Settings } from '../config/settings.ts';
import { Git, type GitObserver } from '../git-process/git.ts';
import { checkGitVersion } from '../git-process/git-version.ts';
import { Launcher } from '../git-process/launcher.ts';
import { usableMemoryLimit } from '../git-process/memory-limit.ts';
import { machineMemory } from '../lib/machine-memory.ts';
import type { Logger } from '../observability/logger.ts';
import { type GitBudget, gitBudget } from './git-budget.ts';

export interface OpenedGit {
  /** To be closed. */
  readonly git: Git;
  readonly version: string;
  readonly budget: GitBudget;
}

/** What a server has beyond a command: who hears of processes, and a small process that starts them (see `launcher.ts`). */
export interface OpenGitOptions {
  readonly observer?: GitObserver;
  readonly launches?: boolean;
}

/**
 * Finds git, and how much memory it may have. Warns where the settings do not fit into the machine.
 * @param home a folder that holds no configuration
 * @throws CairnError when there is no git, or one that is too old
 */
export async function openGit(
  settings: Pick<Settings, 'git' | 'gitMemory' | 'gitConcurrency' | 'anonymousPushes'>,
  home: string,
  log: Pick<Logger, 'warn'>,
  { observer, launches = false }: OpenGitOptions = {},
): Promise<OpenedGit> {
  const budget = gitBudget(settings, machineMemory());
  const { memory, shares } = budget;
  const limit = await usableMemoryLimit(settings.git, memory, (problem) => log.warn(problem));
  if (launches && budget.warning !== undefined) log.warn(budget.warning);
  const launcher = launches ? new Launcher() : undefined;
  launcher?.open();
  const git = new Git({
    binary: settings.git,
    home,
    shares,
    ...limit,
    ...(observer === undefined ? {} : { observer }),
    ...(launcher === undefined ? {} : { launcher }),
  });
  try {
    return { git, version: await checkGitVersion(git), budget };
  } catch (error) {
    await git.close();
    throw error;
  }
}

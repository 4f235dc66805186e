/** Opens git for the server and for commands: with a memory limit that fits the machine, in a supported version. */
import type { Settings } from '../config/settings.ts';
import { Git, type GitObserver } from '../git-process/git.ts';
import { checkGitVersion } from '../git-process/git-version.ts';
import { Launcher } from '../git-process/launcher.ts';
import { usableMemoryLimit } from '../git-process/memory-limit.ts';
import type { ClosingStack } from '../lib/closing-stack.ts';
import { machineMemory } from '../lib/machine-memory.ts';
import type { Logger } from '../observability/logger.ts';
import { type GitBudget, gitBudget } from './git-budget.ts';

export interface OpenedGit {
  readonly git: Git;
  /** The same git for pages, with shares of its own. */
  readonly pagesGit: Git;
  readonly version: string;
  readonly budget: GitBudget;
}

/** What is the same of one git at each start, for a process that starts many servers. */
export interface LearnedGit {
  readonly version: string;
  /** Whether this system limits the memory of its processes. */
  readonly limitsMemory: boolean;
  /** Starts the processes of all of them. Whoever gives it closes it. */
  readonly launcher?: Launcher | undefined;
}

export interface GitParts {
  readonly settings: Pick<Settings, 'git' | 'gitMemory' | 'gitConcurrency' | 'anonymousPushes' | 'mirrors'>;
  /** The home folder of git processes. It holds no configuration. */
  readonly home: string;
  readonly log: Pick<Logger, 'warn'>;
  readonly observer?: GitObserver;
  /** Starts processes through a small helper process, as a server does (see `launcher.ts`). */
  readonly launches?: boolean;
  /** Without it, git is asked, and the launcher is started at once instead of with the first process that needs it. */
  readonly learned?: LearnedGit | undefined;
}

/**
 * Finds git and its memory limit. Warns when the settings of a server do not fit the machine.
 * @param stack closes it
 * @throws CairnError when git is missing or too old
 */
export async function openGit(parts: GitParts, stack: ClosingStack): Promise<OpenedGit> {
  const { settings, home, log, observer, launches = false, learned } = parts;
  const budget = gitBudget(settings, machineMemory());
  const { memory, shares } = budget;
  const launcher = launches ? (learned?.launcher ?? ownLauncher(stack)) : undefined;
  // First, because it takes longer to start than what follows.
  if (learned === undefined) launcher?.open();
  const limit = learned?.limitsMemory
    ? { memory }
    : await usableMemoryLimit(settings.git, memory, (problem) => log.warn(problem));
  if (launches && budget.warning !== undefined) log.warn(budget.warning);
  const git = new Git({
    binary: settings.git,
    home,
    shares,
    ...limit,
    ...(observer === undefined ? {} : { observer }),
    ...(launcher === undefined ? {} : { launcher }),
  });
  stack.defer(() => git.close());
  const pagesGit = git.beside({ all: budget.pageShares, spare: 0 });
  return { git, pagesGit, version: learned?.version ?? (await checkGitVersion(git)), budget };
}

function ownLauncher(stack: ClosingStack): Launcher {
  const launcher = new Launcher();
  stack.defer(() => launcher.close());
  return launcher;
}

import { type RunOptions, type RunResult, run } from './processes.ts';

/**
 * The environment of every git client here: nothing of the machine's or the user's configuration,
 * no prompts, and one fixed identity and date so that generated objects are the same everywhere.
 */
export function gitEnvironment(): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    HOME: '/nonexistent',
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: 'Bench',
    GIT_AUTHOR_EMAIL: 'bench@example.com',
    GIT_AUTHOR_DATE: '1700000000 +0000',
    GIT_COMMITTER_NAME: 'Bench',
    GIT_COMMITTER_EMAIL: 'bench@example.com',
    GIT_COMMITTER_DATE: '1700000000 +0000',
  };
}

/** Runs git with {@link gitEnvironment}; throws with its standard error when it fails. */
export function git(args: readonly string[], options: Omit<RunOptions, 'env'> = {}): Promise<RunResult> {
  return run('git', args, { ...options, env: gitEnvironment() });
}

/** The object id a name stands for in a repository. */
export async function resolve(repository: string, name: string): Promise<string> {
  const { stdout } = await git(['-C', repository, 'rev-parse', '--verify', '--end-of-options', name]);
  return stdout.trim();
}

import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { CairnError } from '../../src/lib/errors.ts';
import { type RunOptions, type RunResult, run } from '../processes.ts';

/** Debian's `fossil`. */
export const fossilProgram = '/usr/bin/fossil';

/** The user that every repository of the benchmark is made by, and its password where one is asked for. */
export const fossilUser = 'owner';

/** The environment of the stock program: its settings and user are those of a folder of ours. */
export function fossilEnvironment(home: string): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], LC_ALL: 'C', USER: fossilUser, HOME: home, FOSSIL_HOME: home };
}

/**
 * Runs `fossil` to its end.
 * @param home folder for its settings; created if needed
 * @throws CairnError `unavailable` when it is not installed, or ends with anything but 0
 */
export async function fossil(
  home: string,
  args: readonly string[],
  options: Omit<RunOptions, 'env'> = {},
): Promise<RunResult> {
  if (!existsSync(fossilProgram)) {
    throw new CairnError(
      'unavailable',
      `${fossilProgram} is missing: run \`apt-get install fossil\` and try again`,
    );
  }
  await mkdir(home, { recursive: true });
  return run(fossilProgram, args, { ...options, env: fossilEnvironment(home) });
}

/** The version that `fossil` gives itself, for the report. */
export async function fossilVersion(home: string): Promise<string> {
  const { stdout } = await fossil(home, ['version']);
  return /version ([\d.]+)/.exec(stdout)?.[1] ?? 'unknown';
}

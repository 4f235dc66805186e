import { CairnError, isCairnError } from '../lib/errors.ts';
import { gitVersion } from './commands.ts';
import type { Git } from './git.ts';

/** The oldest git that Cairn accepts. Earlier versions lack security fixes (CVE-2022-23521, CVE-2022-41903). */
export const MINIMUM_GIT = '2.39.0';

const ADVICE = `install git ${MINIMUM_GIT} or newer, or name it with --git`;

/**
 * Checks that git is new enough.
 * @returns the version, for example `2.39.5`
 * @throws CairnError `unavailable`, naming the version found and the version needed
 */
export async function checkGitVersion(git: Git): Promise<string> {
  const result = await git.brief(gitVersion()).catch((error: unknown) => {
    if (!isCairnError(error, 'unavailable')) throw error;
    throw new CairnError('unavailable', `${error.message}: ${ADVICE}`, { cause: error });
  });
  const version = /^git version (\d+\.\d+(?:\.\d+)?)/.exec(result.stdout.toString('utf8'))?.[1];
  if (result.exitCode !== 0 || version === undefined) {
    throw new CairnError(
      'unavailable',
      `git did not print its version (${result.stderr.trim() || 'no answer'}): ${ADVICE}`,
    );
  }
  if (compareVersions(version, MINIMUM_GIT) < 0) {
    throw new CairnError('unavailable', `git ${version} is too old: Cairn needs git ${MINIMUM_GIT} or newer`);
  }
  return version;
}

function compareVersions(a: string, b: string): number {
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  for (let part = 0; part < 3; part++) {
    const difference = (left[part] ?? 0) - (right[part] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

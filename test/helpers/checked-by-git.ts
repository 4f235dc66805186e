import { execaSync } from 'execa';
import type { RealRepository } from '../unit/git/real-git.ts';
import type { CraftedPack } from './craft-pack.ts';

/**
 * What git's checks have to say about objects, whatever they link to, be it nothing (`nullSha1`): also what is no more than a notice. Findings that
 * Cairn ignores are left out.
 * @param repository the pack is added to it, unchecked
 * @returns ids of the objects that git has something to say about
 */
export function findingsOfGit(repository: RealRepository, pack: CraftedPack): Set<string> {
  repository.git(['index-pack', '--stdin'], { input: pack.bytes() });
  const ignored = ['badTimezone', 'missingSpaceBeforeDate', 'zeroPaddedFilemode', 'nullSha1'];
  const settings = ignored.flatMap((rule) => ['-c', `fsck.${rule}=ignore`]);
  const { stderr } = execaSync('git', [...settings, 'fsck', '--strict', '--no-dangling', '--no-progress'], {
    cwd: repository.path,
    reject: false,
    env: { LC_ALL: 'C' },
    maxBuffer: 2 ** 28,
  });
  return new Set(
    [...stderr.matchAll(/^(?:error|warning) in \w+ ([0-9a-f]+): \w+: /gm)].map(([, id = '']) => id),
  );
}

import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Git } from '../../../src/git-process/git.ts';
import { checkGitVersion, MINIMUM_GIT } from '../../../src/git-process/git-version.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

async function check(script: string): Promise<string> {
  await using folder = await tempDir();
  const binary = join(folder.path, 'git');
  await writeFile(binary, `#!/bin/sh\n${script}\n`);
  await chmod(binary, 0o755);
  return await checkGitVersion(new Git({ binary, home: folder.path }));
}

describe('the version of git', () => {
  it.each([
    ['git version 2.39.0', '2.39.0'],
    ['git version 2.39', '2.39'],
    ['git version 2.47.1 (Apple Git-155)', '2.47.1'],
    ['git version 2.50.0.windows.1', '2.50.0'],
    ['git version 3.0.0-rc1', '3.0.0'],
    ['git version 10.2.3', '10.2.3'],
  ])('"%s" is new enough', async (line, version) => {
    expect(await check(`echo '${line}'`)).toBe(version);
  });

  it.each(['2.38.99', '1.99.0', '2.4.0'])(
    '%s is too old, and the error names both versions',
    async (version) => {
      await expect(check(`echo 'git version ${version}'`)).rejects.toMatchObject({
        kind: 'unavailable',
        message: expect.stringMatching(`${version}.*${MINIMUM_GIT}`),
      });
    },
  );

  it.each(['echo nonsense', 'exit 1', 'echo git version unknown', 'echo bad library >&2; exit 127'])(
    'is not read from a program that %s',
    async (script) => {
      await expect(check(script)).rejects.toMatchObject({ kind: 'unavailable' });
    },
  );
});

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as commands from '../../../src/git-process/commands.ts';
import { Git } from '../../../src/git-process/git.ts';
import { GitClient } from '../../helpers/git-client.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

describe('commands', () => {
  const paths = { gitDir: '/snap shot/a:b"c\\d', objects: '/quarantine' };

  it('have no user values in their arguments, and their options depend on none', () => {
    const all = [
      commands.gitVersion(),
      commands.checkConnectivity(paths),
      commands.describeObjects(paths),
      commands.indexFromInput({
        paths,
        maxInputBytes: 5,
        maxObjectBytes: 5,
        heldBytes: 5,
        objects: 5,
        progress: true,
        niceness: 0,
        shallowFile: '/shallow',
      }),
    ];
    for (const { args } of all) {
      for (const arg of args) expect(arg).toMatch(/^--[a-z]/);
    }
  });

  it('accept repositories in a folder with any name', async () => {
    await using folder = await tempDir();
    const awkward = 'colon:quote"back\\slash newline\ttab';
    const client = await new GitClient(folder.path).init(awkward, '--bare');
    const gitDir = client.folder;
    const git = new Git({ binary: 'git', home: folder.path });
    const made = await git.run(commands.commitEmptyTree(gitDir, 'sha1'), { input: 'message' });
    const commit = made.stdout.toString().trim();
    const objects = join(folder.path, 'objects');
    await mkdir(objects);
    await writeFile(join(objects, 'ignored'), '');
    const input = `${commit}\n${commit}^{}\n${'d'.repeat(40)}\n`;
    const { stdout } = await git.run(commands.describeObjects({ gitDir, objects }), { input });
    expect(stdout.toString()).toBe(`${commit} commit\n${commit} commit\n${'d'.repeat(40)} missing\n`);
    expect(
      await git.run(commands.checkConnectivity({ gitDir, objects }), { input: `${commit}\n` }),
    ).toMatchObject({
      exitCode: 0,
    });
    expect(
      await git.run(commands.checkConnectivity({ gitDir, objects }), { input: `${'d'.repeat(40)}\n` }),
    ).toMatchObject({ exitCode: 128 });
  });
});

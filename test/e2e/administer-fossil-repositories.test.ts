/** What operators do with Fossil repositories by `cairn repo` and `cairn fold`, without a server. */
import { expect, it } from 'vitest';
import { type CommandResult, run } from '../helpers/git-client.ts';
import { MAIN, OWNER } from '../helpers/server.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const NAME = `${OWNER}/project`;
const CODE = 'c'.repeat(40);

function cairn(folder: string, ...args: string[]): Promise<CommandResult> {
  return run(process.execPath, [MAIN, ...args, '--store', `file:${folder}/data`], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: folder },
  });
}

it('are created, listed, shown, followed and folded beside those of git', async () => {
  await using folder = await tempDir();
  const at = (...args: string[]) => cairn(folder.path, ...args);
  expect(await at('repo', 'create', NAME, '--fossil', '--project-code', CODE)).toMatchObject({
    exitCode: 0,
    stdout: `created ${NAME}\nfossil URL path: /fossil/${OWNER}/project\n`,
  });
  expect(await at('repo', 'create', `${OWNER}/of-git`)).toMatchObject({ exitCode: 0 });
  const list = await at('repo', 'list', '--json');
  const lines = list.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  expect(lines).toEqual([
    expect.objectContaining({ identifier: 'of-git', objectFormat: 'sha1' }),
    { owner: OWNER, identifier: 'project', vcs: 'fossil', state: 'live', artifacts: 0, packs: 0 },
  ]);
  expect((await at('repo', 'show', NAME)).stdout).toContain(`project     ${CODE}`);
  const shown = JSON.parse((await at('repo', 'show', NAME, '--json')).stdout) as { manifest: object };
  expect(shown.manifest).toMatchObject({ kind: 'fossil', state: 'live', projectCode: CODE });
  expect((await at('repo', 'log', NAME)).stdout).toMatch(
    /^ +0 {2}[0-9a-f]{12} {2}\S+ {2}configure 0 artifacts$/m,
  );
  expect(await at('fold', NAME)).toMatchObject({ exitCode: 0, stdout: 'nothing to do\n' });
});

it('say what is wrong', async () => {
  await using folder = await tempDir();
  const problem = async (...args: string[]) => {
    const { exitCode, stderr } = await cairn(folder.path, ...args);
    expect(exitCode).toBe(1);
    return stderr;
  };
  await cairn(folder.path, 'repo', 'create', NAME, '--fossil');
  await cairn(folder.path, 'repo', 'create', `${OWNER}/of-git`);
  expect(await problem('repo', 'create', NAME, '--fossil')).toContain(
    'there is a repository of this name already',
  );
  expect(await problem('repo', 'create', NAME)).toContain('this is a repository of fossil, not of git');
  expect(await problem('repo', 'create', `${OWNER}/of-git`, '--fossil')).toContain('of git, not of fossil');
  expect(await problem('repo', 'create', `${OWNER}/x`, '--fossil', '--project-code', 'x')).toContain(
    '40 hex digits',
  );
  expect(await problem('repo', 'create', `${OWNER}/x`, '--project-code', CODE)).toContain(
    'only for repositories of Fossil',
  );
  expect(await problem('repo', 'restore', NAME, '0')).toContain('of fossil, not of git');
  expect(await problem('repo', 'set-head', NAME, 'main')).toContain('of fossil, not of git');
});

import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runCommand } from '../helpers/command.ts';
import { type CommandResult, GitClient } from '../helpers/git-client.ts';
import { OWNER, repositoryUrl, spawnServer } from '../helpers/server.ts';
import { tempDir } from '../helpers/temp-dir.ts';

it('cairn fold folds repositories beside a running server, and earlier states can be restored', async () => {
  await using folder = await tempDir();
  const store = `file:${join(folder.path, 'data')}`;
  await using server = await spawnServer(['--store', store, '--cache', join(folder.path, 'cache')]);
  const cairn = (...args: string[]): Promise<CommandResult> => runCommand([...args, '--store', store]);
  const name = `${OWNER}/tools`;
  const url = repositoryUrl(server, 'tools');
  const user = new GitClient(folder.path);
  const work = await user.init('work');
  const commits: string[] = [];
  for (const n of [1, 2, 3]) {
    commits.unshift(await work.commit(`Commit ${n}`, { counter: `${n}\n` }));
    await work.run(['push', '--quiet', url, 'main']);
  }

  expect(await cairn('fold', name)).toEqual({
    exitCode: 0,
    stdout: 'folded: 3 packs before, 1 now, 9 objects packed\n',
    stderr: '',
  });
  expect((await cairn('fold', name)).stdout).toBe('nothing to do\n');
  expect(await cairn('fold', '--all')).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  expect((await cairn('repo', 'list')).stdout).toBe(`${name}\t1 ref\t1 pack\tlive\n`);
  const folded = await user.clone(url, 'folded');
  expect(await folded.run(['rev-list', 'HEAD'])).toBe(commits.join('\n'));

  await cairn('repo', 'restore', name, '1');
  const restored = await user.clone(url, 'restored');
  expect(await restored.run(['rev-list', 'HEAD'])).toBe(commits.slice(1).join('\n'));
  expect(await restored.run(['fsck', '--strict'])).toBe('');

  for (const wrong of [['fold'], ['fold', name, '--all'], ['fold', 'tools']]) {
    expect((await cairn(...wrong)).exitCode).toBe(1);
  }
  expect((await cairn('fold', `${OWNER}/nowhere`)).stderr).toContain(
    `there is no repository ${OWNER}/nowhere`,
  );
});

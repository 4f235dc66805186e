import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runCommand } from '../helpers/command.ts';
import { type CommandResult, GitClient } from '../helpers/git-client.ts';
import { OWNER, repositoryUrl, spawnServer } from '../helpers/server.ts';
import { tempDir } from '../helpers/temp-dir.ts';

/** Runs `cairn <args>` on a data folder, as an operator would beside a running server. */
function cairn(folder: string, ...args: string[]): Promise<CommandResult> {
  const store = `file:${join(folder, 'data')}`;
  return runCommand([...args, '--store', store]);
}

const serverArgs = (folder: string) => [
  '--store',
  `file:${join(folder, 'data')}`,
  '--cache',
  join(folder, 'cache'),
];

it('repositories are created, listed, shown, restored and redirected beside a running server', async () => {
  await using folder = await tempDir();
  await using server = await spawnServer(serverArgs(folder.path));
  const name = `${OWNER}/tools`;

  const created = await cairn(folder.path, 'repo', 'create', name, '--head', 'trunk');
  expect(created).toMatchObject({ exitCode: 0, stderr: '' });
  expect(created.stdout).toContain(`/git/${OWNER}/tools.git`);
  expect(await cairn(folder.path, 'repo', 'create', name)).toMatchObject({
    exitCode: 1,
    stderr: `cairn: the repository ${name} already exists\n`,
  });

  const user = new GitClient(folder.path);
  const work = await user.init('work');
  const url = repositoryUrl(server, 'tools');
  const first = await work.commit('first', { a: '1\n' });
  await work.run(['push', url, 'main:trunk', 'main:other']);
  const second = await work.commit('second', { a: '2\n' });
  await work.run(['push', url, 'main:trunk']);

  const shown = JSON.parse((await cairn(folder.path, 'repo', 'show', name, '--json')).stdout);
  expect(shown.manifest).toMatchObject({
    depth: 2,
    state: 'live',
    head: 'refs/heads/trunk',
    refs: { 'refs/heads/trunk': second },
  });
  const log = (await cairn(folder.path, 'repo', 'log', name, '--json')).stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(log.map((entry) => [entry.depth, entry.causes[0].kind])).toEqual([
    [2, 'push'],
    [1, 'push'],
    [0, 'announce'],
  ]);
  expect((await cairn(folder.path, 'repo', 'list')).stdout).toContain(name);
  expect((await cairn(folder.path, 'repo', 'list', 'b'.repeat(64))).stdout).toBe('');

  expect(await cairn(folder.path, 'repo', 'restore', name, '1')).toMatchObject({ exitCode: 0 });
  expect(await work.run(['ls-remote', url, 'refs/heads/trunk'])).toContain(first);
  expect((await cairn(folder.path, 'repo', 'restore', name, log[0].digest)).stdout).toContain(
    'restored: depth 4',
  );
  expect(await work.run(['ls-remote', url, 'refs/heads/trunk'])).toContain(second);

  expect(await cairn(folder.path, 'repo', 'set-head', name, 'other')).toMatchObject({ exitCode: 0 });
  expect(await work.run(['ls-remote', '--symref', url, 'HEAD'])).toContain('ref: refs/heads/other\tHEAD');
  expect(await cairn(folder.path, 'repo', 'set-head', name, 'nowhere')).toMatchObject({
    exitCode: 1,
    stderr: `cairn: the repository ${name} has no branch refs/heads/nowhere\n`,
  });
});

it('repositories survive a restart of the server', async () => {
  await using folder = await tempDir();
  const user = new GitClient(folder.path);
  const work = await user.init('work');
  const commit = await work.commit('first', { a: '1\n' });
  {
    await using server = await spawnServer(serverArgs(folder.path));
    await work.run(['push', repositoryUrl(server, 'kept'), 'main']);
    expect(await server.stop('SIGTERM')).toBe(0);
  }
  expect((await cairn(folder.path, 'repo', 'show', `${OWNER}/kept`)).stdout).toContain(commit);
  await using server = await spawnServer(serverArgs(folder.path));
  const clone = await user.clone(repositoryUrl(server, 'kept'), 'clone');
  expect(await clone.oidOf('HEAD')).toBe(commit);
});

it.each([
  ['nonsense', 'a repository is named <owner>/<identifier>'],
  ['/srv/tool.git', 'a repository is named <owner>/<identifier>'],
  ['nobody/x', '"nobody" is neither an npub nor a public key of 64 lower-case hex characters'],
  [`${OWNER}/..`, 'the repository identifier cannot be "." or ".."'],
  [`${OWNER}/none`, `there is no repository ${OWNER}/none`],
])('`repo show %s` reports what is wrong', async (name, reason) => {
  await using folder = await tempDir();
  expect(await cairn(folder.path, 'repo', 'show', name)).toMatchObject({
    exitCode: 1,
    stderr: `cairn: ${reason}\n`,
  });
});

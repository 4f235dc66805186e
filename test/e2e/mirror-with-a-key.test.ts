/** Mirrors to and from Cairn by somebody who shows a key: at the target, and at a private source. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runCommand } from '../helpers/command.ts';
import { type CommandResult, GitClient } from '../helpers/git-client.ts';
import { startServer } from '../helpers/server.ts';
import { tempDir } from '../helpers/temp-dir.ts';

it('a mirror run pushes to the user’s repository and reads a private one, with tokens signed for each', async () => {
  await using folder = await tempDir('cairn-users');
  await using server = await startServer({ flags: { access: 'signed' } });
  const cairn = (args: readonly string[], env: Record<string, string> = {}): Promise<CommandResult> =>
    runCommand(args, {
      PATH: process.env['PATH'] ?? '',
      HOME: folder.path,
      GIT_TERMINAL_PROMPT: '0',
      ...env,
    });
  const ours = { CAIRN_SERVER: server.url };
  const user = await new GitClient(folder.path).init('source');
  await user.commit('One', { file: '1\n' });
  await user.run(['tag', '--annotate', '-m', 'One', 'v1']);
  await cairn(['key', 'new'], ours);
  const urlOf = async (...args: string[]) => {
    const { stdout } = await cairn(['announce', ...args], ours);
    return stdout.trim().split('\n').at(-1) ?? '';
  };
  const [open, hidden, copy] = [await urlOf('open'), await urlOf('hidden', '--private'), await urlOf('copy')];

  const nobody = await cairn(['mirror', 'sync', user.folder, open, '--tags']);
  expect(nobody).toMatchObject({ exitCode: 5, stderr: expect.stringContaining('401') });

  for (const target of [open, hidden]) {
    const signed = await cairn(['mirror', 'sync', user.folder, target, '--tags'], ours);
    expect(signed).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/2 changed, 0 equal/) });
  }
  const unseen = await cairn(['mirror', 'probe', hidden]);
  expect(unseen.exitCode).toBe(5);
  // The server is not named; a key is, for each side.
  const key = join(folder.path, '.config/cairn/key');
  const keys = ['--source-key', key, '--target-key', key];
  const across = await cairn(['mirror', 'replicate', hidden, copy, '--all-refs', '--prune', ...keys]);
  expect(across).toMatchObject({ exitCode: 0, stderr: '' });
  expect(await user.run(['ls-remote', copy, 'refs/*'])).toBe(await user.run(['ls-remote', open, 'refs/*']));
});

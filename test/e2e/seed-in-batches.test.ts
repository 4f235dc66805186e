import { expect, it } from 'vitest';
import { generateHistory } from '../helpers/generated-history.ts';
import { run } from '../helpers/git-client.ts';
import { hosted } from '../helpers/hosted.ts';
import { MAIN } from '../helpers/server.ts';
import { eachStore } from '../helpers/stores.ts';

eachStore('seeding a server that limits pushes', (openStore) => {
  const cairn = hosted(openStore, { flags: { 'max-push-size': '45000' } });

  it('a seeding sends batches until everything is there, and leaves nothing else (issue 13, point 2)', async () => {
    const { url, user } = await cairn.created();
    const shape = { seed: 13, commits: 60, stages: 2, format: 'sha1' } as const;
    const { repository } = await generateHistory(user.folder, shape);
    const environment = { PATH: process.env['PATH'] ?? '', HOME: user.folder, TMPDIR: user.folder };

    const args = ['mirror', 'sync', repository.folder, url, '--all-refs', '--json'];
    const { exitCode, stdout } = await run(process.execPath, [MAIN, ...args], { env: environment });

    const result = JSON.parse(stdout);
    expect(result.problem).toBe(null);
    expect(exitCode).toBe(0);
    expect(result.packs).toBeGreaterThan(2);
    const main = result.refs.find(({ target }: { target: string }) => target === 'refs/heads/main');
    expect(main.strategy).toBe('batches');
    const refs = async (from: string) =>
      (await user.run(['ls-remote', from])).split('\n').filter((line) => !line.endsWith('HEAD'));
    expect(await refs(url)).toEqual(await refs(repository.folder));
    const clone = await user.clone(url, 'clone', '--mirror');
    await clone.run(['fsck', '--strict', '--no-dangling']);
  });
});

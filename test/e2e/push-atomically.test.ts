import { expect, it } from 'vitest';
import { hosted } from '../helpers/hosted.ts';
import { eachStore } from '../helpers/stores.ts';

eachStore('pushing atomically', (openStore) => {
  const cairn = hosted(openStore);

  it('an atomic push changes all refs in one publish', async () => {
    const { url, repository, author } = await cairn.published();
    const before = await repository.resolve();
    const tip = await author.commit('Later');

    await author.run(['push', '--atomic', 'origin', 'main', 'main:refs/heads/a', 'main:refs/heads/b']);

    expect(await author.run(['ls-remote', '--heads', url])).toBe(
      ['a', 'b', 'main'].map((name) => `${tip}\trefs/heads/${name}`).join('\n'),
    );
    const after = await repository.resolve();
    expect(after?.manifest.depth).toBe((before?.manifest.depth ?? 0) + 1);
  });

  it('an atomic push changes nothing if one ref is refused, and the report says which', async () => {
    const { url, author, tip } = await cairn.published();
    await author.commit('Later');
    cairn.store.reset();

    const refused = await author.try([
      'push',
      '--atomic',
      'origin',
      'main',
      'main:refs/heads/fine',
      'main:refs/heads/main/below',
    ]);

    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain('main -> main/below (it cannot exist beside refs/heads/main)');
    expect(refused.stderr).toContain('! [remote rejected] main -> main (atomic push failure)');
    expect(refused.stderr).toContain('! [remote rejected] main -> fine (atomic push failure)');
    expect(cairn.store.writes()).toBe(0);
    expect(await author.run(['ls-remote', '--heads', url])).toBe(`${tip}\trefs/heads/main`);
  });

  it('a push without --atomic changes the refs that it can', async () => {
    const { url, author } = await cairn.published();
    const tip = await author.commit('Later');

    const pushed = await author.try([
      'push',
      'origin',
      'main',
      'main:refs/heads/fine',
      'main:refs/heads/main/below',
    ]);

    expect(pushed.exitCode).toBe(1);
    expect(await author.run(['ls-remote', '--heads', url])).toBe(
      `${tip}\trefs/heads/fine\n${tip}\trefs/heads/main`,
    );
  });
});

import { expect, it } from 'vitest';
import { hosted } from '../helpers/hosted.ts';
import { eachStore } from '../helpers/stores.ts';

eachStore('pushing over history', (openStore) => {
  const cairn = hosted(openStore);

  it('a branch is replaced by a forced push only', async () => {
    const { url, user, author } = await cairn.published();
    await author.run(['reset', '--quiet', '--hard', 'HEAD~1']);
    const replaced = await author.commit('Go elsewhere', { README: 'other\n' });

    const refused = await author.try(['push', 'origin', 'main']);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain('(non-fast-forward)');

    const forced = await author.try(['push', '--porcelain', '--force', 'origin', 'main']);
    expect(forced.stdout).toContain('+\trefs/heads/main:refs/heads/main\t');
    const clone = await user.clone(url, 'clone');
    expect(await clone.oidOf('HEAD')).toBe(replaced);
    await clone.run(['fsck', '--strict']);
  });

  it('a branch can be set back to an earlier commit', async () => {
    const { url, author } = await cairn.published();

    await author.run(['push', '--force', 'origin', 'HEAD~1:main']);

    const earlier = await author.run(['rev-parse', 'HEAD~1']);
    expect(await author.run(['ls-remote', url, 'main'])).toBe(`${earlier}\trefs/heads/main`);
  });

  it('a push with a lease succeeds if nobody else has pushed, and fails otherwise', async () => {
    const { url, user, author } = await cairn.published();
    const other = await user.clone(url, 'other');
    await author.run(['commit', '--quiet', '--amend', '-m', 'Say it better']);
    await author.run(['push', '--force-with-lease', 'origin', 'main']);
    const published = await author.oidOf('HEAD');

    await other.run(['commit', '--quiet', '--amend', '-m', 'Say it worse']);
    const refused = await other.try(['push', '--force-with-lease', 'origin', 'main']);

    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain('! [rejected]        main -> main (stale info)');
    expect(await user.run(['ls-remote', url, 'main'])).toContain(published);
  });
});

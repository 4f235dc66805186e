import { expect, it } from 'vitest';
import { hosted } from '../helpers/hosted.ts';
import { eachStore } from '../helpers/stores.ts';

eachStore('mirroring', (openStore) => {
  const cairn = hosted(openStore);

  it('git push --mirror makes a repository equal to its source, deletions included', async () => {
    const { url, user, author } = await cairn.published();
    await author.run(['push', '--quiet', 'origin', 'main:refs/heads/to-be-gone', 'main:refs/odd/place']);
    const source = await user.init('source');
    await source.commit('Another beginning', { file: 'text\n' });
    await source.run(['tag', '--annotate', '-m', 'One', 'v1']);
    await source.run(['branch', 'side']);
    await source.run(['notes', 'add', '-m', 'a note']);

    await source.run(['push', '--quiet', '--mirror', url]);

    expect(await user.run(['ls-remote', url])).toBe(await user.run(['ls-remote', source.folder]));
  });

  it('git clone --mirror copies a repository, and follows it', async () => {
    const { url, user, author } = await cairn.published();
    await author.run(['push', '--quiet', 'origin', 'main:refs/heads/side', 'main:refs/odd/place']);
    const mirror = await user.clone(url, 'mirror', '--mirror');
    expect(await user.run(['ls-remote', mirror.folder])).toBe(await user.run(['ls-remote', url]));
    await author.commit('Later');
    await author.run(['push', '--quiet', 'origin', 'main', ':refs/heads/side']);

    await mirror.run(['remote', 'update', '--prune']);

    expect(await user.run(['ls-remote', mirror.folder])).toBe(await user.run(['ls-remote', url]));
    await mirror.run(['fsck', '--strict']);
  });

  it('a repository is mirrored completely into another', async () => {
    const { url, user } = await cairn.published();
    const { url: copyUrl } = await cairn.place();
    const mirror = await user.clone(url, 'mirror', '--mirror');

    await mirror.run(['push', '--quiet', '--mirror', copyUrl]);

    expect(await user.run(['ls-remote', copyUrl])).toBe(await user.run(['ls-remote', url]));
  });
});

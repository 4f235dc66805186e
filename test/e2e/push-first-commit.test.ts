import { expect, it } from 'vitest';
import { hosted } from '../helpers/hosted.ts';
import { eachStore } from '../helpers/stores.ts';

eachStore('pushing for the first time', (openStore) => {
  const cairn = hosted(openStore);

  it('the first push creates the repository, and it can be cloned', async () => {
    const { url, user } = await cairn.place();
    const author = await user.init('author');
    const tip = await author.commit('Begin', { README: 'hello\n', 'src/deep/file.txt': 'text\n' });

    const pushed = await author.try(['push', '--porcelain', url, 'main']);

    expect(pushed).toMatchObject({ exitCode: 0 });
    expect(pushed.stdout).toContain('*\trefs/heads/main:refs/heads/main\t[new branch]');
    const clone = await user.clone(url, 'clone');
    expect(await clone.oidOf('HEAD')).toBe(tip);
    expect(await clone.run(['ls-files'])).toBe('README\nsrc/deep/file.txt');
    await clone.run(['fsck', '--strict']);
  });

  it('HEAD names the only branch, whatever its name', async () => {
    const { url, user } = await cairn.place();
    const author = await user.init('author');
    await author.run(['checkout', '--quiet', '-b', 'trunk']);
    await author.commit('Begin', { README: 'hello\n' });

    await author.run(['push', url, 'trunk']);

    expect(await user.run(['ls-remote', '--symref', url, 'HEAD'])).toContain('ref: refs/heads/trunk\tHEAD');
    const clone = await user.clone(url, 'clone');
    expect(await clone.run(['branch', '--show-current'])).toBe('trunk');
  });

  it.each([
    { branches: ['zebra', 'main', 'apple'], head: 'main' },
    { branches: ['zebra', 'master', 'apple'], head: 'master' },
    { branches: ['zebra', 'apple'], head: 'apple' },
  ])('$head of $branches becomes the default branch', async ({ branches, head }) => {
    const { url, user } = await cairn.place();
    const author = await user.init('author');
    await author.commit('Begin');

    await author.run(['push', url, ...branches.map((branch) => `HEAD:refs/heads/${branch}`)]);

    expect(await user.run(['ls-remote', '--symref', url, 'HEAD'])).toContain(`ref: refs/heads/${head}\tHEAD`);
  });

  it('the default branch of a created repository stays after it is pushed', async () => {
    const { url, user } = await cairn.created({ head: 'refs/heads/develop' });
    const author = await user.init('author');
    await author.commit('Begin');

    await author.run(['push', url, 'HEAD:refs/heads/main', 'HEAD:refs/heads/develop']);

    expect(await user.run(['ls-remote', '--symref', url, 'HEAD'])).toContain('ref: refs/heads/develop\tHEAD');
  });

  it('git push --quiet prints nothing', async () => {
    const { url, user } = await cairn.place();
    const author = await user.init('author');
    await author.commit('Begin');

    expect(await author.try(['push', '--quiet', url, 'main'])).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: '',
    });
  });

  it('push options are accepted', async () => {
    const { url, user } = await cairn.place();
    const author = await user.init('author');
    const tip = await author.commit('Begin');

    await author.run(['push', '--push-option=topic=one', '--push-option=ci.skip', url, 'main']);

    expect(await user.run(['ls-remote', url, 'refs/heads/main'])).toContain(tip);
  });
});

eachStore('pushing branches whose commits are here already', (openStore) => {
  const cairn = hosted(openStore);

  it('a branch at a published commit stores no pack', async () => {
    const { url, author, tip } = await cairn.published();
    cairn.store.reset();

    // git sends a pack without objects here.
    await author.run(['push', url, 'main:refs/heads/copy']);

    expect(cairn.store.log.filter(({ key }) => key.endsWith('.pack') || key.endsWith('.idx'))).toEqual([]);
    expect(await author.run(['ls-remote', url, 'copy'])).toBe(`${tip}\trefs/heads/copy`);
  });

  it('a ref can move to commits that came with another one', async () => {
    const { url, user, author } = await cairn.published();
    const later = await author.commit('Later', { README: 'third\n' });
    await author.run(['push', url, 'main:refs/heads/review']);
    await author.run(['push', url, ':refs/heads/review', 'main:refs/heads/main']);

    const clone = await user.clone(url, 'clone');

    expect(await clone.oidOf('HEAD')).toBe(later);
    await clone.run(['fsck', '--strict']);
  });

  it('commits of a deleted branch can be pushed again', async () => {
    const { url, author } = await cairn.published();
    const kept = await author.commit('Kept', { README: 'third\n' });
    await author.run(['push', url, 'main:refs/heads/review']);
    await author.run(['push', url, ':refs/heads/review']);

    await author.run(['push', url, 'main']);

    expect(await author.run(['ls-remote', url, 'main'])).toBe(`${kept}\trefs/heads/main`);
  });
});

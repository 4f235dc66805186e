import { expect, it } from 'vitest';
import { setHead } from '../../src/maintenance/administer.ts';
import { hosted } from '../helpers/hosted.ts';
import { eachStore } from '../helpers/stores.ts';

eachStore('deleting branches', (openStore) => {
  const cairn = hosted(openStore);

  it('a deleted branch disappears for readers when they prune', async () => {
    const { url, user, author } = await cairn.published();
    await author.run(['push', '--quiet', 'origin', 'main:refs/heads/side']);
    const clone = await user.clone(url, 'clone');

    const deleted = await author.try(['push', '--porcelain', 'origin', '--delete', 'side']);

    expect(deleted.stdout).toContain('-\t:refs/heads/side\t[deleted]');
    await clone.run(['fetch', '--quiet', '--prune']);
    expect(await clone.run(['branch', '--remotes', '--format=%(refname)'])).not.toContain('origin/side');
  });

  it('the default branch cannot be deleted while there are others', async () => {
    const { url, author, tip } = await cairn.published();
    await author.run(['push', '--quiet', 'origin', 'main:refs/heads/side']);
    cairn.store.reset();

    const refused = await author.try(['push', 'origin', '--delete', 'main']);

    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain(
      '! [remote rejected] main (it is the default branch: point HEAD at another branch first)',
    );
    expect(cairn.store.writes()).toBe(0);
    expect(await author.run(['ls-remote', url, 'main'])).toBe(`${tip}\trefs/heads/main`);
  });

  it('the former default branch can be deleted after HEAD was moved', async () => {
    const { url, repository, author } = await cairn.published();
    await author.run(['push', '--quiet', 'origin', 'main:refs/heads/side']);
    await setHead(repository, 'refs/heads/side');

    await author.run(['push', 'origin', '--delete', 'main']);

    expect(await author.run(['ls-remote', '--symref', url, 'HEAD'])).toContain('ref: refs/heads/side\tHEAD');
  });

  it('the last branch can be deleted, and the next pushed one becomes the default', async () => {
    const { url, user, author } = await cairn.published();
    await author.run(['push', 'origin', '--delete', 'main']);
    expect(await author.run(['ls-remote', url])).toBe('');
    const cloned = await user.try(['clone', url, 'empty']);
    expect(cloned.stderr).toContain('warning: You appear to have cloned an empty repository.');

    await author.run(['push', 'origin', 'main:refs/heads/trunk']);

    expect(await author.run(['ls-remote', '--symref', url, 'HEAD'])).toContain('ref: refs/heads/trunk\tHEAD');
  });

  it('the default branch and all others can be deleted in one push', async () => {
    const { url, author } = await cairn.published();
    await author.run(['push', '--quiet', 'origin', 'main:refs/heads/side']);

    await author.run(['push', 'origin', '--delete', 'main', 'side']);

    expect(await author.run(['ls-remote', url])).toBe('');
  });

  it('one push deletes a branch and creates others', async () => {
    const { url, author, tip } = await cairn.published();
    await author.run(['push', '--quiet', 'origin', 'main:refs/heads/old']);

    await author.run(['push', 'origin', ':refs/heads/old', 'main:refs/heads/new']);

    expect(await author.run(['ls-remote', '--heads', url])).toBe(
      `${tip}\trefs/heads/main\n${tip}\trefs/heads/new`,
    );
  });

  it('the deletion of a missing branch causes a warning only', async () => {
    const { author } = await cairn.published();
    cairn.store.reset();

    const refused = await author.try(['push', 'origin', '--delete', 'never-there']);

    expect(refused.stderr).toContain("unable to delete 'never-there': remote ref does not exist");
    expect(cairn.store.writes()).toBe(0);
  });
});

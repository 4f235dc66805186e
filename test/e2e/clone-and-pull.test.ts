import { describe, expect, it } from 'vitest';
import { hosted, PROTOCOL_VERSIONS, speaking } from '../helpers/hosted.ts';
import { eachStore } from '../helpers/stores.ts';

eachStore('cloning and pulling', (openStore) => {
  const cairn = hosted(openStore);

  describe.each(PROTOCOL_VERSIONS)('git with protocol v%i', (version) => {
    it('clones pushed commits, and pulls later ones', async () => {
      const { url, user, author } = await cairn.published();
      const reader = user.with(speaking(version));
      const clone = await reader.clone(url, 'clone');
      expect(await clone.run(['log', '--format=%s'])).toBe('Go on\nBegin');

      const later = await author.commit('Later', { README: 'third\n', more: 'new\n' });
      await author.run(['push', 'origin', 'main']);
      await clone.with(speaking(version)).run(['pull', '--quiet', '--ff-only']);

      expect(await clone.oidOf('HEAD')).toBe(later);
      await clone.run(['fsck', '--strict']);
    });

    it('lists the same refs as a local repository', async () => {
      const { url, user, author } = await cairn.published();
      await author.run(['tag', '--annotate', '-m', 'One', 'v1']);
      await author.run(['branch', 'side', 'HEAD~1']);
      await author.run(['push', '--quiet', 'origin', 'v1', 'side']);
      const bare = await user.clone(url, 'bare', '--mirror');

      const remote = await user.with(speaking(version)).run(['ls-remote', url]);

      expect(remote).toBe(await user.run(['ls-remote', bare.folder]));
      expect(remote.split('\n')).toHaveLength(5);
    });

    it('fetches one branch, and nothing if there is nothing new', async () => {
      const { url, user, author, tip } = await cairn.published();
      await author.run(['push', '--quiet', 'origin', 'main~1:refs/heads/old']);
      const reader = (await user.init('reader')).with(speaking(version));

      await reader.run(['fetch', url, 'refs/heads/old:refs/heads/old']);
      expect(await reader.run(['rev-list', '--count', 'old'])).toBe('1');
      expect(await reader.try(['cat-file', '-e', tip])).toMatchObject({ exitCode: 1 });

      const again = await reader.try(['fetch', url, 'refs/heads/old:refs/heads/old']);
      expect(again).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
    });

    it('fetches the new commits on both sides of a diverged history', async () => {
      const { url, user, author, tip } = await cairn.published();
      const clone = await user.clone(url, 'clone');
      await clone.commit('Mine', { mine: 'mine\n' });
      const theirs = await author.commit('Theirs', { theirs: 'theirs\n' });
      await author.run(['push', '--quiet', 'origin', 'main']);

      await clone.with(speaking(version)).run(['pull', '--quiet', '--no-rebase', '--no-edit']);
      await clone.run(['push', '--quiet']);

      expect(await clone.run(['merge-base', 'HEAD', theirs])).toBe(theirs);
      await author.run(['pull', '--quiet']);
      expect(await author.run(['ls-files'])).toBe('README\nmine\ntheirs');
      expect(await author.run(['rev-list', '--count', `${tip}..HEAD`])).toBe('3');
    });

    it('clones a single branch, and without tags', async () => {
      const { url, user, author } = await cairn.published();
      await author.run(['tag', '--annotate', '-m', 'One', 'v1']);
      await author.run(['push', '--quiet', 'origin', 'v1', 'main:refs/heads/side']);

      const clone = await user
        .with(speaking(version))
        .clone(url, 'clone', '--single-branch', '--branch=side', '--no-tags');

      expect(await clone.run(['for-each-ref', '--format=%(refname)'])).toBe(
        'refs/heads/side\nrefs/remotes/origin/side',
      );
    });
  });
});

eachStore('cloning what is empty or not there', (openStore) => {
  const cairn = hosted(openStore);

  describe.each(PROTOCOL_VERSIONS)('git with protocol v%i', (version) => {
    it('clones an empty repository', async () => {
      const { url, user } = await cairn.created();

      const cloned = await user.with(speaking(version)).try(['clone', url, 'clone']);

      expect(cloned.exitCode).toBe(0);
      expect(cloned.stderr).toContain('warning: You appear to have cloned an empty repository.');
      const clone = user.at('clone');
      await clone.commit('Begin', { README: 'hello\n' });
      await clone.run(['push', '--quiet', 'origin', 'HEAD:main']);
      expect(await user.run(['ls-remote', url, 'main'])).toMatch(/^[0-9a-f]{40}\trefs\/heads\/main$/);
    });

    it('reports a missing repository', async () => {
      const { url, user } = await cairn.place();

      const cloned = await user.with(speaking(version)).try(['clone', url, 'clone']);

      expect(cloned.exitCode).toBe(128);
      expect(cloned.stderr).toContain('remote: repository not found');
      expect(cloned.stderr).toContain(`repository '${url}/' not found`);
    });
  });

  it('uses the default branch of an empty repository', async () => {
    const { url, user } = await cairn.created({ head: 'refs/heads/trunk' });

    // Only protocol v2 can name a branch that does not exist yet.
    const clone = await user.with(speaking(2)).clone(url, 'clone');

    expect(await clone.run(['symbolic-ref', 'HEAD'])).toBe('refs/heads/trunk');
  });
});

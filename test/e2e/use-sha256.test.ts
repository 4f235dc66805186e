import { describe, expect, it } from 'vitest';
import { hosted, PROTOCOL_VERSIONS, speaking } from '../helpers/hosted.ts';
import { eachStore } from '../helpers/stores.ts';

eachStore('a repository whose objects are named by SHA-256', (openStore) => {
  const cairn = hosted(openStore);

  describe.each(PROTOCOL_VERSIONS)('git with protocol v%i', (version) => {
    it('clones an empty SHA-256 repository, pushes, clones, pulls and lists', async () => {
      const { url, user: plain } = await cairn.created({ objectFormat: 'sha256' });
      const user = plain.with(speaking(version));
      const author = await user.init('author', '--object-format=sha256');
      const first = await author.commit('Begin', { README: 'first\n' });
      expect(first).toHaveLength(64);
      await author.run(['push', '--quiet', url, 'main']);

      const clone = await user.clone(url, 'clone');
      expect(await clone.oidOf('HEAD')).toBe(first);
      const second = await author.commit('Go on', { README: 'second\n' });
      await author.run(['tag', '--annotate', '-m', 'One', 'v1']);
      await author.run(['push', '--quiet', '--atomic', url, 'main', 'v1', 'main:refs/heads/side']);
      await clone.with(speaking(version)).run(['pull', '--quiet', '--ff-only']);

      expect(await clone.run(['rev-parse', 'HEAD', 'v1^{}'])).toBe(`${second}\n${second}`);
      await clone.run(['fsck', '--strict']);
      await author.run(['push', '--quiet', url, '--delete', 'side']);
      expect((await user.run(['ls-remote', url])).split('\n')).toHaveLength(4);
    });
  });

  it('clones it shallow and partial', async () => {
    const { url, user } = await cairn.created({ objectFormat: 'sha256' });
    const author = await user.init('author', '--object-format=sha256');
    await author.commit('Begin', { README: 'first\n' });
    await author.commit('Go on', { README: 'second\n' });
    await author.run(['push', '--quiet', url, 'main']);

    const shallow = await user.clone(url, 'shallow', '--depth=1');
    expect(await shallow.run(['rev-list', '--count', 'HEAD'])).toBe('1');
    const partial = await user.clone(url, 'partial', '--filter=blob:none');
    expect(await partial.run(['show', 'HEAD~1:README'])).toBe('first');
  });

  it('gets its object format with an empty clone', async ({ skip }) => {
    const { url, user } = await cairn.created({ objectFormat: 'sha256' });
    const version = /(\d+)\.(\d+)/.exec(await user.run(['version']));
    skip(Number(version?.[1]) === 2 && Number(version?.[2]) < 41, `${version?.input} does not, 2.41 does`);

    const clone = await user.with(speaking(2)).clone(url, 'clone');

    expect(await clone.run(['rev-parse', '--show-object-format'])).toBe('sha256');
    await clone.commit('Begin');
    await clone.run(['push', '--quiet', 'origin', 'HEAD']);
  });

  it('gets a refusal in words for a push of SHA-1 objects', async () => {
    const { url, user } = await cairn.created({ objectFormat: 'sha256' });
    const author = await user.init('author');
    await author.commit('Begin');

    const refused = await author.try(['push', url, 'main']);

    expect(refused.exitCode).not.toBe(0);
    expect(refused.stderr).toMatch(/object format|hash algorithm|algorithm/i);
  });
});

import { describe, expect, it } from 'vitest';
import { hosted, PROTOCOL_VERSIONS, speaking } from '../helpers/hosted.ts';
import { eachStore } from '../helpers/stores.ts';

eachStore('tagging', (openStore) => {
  const cairn = hosted(openStore);

  describe.each(PROTOCOL_VERSIONS)('git with protocol v%i', (version) => {
    it('peels annotated and nested tags', async () => {
      const { url, user, author, tip } = await cairn.published();
      await author.run(['tag', 'light']);
      await author.run(['tag', '--annotate', '-m', 'One', 'v1']);
      await author.run(['tag', '--annotate', '-m', 'A tag of a tag', 'nested', 'v1']);
      await author.run(['push', '--quiet', '--tags', 'origin']);
      const ids = (await author.run(['rev-parse', 'nested', 'v1'])).split('\n');

      const listed = await user.with(speaking(version)).run(['ls-remote', '--tags', url]);

      expect(listed.split('\n')).toEqual([
        `${tip}\trefs/tags/light`,
        `${ids[0]}\trefs/tags/nested`,
        `${tip}\trefs/tags/nested^{}`,
        `${ids[1]}\trefs/tags/v1`,
        `${tip}\trefs/tags/v1^{}`,
      ]);
    });

    it('fetches the tags of fetched commits', async () => {
      const { url, user, author } = await cairn.published();
      const clone = await user.clone(url, 'clone');
      await author.commit('Later');
      await author.run(['tag', '--annotate', '-m', 'Two', 'v2']);
      await author.run(['push', '--quiet', '--follow-tags', 'origin', 'main']);

      await clone.with(speaking(version)).run(['fetch', '--quiet']);

      expect(await clone.run(['tag'])).toBe('v2');
      await clone.run(['fsck', '--strict']);
    });
  });

  it('moves a tag only by force', async () => {
    const { url, author } = await cairn.published();
    await author.run(['tag', 'v1']);
    await author.run(['push', '--quiet', 'origin', 'v1']);
    await author.run(['tag', '--force', 'v1', 'HEAD~1']);

    const refused = await author.try(['push', 'origin', 'v1']);
    expect(refused.stderr).toContain('! [rejected]        v1 -> v1 (already exists)');

    await author.run(['push', '--quiet', '--force', 'origin', 'v1']);
    expect(await author.run(['ls-remote', url, 'v1'])).toContain(await author.run(['rev-parse', 'HEAD~1']));
  });

  it('forgets the peeled value of a deleted or replaced tag', async () => {
    const { url, author, tip } = await cairn.published();
    await author.run(['tag', '--annotate', '-m', 'One', 'v1']);
    await author.run(['tag', '--annotate', '-m', 'Two', 'v2']);
    await author.run(['push', '--quiet', 'origin', 'v1', 'v2']);

    await author.run(['push', '--quiet', '--force', 'origin', ':refs/tags/v2', 'main:refs/tags/v1']);

    expect(await author.run(['ls-remote', '--tags', url])).toBe(`${tip}\trefs/tags/v1`);
  });

  it('accepts tags of trees and blobs, which cannot be below refs/heads/', async () => {
    const { url, user, author } = await cairn.published();
    await author.run(['tag', 'a-tree', 'HEAD^{tree}']);
    await author.run(['tag', '--annotate', '-m', 'A file', 'a-blob', 'HEAD:README']);

    await author.run(['push', '--quiet', '--tags', 'origin']);

    const clone = await user.clone(url, 'clone', '--mirror');
    expect(await clone.run(['cat-file', '-t', 'a-tree'])).toBe('tree');
    expect(await clone.run(['cat-file', 'blob', 'a-blob^{}'])).toBe('second');
    expect(await user.run(['ls-remote', url, 'a-blob^{}'])).toContain(
      await author.run(['rev-parse', 'HEAD:README']),
    );
  });

  it('pushes a tag of a commit without a branch', async () => {
    const { url, user, author } = await cairn.published();
    await author.run(['checkout', '--quiet', '--detach']);
    const loose = await author.commit('On no branch', { loose: 'loose\n' });
    await author.run(['tag', '--annotate', '-m', 'Loose', 'loose']);
    await author.run(['push', '--quiet', 'origin', 'loose']);

    const clone = await user.clone(url, 'clone', '--branch=loose');

    expect(await clone.oidOf('HEAD')).toBe(loose);
  });
});

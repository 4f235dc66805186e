import { chmod, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { hosted } from '../helpers/hosted.ts';
import { eachStore } from '../helpers/stores.ts';

const LFS_POINTER = [
  'version https://git-lfs.github.com/spec/v1',
  `oid sha256:${'4d'.repeat(32)}`,
  'size 12345678901',
  '',
].join('\n');

eachStore('pushing content that means something to somebody else', (openStore) => {
  const cairn = hosted(openStore);

  it('notes are pushed and fetched', async () => {
    const { url, user, author } = await cairn.published();
    await author.run(['notes', 'add', '-m', 'reviewed by a friend', 'HEAD']);
    await author.run(['push', '--quiet', 'origin', 'refs/notes/*']);
    const clone = await user.clone(url, 'clone');

    await clone.run(['fetch', '--quiet', 'origin', 'refs/notes/*:refs/notes/*']);

    expect(await clone.run(['notes', 'show', 'HEAD'])).toBe('reviewed by a friend');
  });

  it('submodule pointers are pushed without their commits', async () => {
    const { url, user, author } = await cairn.published();
    const elsewhere = '1234567890123456789012345678901234567890';
    await author.run(['update-index', '--add', '--cacheinfo', `160000,${elsewhere},lib`]);
    await author.run(['commit', '--quiet', '-m', 'Use a library']);
    await author.run(['push', '--quiet', 'origin', 'main']);

    const clone = await user.clone(url, 'clone');

    expect(await clone.run(['ls-tree', 'HEAD', 'lib'])).toBe(`160000 commit ${elsewhere}\tlib`);
  });

  it('submodules on the same server are cloned', async () => {
    const library = await cairn.published();
    const { url, user, author } = await cairn.published();
    await author.run(['submodule', '--quiet', 'add', library.url, 'lib']);
    await author.run(['commit', '--quiet', '-m', 'Use a library']);
    await author.run(['push', '--quiet', 'origin', 'main']);

    const clone = await user.clone(url, 'clone', '--recurse-submodules');

    expect(await clone.at('lib').oidOf('HEAD')).toBe(library.tip);
  });

  it('a Git LFS pointer is pushed as a small file', async () => {
    const { url, user, author } = await cairn.published();
    await author.commit('Track pictures elsewhere', {
      '.gitattributes': '*.png filter=lfs diff=lfs merge=lfs -text\n',
      'picture.png': LFS_POINTER,
    });
    await author.run(['push', '--quiet', 'origin', 'main']);

    const clone = await user.clone(url, 'clone');

    expect(await clone.run(['cat-file', 'blob', 'HEAD:picture.png'])).toBe(LFS_POINTER.trimEnd());
  });

  it('modes, links, empty files, file names and bytes are unchanged after a clone', async () => {
    const { url, user, author } = await cairn.published();
    const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    await symlink('README', join(author.folder, 'link'));
    await author.commit('Odd files', {
      'naïve/ファイル': 'x',
      empty: '',
      'bytes.bin': everyByte,
      'run.sh': '#!/bin/sh\n',
    });
    await chmod(join(author.folder, 'run.sh'), 0o755);
    await author.commit('Make it run');
    await author.run(['push', '--quiet', 'origin', 'main']);

    const clone = await user.clone(url, 'clone');

    expect(await clone.run(['ls-tree', '-r', 'HEAD'])).toBe(await author.run(['ls-tree', '-r', 'HEAD']));
    expect(await clone.run(['ls-tree', '-r', 'HEAD'])).toContain('120000 blob');
    expect(await clone.run(['status', '--porcelain'])).toBe('');
  });

  it('an octopus merge, an empty commit and a commit in another encoding are pushed and fetched', async () => {
    const { url, user, author } = await cairn.published();
    for (const name of ['one', 'two', 'three']) {
      await author.run(['checkout', '--quiet', '-b', name, 'main']);
      await author.commit(name, { [name]: name });
    }
    await author.run(['checkout', '--quiet', 'main']);
    await author.run(['merge', '--quiet', '-m', 'All of them', 'one', 'two', 'three']);
    await author.commit('Empty');
    await author.run(
      ['-c', 'i18n.commitEncoding=ISO-8859-1', 'commit', '--allow-empty', '--quiet', '-F', '-'],
      {
        input: Buffer.from('gr\xfc\xdfe\n', 'latin1'),
      },
    );
    await author.run(['push', '--quiet', 'origin', 'main']);

    const clone = await user.clone(url, 'clone');

    expect(await clone.oidOf('HEAD')).toBe(await author.oidOf('HEAD'));
    expect(await clone.run(['rev-list', '--count', '--min-parents=3', 'HEAD'])).toBe('1');
    await clone.run(['fsck', '--strict']);
  });
});

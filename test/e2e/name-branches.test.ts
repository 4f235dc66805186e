import { describe, expect, it } from 'vitest';
import { hosted, PROTOCOL_VERSIONS, speaking } from '../helpers/hosted.ts';
import {
  commitObject,
  objectId,
  packOf,
  push,
  pushHead,
  type RawObject,
  reportOf,
} from '../helpers/raw-git.ts';
import { eachStore } from '../helpers/stores.ts';

/** Names git accepts and other hosts have stumbled over. */
const UNUSUAL = [
  'refs/heads/feature/deep/er',
  'refs/heads/grüße/世界',
  'refs/heads/a+b',
  'refs/heads/me@home',
  'refs/heads/#42',
  'refs/heads/key=value',
  'refs/heads/one,two',
  'refs/heads/100%',
  'refs/heads/%2e%2e%2f',
  'refs/heads/-dash',
  "refs/heads/it's",
  'refs/heads/a"b',
  'refs/heads/$(id)',
  'refs/heads/a;b&c|d',
  'refs/heads/<x>',
  'refs/heads/HEAD',
  'refs/changes/01/1/meta',
];

/**
 * UTF-16, which JavaScript sorts by, puts U+10000 and above before U+E000; git sorts by the bytes of UTF-8. Some of
 * these share a beginning, so that the order shows at a later character too.
 */
const AROUND_THE_BMP = [
  '\u{10000}',
  '\u{1f600}',
  '\uffee',
  '\ue000',
  '\ud7ff',
  'z',
  'a\u{1f600}',
  'a\uffee',
  'a-',
  'a.b',
  'a0',
].map((end) => `refs/heads/s-${end}`);

eachStore('naming branches', (openStore) => {
  const cairn = hosted(openStore);

  it('keeps every name that git accepts', async () => {
    const { url, user, author, tip } = await cairn.published();

    await author.run(['push', '--quiet', 'origin', ...UNUSUAL.map((name) => `main:${name}`)]);

    const mirror = await user.clone(url, 'mirror', '--mirror');
    const names = (await mirror.run(['for-each-ref', '--format=%(objectname) %(refname)'])).split('\n');
    expect(names.sort()).toEqual([...UNUSUAL, 'refs/heads/main'].map((name) => `${tip} ${name}`).sort());
    await author.run(['push', '--quiet', 'origin', ...UNUSUAL.map((name) => `:${name}`)]);
    expect(await author.run(['ls-remote', url, 'refs/*'])).toBe(`${tip}\trefs/heads/main`);
  });

  it('lists refs in the order of a repository on disk, also beyond the BMP', async () => {
    const { url, user, author } = await cairn.published();
    await author.run(['push', '--quiet', 'origin', ...AROUND_THE_BMP.map((name) => `main:${name}`)]);
    const bare = await user.init('bare.git', '--bare');
    await author.run([
      'push',
      '--quiet',
      bare.folder,
      'main',
      ...AROUND_THE_BMP.map((name) => `main:${name}`),
    ]);

    for (const version of PROTOCOL_VERSIONS) {
      const reader = user.with(speaking(version));
      expect(await reader.run(['ls-remote', url])).toBe(await reader.run(['ls-remote', bare.folder]));
    }
    const clone = await user.clone(url, 'clone', '--mirror');
    expect((await clone.run(['for-each-ref'])).split('\n')).toHaveLength(AROUND_THE_BMP.length + 1);
    // A name git looks up by bisecting the server's list is found only if that list is in git's order.
    for (const name of AROUND_THE_BMP) {
      await clone.run(['fetch', '--quiet', url, `${name}:refs/heads/found`]);
      await clone.run(['update-ref', '-d', 'refs/heads/found']);
    }
  });

  it('refuses a branch whose name is a folder of another, and the reverse', async () => {
    const { url, author } = await cairn.published();
    await author.run(['push', '--quiet', 'origin', 'main:refs/heads/dir/file']);

    const below = await author.try(['push', 'origin', 'main:refs/heads/dir/file/more']);
    expect(below.stderr).toContain(
      '! [remote rejected] main -> dir/file/more (it cannot exist beside refs/heads/dir/file)',
    );
    const above = await author.try(['push', 'origin', 'main:refs/heads/dir']);
    expect(above.stderr).toContain(
      '! [remote rejected] main -> dir (it cannot exist beside refs/heads/dir/file)',
    );
    expect((await author.run(['ls-remote', '--heads', url])).split('\n')).toHaveLength(2);
  });

  it('turns a branch into a folder of branches in one push', async () => {
    const { url, author, tip } = await cairn.published();
    await author.run(['push', '--quiet', 'origin', 'main:refs/heads/dir']);

    await author.run(['push', '--quiet', 'origin', 'main:refs/heads/dir/file', ':refs/heads/dir']);

    expect(await author.run(['ls-remote', url, 'refs/heads/dir*', 'refs/heads/dir/*'])).toBe(
      `${tip}\trefs/heads/dir/file`,
    );
  });

  describe('names that git would refuse', () => {
    const cases: readonly { readonly name: string | Buffer; readonly reason: string }[] = [
      { name: Buffer.from('refs/heads/caf\xe9', 'latin1'), reason: 'a ref name must be valid UTF-8' },
      { name: Buffer.from('refs/heads/\xf0\x9f', 'latin1'), reason: 'a ref name must be valid UTF-8' },
      { name: 'refs/heads/a..b', reason: 'a ref name must not contain ".."' },
      { name: 'refs/heads/a.lock', reason: 'no part of a ref name may end with ".lock"' },
      { name: 'refs/heads/../../../etc/passwd', reason: 'a ref name must not contain ".."' },
      { name: 'refs/heads/', reason: 'a ref name must not end with "/" or contain "//"' },
      { name: 'refs/heads/a b', reason: 'a ref name must not contain " "' },
      { name: 'refs/heads/a\tb', reason: 'a ref name must not contain control characters' },
      { name: 'main', reason: 'a ref name must start with "refs/"' },
      { name: 'refs/stash', reason: 'a ref name must have a folder below "refs/"' },
      { name: 'HEAD', reason: 'a ref name must start with "refs/"' },
      { name: `refs/heads/${'x'.repeat(1024)}`, reason: 'a ref name must not be longer than 1024 bytes' },
    ];

    const tree: RawObject = { type: 'tree', content: Buffer.alloc(0) };
    const commit = commitObject(objectId(tree));
    const pack = packOf([commit, tree]);

    it.each(cases)(
      'are refused with a reason, and the rest of the push is not: $name',
      async ({ name, reason }) => {
        const { url, repository } = await cairn.created();
        const to = objectId(commit);
        const head = pushHead([
          { name, to },
          { name: 'refs/heads/fine', to },
        ]);

        const report = reportOf(await push(url, Buffer.concat([head, pack])));

        expect(report).toEqual(['unpack ok', `ng ${Buffer.from(name)} ${reason}`, 'ok refs/heads/fine']);
        const refs = (await repository.resolve())?.manifest.refs;
        expect([...(refs ?? [])]).toEqual([['refs/heads/fine', to]]);
      },
    );

    it('are answered with their bytes if they are not UTF-8', async () => {
      const { url } = await cairn.created();
      const name = Buffer.from('refs/heads/caf\xe9', 'latin1');

      const answer = await push(url, Buffer.concat([pushHead([{ name, to: objectId(commit) }]), pack]));

      const line = Buffer.concat([Buffer.from('ng '), name, Buffer.from(' a ref name must be valid UTF-8')]);
      expect(answer.body.includes(line)).toBe(true);
    });
  });
});

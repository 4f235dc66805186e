import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { hosted } from '../helpers/hosted.ts';
import { pushPattern } from '../helpers/push-pattern.ts';
import { push, pushHead, reportOf } from '../helpers/raw-git.ts';
import { eachStore } from '../helpers/stores.ts';

const COUNT = 10_000;

eachStore('ten thousand refs', (openStore) => {
  const cairn = hosted(openStore);
  const names = Array.from({ length: COUNT }, (_, at) => `refs/heads/many/${String(at).padStart(5, '0')}`);

  it('ten thousand refs are pushed at once, listed, cloned, and deleted at once', async () => {
    const { url, user, repository, author, tip } = await cairn.published();
    await writeFile(
      join(author.folder, '.git/packed-refs'),
      names.map((name) => `${tip} ${name}\n`).join(''),
    );
    const before = await repository.resolve();

    expect(await pushPattern(author, url, 'refs/heads/many/*:refs/heads/many/*')).toBe(COUNT);

    expect((await repository.resolve())?.manifest.depth).toBe((before?.manifest.depth ?? 0) + 1);
    const listed = await user.run(['ls-remote', url, 'refs/heads/many/*']);
    expect(listed).toBe(names.map((name) => `${tip}\t${name}`).join('\n'));
    const clone = await user.clone(url, 'clone.git', '--mirror');
    expect((await clone.run(['for-each-ref'])).split('\n')).toHaveLength(COUNT + 1);

    const deleted = await push(url, pushHead(names.map((name) => ({ name, from: tip }))));
    expect(reportOf(deleted)).toEqual(['unpack ok', ...names.map((name) => `ok ${name}`)]);
    expect(await user.run(['ls-remote', '--heads', url])).toBe(`${tip}\trefs/heads/main`);
  });
});

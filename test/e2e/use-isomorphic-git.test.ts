import fs, { readFileSync } from 'node:fs';
import { join } from 'node:path';
import git from 'isomorphic-git';
import http from 'isomorphic-git/http/node';
import { expect, it } from 'vitest';
import { hosted } from '../helpers/hosted.ts';
import { eachStore } from '../helpers/stores.ts';

const author = { name: 'A User', email: 'user@example.com' };

eachStore('isomorphic-git', (openStore) => {
  const cairn = hosted(openStore);

  it('isomorphic-git clones, commits, pushes and pulls beside git', async () => {
    const { url, user, author: gitUser, tip } = await cairn.published();
    const dir = join(user.folder, 'isomorphic');

    await git.clone({ fs, http, dir, url });
    expect(await git.resolveRef({ fs, dir, ref: 'HEAD' })).toBe(tip);
    expect(readFileSync(join(dir, 'README'), 'utf8')).toBe('second\n');

    await fs.promises.writeFile(join(dir, 'new'), 'from JavaScript\n');
    await git.add({ fs, dir, filepath: 'new' });
    const mine = await git.commit({ fs, dir, message: 'From JavaScript', author });
    const pushed = await git.push({ fs, http, dir, remote: 'origin', ref: 'main' });
    expect(pushed).toMatchObject({ ok: true, refs: { 'refs/heads/main': { ok: true } } });

    await gitUser.run(['pull', '--quiet', '--ff-only']);
    expect(await gitUser.oidOf('HEAD')).toBe(mine);
    await gitUser.run(['fsck', '--strict']);
    const theirs = await gitUser.commit('From git', { README: 'third\n' });
    await gitUser.run(['push', '--quiet', 'origin', 'main']);
    await git.pull({ fs, http, dir, ref: 'main', author });
    expect(await git.resolveRef({ fs, dir, ref: 'HEAD' })).toBe(theirs);
  });

  it('isomorphic-git creates a repository with its first push, and deletes a branch', async () => {
    const { url, user } = await cairn.place();
    const dir = join(user.folder, 'isomorphic');
    await git.init({ fs, dir, defaultBranch: 'main' });
    const tip = await git.commit({ fs, dir, message: 'Begin', author });
    await git.push({ fs, http, dir, url, ref: 'main' });
    await git.push({ fs, http, dir, url, ref: 'main', remoteRef: 'refs/heads/side' });

    await git.push({ fs, http, dir, url, ref: 'main', remoteRef: 'refs/heads/side', delete: true });

    expect(await user.run(['ls-remote', '--heads', url])).toBe(`${tip}\trefs/heads/main`);
  });

  it.each([1, 2] as const)('isomorphic-git lists refs with protocol v%i', async (protocolVersion) => {
    const { url, author: gitUser, tip } = await cairn.published();
    await gitUser.run(['tag', '--annotate', '-m', 'One', 'v1']);
    await gitUser.run(['push', '--quiet', 'origin', 'v1']);

    const refs = await git.listServerRefs({ http, url, protocolVersion, symrefs: true, peelTags: true });

    expect(refs.find(({ ref }) => ref === 'HEAD')).toMatchObject({ oid: tip, target: 'refs/heads/main' });
    expect(refs.find(({ ref }) => ref === 'refs/tags/v1')).toMatchObject({ peeled: tip });
  });

  it('isomorphic-git clones a single commit', async () => {
    const { url, user, tip } = await cairn.published();
    const dir = join(user.folder, 'isomorphic');

    await git.clone({ fs, http, dir, url, depth: 1, singleBranch: true });

    const log = await git.log({ fs, dir });
    expect(log.map(({ oid }) => oid)).toEqual([tip]);
  });

  it('isomorphic-git shows why a push is refused', async () => {
    const { url, user } = await cairn.published();
    const dir = join(user.folder, 'isomorphic');
    await git.clone({ fs, http, dir, url });
    await git.commit({ fs, dir, message: 'Mine', author });

    const refused = git.push({ fs, http, dir, url, ref: 'main', remoteRef: 'refs/heads/main/below' });

    await expect(refused).rejects.toThrow(/it cannot exist beside refs\/heads\/main/);
  });
});

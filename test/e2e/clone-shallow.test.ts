import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { GitClient } from '../helpers/git-client.ts';
import { type Hosted, hosted, type Place, PROTOCOL_VERSIONS, speaking } from '../helpers/hosted.ts';
import { importCommits } from '../helpers/import-commits.ts';
import { eachStore } from '../helpers/stores.ts';

/** Makes a repository with ten commits on main, one an hour from 2024-01-01 on, each of which changes `count`. */
async function publishTen(cairn: Hosted): Promise<Place & { readonly author: GitClient }> {
  const place = await cairn.place();
  const author = await place.user.init('author');
  const numbers = Array.from({ length: 10 }, (_, at) => String(at + 1));
  await importCommits(author, numbers, (at) => ({ count: numbers[at] ?? '' }));
  await author.run(['push', '--quiet', place.url, 'main', 'main~4:refs/heads/old']);
  await author.addRemote(place.url);
  return { ...place, author };
}

function commitsIn(repository: GitClient, range = 'HEAD'): Promise<string> {
  return repository.run(['rev-list', '--count', range]);
}

eachStore('cloning part of history', (openStore) => {
  const cairn = hosted(openStore);
  let url: string;
  let user: GitClient;

  beforeAll(async () => {
    ({ url, user } = await publishTen(cairn));
  });

  describe.each(PROTOCOL_VERSIONS)('git with protocol v%i', (version) => {
    it('clones the last commits, then more, then all', async () => {
      const reader = user.with(speaking(version));

      const clone = (await reader.clone(url, `last-v${version}`, '--depth=1')).with(speaking(version));
      expect(await commitsIn(clone)).toBe('1');
      expect(await readFile(join(clone.folder, 'count'), 'utf8')).toBe('10');

      await clone.run(['fetch', '--quiet', '--depth=3']);
      expect(await commitsIn(clone)).toBe('3');
      await clone.run(['fetch', '--quiet', '--deepen=2']);
      expect(await commitsIn(clone)).toBe('5');
      await clone.run(['fetch', '--quiet', '--unshallow']);
      expect(await commitsIn(clone)).toBe('10');
      expect(await clone.run(['rev-parse', '--is-shallow-repository'])).toBe('false');
      await clone.run(['fsck', '--strict']);
    });

    it('clones the commits after a date, and those outside a ref', async () => {
      const reader = user.with(speaking(version));

      const since = await reader.clone(
        url,
        `since-v${version}`,
        '--shallow-since=2024-01-01T06:30:00Z',
        '--single-branch',
      );
      expect(await commitsIn(since)).toBe('3');
      const without = await reader.clone(
        url,
        `without-v${version}`,
        '--shallow-exclude=old',
        '--branch=main',
        '--single-branch',
      );
      expect(await commitsIn(without)).toBe('4');
    });

    it('pulls into a shallow clone', async () => {
      const place = await publishTen(cairn);
      const reader = place.user.with(speaking(version));
      const clone = (await reader.clone(place.url, 'clone', '--depth=2')).with(speaking(version));
      await place.author.commit('Eleven', { count: '11' });
      await place.author.run(['push', '--quiet', 'origin', 'main']);

      await clone.run(['pull', '--quiet', '--ff-only']);

      expect(await commitsIn(clone)).toBe('3');
      await clone.run(['fsck', '--strict']);
    });
  });

  it('reports that nothing is newer than a date in the future', async () => {
    const cloned = await user.try(['clone', '--shallow-since=2030-01-01', url, 'clone']);

    expect(cloned.exitCode).not.toBe(0);
    expect(cloned.stderr).toMatch(/no commits selected for shallow requests|error processing shallow info/);
  });
});

eachStore('pushing from a shallow clone', (openStore) => {
  const cairn = hosted(openStore);

  it('is accepted if the server has the parents', async () => {
    const { url, user, author } = await publishTen(cairn);
    const clone = await user.clone(url, 'clone', '--depth=1');
    const mine = await clone.commit('Mine', { mine: 'mine' });

    await clone.run(['push', '--quiet', 'origin', 'main']);

    await author.run(['pull', '--quiet', '--ff-only', 'origin', 'main']);
    expect(await author.oidOf('HEAD')).toBe(mine);
    expect(await commitsIn(author)).toBe('11');
    await author.run(['fsck', '--strict']);
  });

  it('creates and moves branches within its commits', async () => {
    const { url, user } = await publishTen(cairn);
    const clone = await user.clone(url, 'clone', '--depth=3');

    await clone.run(['push', '--quiet', 'origin', 'main~2:refs/heads/side']);
    await clone.run(['push', '--quiet', 'origin', 'main:refs/heads/side']);

    const full = await user.clone(url, 'full', '--branch=side');
    expect(await commitsIn(full)).toBe('10');
  });

  it('is refused with a reason if the server lacks the parents, and writes nothing', async () => {
    const { url, user } = await publishTen(cairn);
    const elsewhere = await cairn.created();
    const clone = await user.clone(url, 'clone', '--depth=1');
    await clone.commit('Mine', { mine: 'mine' });
    cairn.store.reset();

    const refused = await clone.try(['push', elsewhere.url, 'main']);

    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain('! [remote rejected] main -> main (shallow update not allowed)');
    expect(cairn.store.writes()).toBe(0);
    expect(await user.run(['ls-remote', elsewhere.url])).toBe('');

    await clone.run(['fetch', '--quiet', '--unshallow']);
    await clone.run(['push', '--quiet', elsewhere.url, 'main']);
    expect(await commitsIn(await user.clone(elsewhere.url, 'whole'))).toBe('11');
  });

  it('is refused for a new repository, which has no parents', async () => {
    const { url, user } = await publishTen(cairn);
    const elsewhere = await cairn.place();
    const clone = await user.clone(url, 'clone', '--depth=1');

    const refused = await clone.try(['push', elsewhere.url, 'main']);

    expect(refused.stderr).toContain('! [remote rejected] main -> main (shallow update not allowed)');
    expect((await user.try(['ls-remote', elsewhere.url])).stderr).toContain('not found');
  });

  it('updates the branch with known parents, and is refused for the other', async () => {
    const { url, user } = await publishTen(cairn);
    const other = await publishTen(cairn);
    await other.author.commit('Eleven', { count: '11' });
    await other.author.commit('Twelve', { count: '12' });
    await other.author.run(['push', '--quiet', 'origin', 'main']);
    const clone = await user.clone(url, 'clone', '--depth=1');
    await clone.run(['fetch', '--quiet', '--depth=1', other.url, 'main:foreign']);
    await clone.commit('Mine', { mine: 'mine' });

    const pushed = await clone.try(['push', url, 'main', 'foreign']);

    expect(pushed.stderr).toContain('main -> main\n');
    expect(pushed.stderr).toContain('! [remote rejected] foreign -> foreign (shallow update not allowed)');
    await (await user.clone(url, 'check')).run(['fsck', '--strict']);
  });
});

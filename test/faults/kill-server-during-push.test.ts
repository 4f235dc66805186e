/** `kill -9` of the server at each step of a push, then a new start that has nothing but the store. */

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openFileStore } from '../../src/object-store/file/open-file-store.ts';
import { cloneWhole } from '../helpers/clone-whole.ts';
import { GitClient } from '../helpers/git-client.ts';
import { type KillAt, spawnKillingServer } from '../helpers/killing-server.ts';
import { repositoryUrl, startServer } from '../helpers/server.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const NAME = 'killed';
const ENDINGS = ['.pack', '.idx', '.json', '/pointer'] as const;
const MOMENTS = ['before', 'during', 'after'] as const;
const STEPS = ENDINGS.flatMap((ending) => MOMENTS.map((moment) => ({ ending, moment })));
/** How long a server may take to come to the write it dies at. */
const PATIENCE_MS = 20_000;

/** A server in this process over a data folder that a killed one has left, with an empty cache. */
async function restart(data: string) {
  const { store, close } = await openFileStore(data, { onOwned: 'refuse' });
  const server = await startServer({ store });
  return {
    url: repositoryUrl(server, NAME),
    [Symbol.asyncDispose]: async () => {
      await server.close();
      await close();
    },
  };
}

/** The refs of a repository as a user sees them, name to object id; empty when there is no such repository. */
async function refsAt(user: GitClient, url: string): Promise<Record<string, string>> {
  const { exitCode, stdout, stderr } = await user.try(['ls-remote', '--refs', url]);
  if (exitCode !== 0) {
    expect(stderr).toContain('repository not found');
    return {};
  }
  const lines = stdout.split('\n').filter((line) => line !== '');
  return Object.fromEntries(lines.map((line) => line.split('\t').reverse() as [string, string]));
}

/** A user's repository: one commit, `first`, and a second one that changes `main` and adds a branch and a tag. */
async function write(user: GitClient) {
  const author = await user.init('author');
  const first = await author.commit('Begin', { README: 'first\n' });
  return {
    author,
    first: { 'refs/heads/main': first },
    goOn: async () => {
      const second = await author.commit('Go on', { README: 'second\n', more: 'x'.repeat(10_000) });
      await author.run(['tag', '-a', '-m', 'Two', 'two']);
      const tag = await author.oidOf('refs/tags/two');
      return { 'refs/heads/main': second, 'refs/heads/topic': second, 'refs/tags/two': tag };
    },
  };
}

const REFSPECS = ['main', 'main:topic', 'refs/tags/*'];

/** What may be published after a push died at a step: until the swap is sent nothing is, once it is answered all is. */
function possible(
  { ending, moment }: Pick<KillAt, 'ending' | 'moment'>,
  before: Record<string, string>,
  after: Record<string, string>,
): Record<string, string>[] {
  if (ending !== '/pointer' || moment === 'before') return [before];
  return moment === 'after' ? [after] : [before, after];
}

describe('a server killed during a push to a repository', () => {
  it.each(STEPS)(
    '$moment it writes *$ending has published the push completely or not at all',
    async (step) => {
      await using folder = await tempDir('cairn-killed');
      const data = join(folder.path, 'data');
      const user = new GitClient(folder.path);
      const { author, first, goOn } = await write(user);
      const cache = join(folder.path, 'cache');
      await using killing = await spawnKillingServer({ data, cache }, { ...step, ordinal: 2 });
      await author.run(['push', '--quiet', repositoryUrl(killing, NAME), 'main']);

      const second = await goOn();
      const push = await author.try(['push', '--porcelain', repositoryUrl(killing, NAME), ...REFSPECS]);
      expect(await killing.died(PATIENCE_MS)).toBe('killed itself');
      // A server that died before it had answered the swap has said `ok` to nobody.
      expect(push.exitCode).not.toBe(0);
      expect(push.stdout).not.toMatch(/^[ +*]\t/m);

      await using server = await restart(data);
      expect(await readdir(join(data, 'tmp'))).toEqual([]);
      const refs = await refsAt(user, server.url);
      expect(possible(step, first, second)).toContainEqual(refs);
      const copy = await cloneWhole(user, server.url, 'survivor');
      expect(await copy.run(['show', `${first['refs/heads/main']}:README`])).toBe('first');

      const again = await author.try(['push', '--porcelain', server.url, ...REFSPECS]);
      expect(again.exitCode, again.stderr).toBe(0);
      expect(await refsAt(user, server.url)).toEqual(second);
      await cloneWhole(user, server.url, 'after-the-second-try');
    },
  );
});

/** Artifacts are written alike by every push; what differs is the pointer, which has to be made. */
const FIRST_STEPS = STEPS.filter(({ ending }) => ending === '/pointer');

describe('a server killed during the first push to a repository', () => {
  it.each(FIRST_STEPS)(
    '$moment it writes *$ending has created the repository completely or not at all',
    async (step) => {
      await using folder = await tempDir('cairn-killed');
      const data = join(folder.path, 'data');
      const user = new GitClient(folder.path);
      const { author, first } = await write(user);
      const cache = join(folder.path, 'cache');
      await using killing = await spawnKillingServer({ data, cache }, { ...step, ordinal: 1 });
      const push = await author.try(['push', '--porcelain', repositoryUrl(killing, NAME), 'main']);
      expect(await killing.died(PATIENCE_MS)).toBe('killed itself');
      expect(push.exitCode).not.toBe(0);

      await using server = await restart(data);
      expect(possible(step, {}, first)).toContainEqual(await refsAt(user, server.url));
      await author.run(['push', '--quiet', server.url, 'main']);
      expect(await refsAt(user, server.url)).toEqual(first);
      await cloneWhole(user, server.url, 'after-the-second-try');
    },
  );
});

it('a server killed right after it answered `ok` has kept the push', async () => {
  await using folder = await tempDir('cairn-killed');
  const data = join(folder.path, 'data');
  const user = new GitClient(folder.path);
  const { author, first, goOn } = await write(user);
  const never = { ending: '/pointer', ordinal: 3, moment: 'before' } as const;
  await using killing = await spawnKillingServer({ data, cache: join(folder.path, 'cache') }, never);
  const url = repositoryUrl(killing, NAME);
  await author.run(['push', '--quiet', url, 'main']);
  expect(await refsAt(user, url)).toEqual(first);
  const second = await goOn();
  await author.run(['push', '--quiet', url, ...REFSPECS]);
  expect(await killing.died(0)).toBe('had to be killed');

  await using server = await restart(data);
  expect(await refsAt(user, server.url)).toEqual(second);
  await cloneWhole(user, server.url, 'survivor');
});

/** What a server folds unasked, and when it leaves off. */

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { repositoryId } from '../../src/repository/repository-id.ts';
import { FaultyStore } from '../helpers/faulty-store.ts';
import { kindsOf, stateOn } from '../helpers/folded.ts';
import { GitClient } from '../helpers/git-client.ts';
import { importCommits } from '../helpers/import-commits.ts';
import { OWNER, repositoryUrl, startServer } from '../helpers/server.ts';
import { ShiftedClock } from '../helpers/shifted-clock.ts';
import { tempDir } from '../helpers/temp-dir.ts';
import { until } from '../helpers/until.ts';

/** A push so large that the repository is folded at once. */
async function pushMuch(folder: string, url: string): Promise<GitClient> {
  const author = await new GitClient(folder).init('author');
  // Three objects each.
  const messages = Array.from({ length: 400 }, (_, n) => `Commit ${n}`);
  await importCommits(author, messages, (n) => ({ counter: `${n}\n` }));
  await author.run(['push', '--quiet', url, 'main']);
  return author;
}

it('a large push is folded at once', async () => {
  await using folder = await tempDir('cairn-large');
  await using app = await startServer();
  const id = repositoryId(OWNER, 'large');
  await pushMuch(folder.path, repositoryUrl(app, 'large'));
  await until(async () => kindsOf((await stateOn(app, id)).manifest)[0] === 'fold');
  expect((await stateOn(app, id)).manifest).toMatchObject({
    packs: [{ objects: 1_200, bitmap: expect.anything(), tips: expect.anything() }],
    causes: [{ kind: 'fold' }],
  });
});

it('nothing is folded if folding is off', async () => {
  await using folder = await tempDir('cairn-off');
  const store = new FaultyStore(new MemoryObjectStore());
  await using app = await startServer({ store, flags: { fold: 'off' } });
  await pushMuch(folder.path, repositoryUrl(app, 'off'));
  await sleep(500);
  expect(kindsOf((await stateOn(app, repositoryId(OWNER, 'off'))).manifest)).toEqual(['push']);
  expect(store.log.some(({ key }) => key.endsWith('/fold'))).toBe(false);
});

it('a failing fold does not stop others, and is not tried again at every push', async () => {
  await using folder = await tempDir('cairn-fails');
  const store = new FaultyStore(new MemoryObjectStore());
  store.rules.push(({ operation, key }) =>
    operation === 'put' && key.endsWith('.bitmap') ? { does: 'unavailable' } : undefined,
  );
  const log: string[] = [];
  await using app = await startServer({ store, onLog: (line) => log.push(line) });
  const url = repositoryUrl(app, 'fails');
  const author = await pushMuch(folder.path, url);
  const failures = () => log.filter((line) => line.includes('a fold failed'));
  await until(async () => failures().length > 0);
  expect(JSON.parse(failures()[0] ?? '')).toMatchObject({
    level: 40,
    repository: `${OWNER}/fails`,
    problem: expect.stringContaining('did not accept'),
  });
  const tries = store.log.filter(({ key }) => key.endsWith('.bitmap')).length;
  for (let n = 0; n < 2; n++) {
    await author.commit(`More ${n}`, { counter: `more ${n}\n` });
    await author.run(['push', '--quiet', url, 'main']);
  }
  await sleep(300);
  expect(kindsOf((await stateOn(app, repositoryId(OWNER, 'fails'))).manifest)).toEqual([
    'push',
    'push',
    'push',
  ]);
  expect(store.log.filter(({ key }) => key.endsWith('.bitmap'))).toHaveLength(tries);
  expect(failures()).toHaveLength(1);
});

it('a base is made anew once after deletions of refs, even if they leave no packs', async () => {
  await using folder = await tempDir('cairn-deleted');
  const clock = new ShiftedClock();
  await using app = await startServer({ overrides: { clock } });
  const url = repositoryUrl(app, 'deleted');
  const author = await new GitClient(folder.path).init('author');
  await author.commit('Begin', { a: '1\n' });
  const branches = Array.from({ length: 18 }, (_, n) => `branch-${n}`);
  await author.run(['push', '--quiet', url, 'main', ...branches.map((branch) => `main:${branch}`)]);
  await app.fold(repositoryId(OWNER, 'deleted'));
  clock.advanceDays(2);
  const fruitless = async () =>
    Number(
      /outcome="nothing to do"\} (\d+)/.exec(
        await app.metrics.registry.getSingleMetricAsString('cairn_folds_total'),
      )?.[1] ?? 0,
    );
  const remove = (gone: readonly string[]) =>
    author.run(['push', '--quiet', url, ...gone.map((branch) => `:${branch}`)]);
  await remove(branches.slice(0, 16));
  await until(async () => (await fruitless()) === 1);
  await remove(branches.slice(16));
  await sleep(1_000);
  expect(await fruitless()).toBe(1);
});

it('all repositories are checked from time to time, also without pushes', async () => {
  await using folder = await tempDir('cairn-rounds');
  const store = new MemoryObjectStore();
  const id = repositoryId(OWNER, 'rounds');
  {
    await using app = await startServer({ store, overrides: { background: false } });
    const url = repositoryUrl(app, 'rounds');
    const author = await new GitClient(folder.path).init('author');
    await author.commit('Begin', { a: '1\n' });
    await author.run(['push', '--quiet', url, 'main']);
    await author.run(['commit', '--quiet', '--amend', '-m', 'Begin again']);
    await author.run(['push', '--quiet', '--force', url, 'main']);
    await app.fold(id);
    expect(kindsOf((await stateOn(app, id)).manifest)).toEqual(['fold', 'unreachable']);
  }
  /** A week later; whoever sleeps for long is woken soon. */
  const clock = new ShiftedClock();
  clock.advanceDays(8);
  const hasty = {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    sleep: (milliseconds: number, signal?: AbortSignal) => clock.sleep(Math.min(milliseconds, 500), signal),
  };
  await using app = await startServer({ store, overrides: { clock: hasty } });
  await until(async () => kindsOf((await stateOn(app, id)).manifest).length === 1);
  expect(kindsOf((await stateOn(app, id)).manifest)).toEqual(['fold']);
});

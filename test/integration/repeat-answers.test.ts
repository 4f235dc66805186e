import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { GitClient } from '../helpers/git-client.ts';
import { repositoryUrl, startServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

let folder: TempDir;
let app: Awaited<ReturnType<typeof startServer>>;
let user: GitClient;
let author: GitClient;
let url: string;
let names = 0;

beforeEach(async () => {
  folder = await tempDir('cairn-repeats');
  app = await startServer({ overrides: { background: false } });
  user = new GitClient(folder.path);
  url = repositoryUrl(app, 'often');
  author = await user.init('author');
  await author.commit('One', { big: randomBytes(600_000), 'a/b': '1\n' });
  await author.commit('Two', { 'a/b': '2\n' });
  await author.addRemote(url);
  await author.run(['push', '--quiet', 'origin', 'main']);
});

afterEach(async () => {
  await app.close();
  await folder[Symbol.asyncDispose]();
});

/** How many times `git upload-pack` has been started. */
async function uploads(): Promise<number> {
  const { values } = await app.metrics.gitStarted.get();
  return values.find(({ labels }) => labels.command === 'upload-pack')?.value ?? 0;
}

async function answers(): Promise<Record<string, number>> {
  const { values } = await app.metrics.repeatedAnswers.get();
  const counted = values.filter(({ value }) => value > 0);
  return Object.fromEntries(counted.map(({ labels, value }) => [labels.result, value]));
}

function clone(...options: string[]): Promise<GitClient> {
  return user.clone(url, `copy-${++names}`, ...options);
}

async function uploadsOf(run: () => Promise<unknown>): Promise<number> {
  const before = await uploads();
  await run();
  return (await uploads()) - before;
}

async function expectWhole(copy: GitClient): Promise<void> {
  expect(await copy.oidOf('HEAD')).toBe(await author.oidOf('main'));
  expect((await copy.try(['fsck', '--strict'])).exitCode).toBe(0);
  expect(await copy.run(['status', '--porcelain'])).toBe('');
}

it('a third equal shallow clone runs no git, and has the same answer', async () => {
  const counts: number[] = [];
  for (let time = 0; time < 4; time++) {
    counts.push(
      await uploadsOf(async () =>
        expectWhole(await clone('--depth=1', '--config=transfer.fsckObjects=true')),
      ),
    );
  }
  expect(counts).toEqual([1, 1, 0, 0]);
  expect(await answers()).toEqual({ passed: 1, recorded: 1, cached: 2 });
});

it('sixteen concurrent equal shallow clones run upload-pack at most twice', async () => {
  const started = await uploadsOf(async () => {
    const copies = await Promise.all(Array.from({ length: 16 }, () => clone('--depth=1')));
    for (const copy of copies) await expectWhole(copy);
  });
  expect(started).toBeLessThanOrEqual(2);
});

it('a different request gets a different answer', async () => {
  for (let time = 0; time < 3; time++) await clone('--depth=1');
  const whole = await clone('--depth=2');
  expect(await whole.run(['rev-list', '--count', 'HEAD'])).toBe('2');
  const partial = await clone('--depth=1', '--filter=blob:none', '--no-checkout');
  expect(await partial.run(['rev-list', '--objects', '--missing=print', 'HEAD'])).toContain('?');
});

it('a clone after a push has the new state, and recordings of the old one are removed', async () => {
  for (let time = 0; time < 3; time++) await clone('--depth=1');
  const kept = join(app.cacheFolder, 'answers');
  expect(await readdir(kept)).toHaveLength(1);
  await author.commit('Three', { 'a/b': '3\n' });
  await author.run(['push', '--quiet', 'origin', 'main']);
  await expectWhole(await clone('--depth=1'));
  await expect.poll(() => readdir(kept)).toEqual([]);
  for (let time = 0; time < 2; time++) await expectWhole(await clone('--depth=1'));
  expect((await answers())['cached']).toBe(2);
});

it('a fetch that git refuses is refused each time with its reason', async () => {
  const missing = 'd'.repeat(40);
  for (let time = 0; time < 3; time++) {
    const refused = await author.try(['fetch', 'origin', missing]);
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stderr).toContain(`not our ref ${missing}`);
  }
  expect((await answers())['cached']).toBeUndefined();
});

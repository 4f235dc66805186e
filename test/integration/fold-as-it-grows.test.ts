/** A server folds what is pushed to it, again and again, and nobody notices but by its speed. */
import { expect, it } from 'vitest';
import { repositoryId } from '../../src/repository/repository-id.ts';
import { kindsOf, objectsIn, onSnapshot, stateOn } from '../helpers/folded.ts';
import { GitClient } from '../helpers/git-client.ts';
import { importCommits } from '../helpers/import-commits.ts';
import { OWNER, repositoryUrl, startServer } from '../helpers/server.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const PUSHES = 34;
const FILES = 150;
const PATIENCE = { timeout: 60_000 };

/** Commits of which the first has many files, and each of the others changes one. */
function writeHistory(author: GitClient, commits: number): Promise<void> {
  const files = Object.fromEntries(Array.from({ length: FILES }, (_, n) => [`files/${n}`, `file ${n}\n`]));
  const messages = Array.from({ length: commits }, (_, n) => `Commit ${n}`);
  return importCommits(author, messages, (n) => ({ ...(n === 0 ? files : {}), counter: `${n}\n` }));
}

it('a repository keeps few packs after any number of pushes', async () => {
  await using folder = await tempDir('cairn-grows');
  await using app = await startServer();
  const id = repositoryId(OWNER, 'grows');
  const url = repositoryUrl(app, 'grows');
  const user = new GitClient(folder.path);
  const author = await user.init('author');
  await writeHistory(author, PUSHES);
  const packs = async () => (await stateOn(app, id)).manifest.packs.length;
  for (let left = PUSHES - 1; left >= 0; left--) {
    await author.run(['push', '--quiet', url, `main~${left}:refs/heads/main`]);
    // Pushes may be faster than a fold for a while.
    await expect.poll(packs, PATIENCE).toBeLessThanOrEqual(PUSHES - 8);
  }
  // What they leave is folded after them.
  const gathered = async () => kindsOf((await stateOn(app, id)).manifest).filter((kind) => kind === 'push');
  await expect.poll(async () => (await gathered()).length, PATIENCE).toBeLessThan(16);

  const count = async (outcome: string) => {
    const folds = await app.metrics.registry.getSingleMetricAsString('cairn_folds_total');
    return Number(new RegExp(`outcome="${outcome}"} (\\d+)`).exec(folds)?.[1] ?? 0);
  };
  const folded = async () => (await count('folded')) + (await count('rolled up'));
  // Counted once the fold is over, a moment after its publish.
  await expect.poll(folded, PATIENCE).toBeGreaterThan(0);
  expect(await folded()).toBeLessThanOrEqual(PUSHES / 16);
  expect(await count('failed')).toBe(0);

  const copy = await user.clone(url, 'copy', '--mirror');
  expect(await copy.run(['fsck', '--full', '--strict'])).toBe('');
  expect(await objectsIn(copy.folder)).toEqual(await objectsIn(author.folder));
});

it('small packs are combined beside a large one, which keeps its companions', async () => {
  await using folder = await tempDir('cairn-rolls');
  await using app = await startServer({ overrides: { background: false } });
  const id = repositoryId(OWNER, 'rolls');
  const url = repositoryUrl(app, 'rolls');
  const author = await new GitClient(folder.path).init('author');
  await writeHistory(author, 17);
  await author.run(['push', '--quiet', url, 'main~16:refs/heads/main']);
  await app.fold(id);
  const { graph, packs } = (await stateOn(app, id)).manifest;
  for (let left = 15; left >= 0; left--) {
    await author.run(['push', '--quiet', url, `main~${left}:refs/heads/main`]);
  }
  // What the server in the background would do.
  expect(await app.fold(id, 'due')).toMatchObject({ outcome: 'rolled up', packs: [17, 2], objects: 48 });
  const { manifest } = await stateOn(app, id);
  expect(manifest.graph).toEqual(graph);
  expect(manifest.packs).toEqual([expect.objectContaining({ kind: 'fold', disjoint: true }), packs[0]]);
  expect(manifest.packs[0]).not.toHaveProperty('tips');
  await onSnapshot(app, id, async (snapshot) => {
    expect(await snapshot.run(['fsck', '--full', '--strict'])).toBe('');
    expect((await snapshot.try(['rev-list', '--test-bitmap', 'main~16'])).stderr).toMatch(/^OK!$/m);
    expect(await objectsIn(snapshot.folder)).toEqual(await objectsIn(author.folder));
  });
  expect(await app.fold(id, 'due')).toEqual({ outcome: 'nothing to do' });
});

/** A server folds what is pushed to it, again and again, and nobody notices but by its speed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { repositoryId } from '../../src/repository/repository-id.ts';
import { FaultyStore } from '../helpers/faulty-store.ts';
import { kindsOf, objectsIn, onSnapshot, stateOn } from '../helpers/folded.ts';
import { GitClient } from '../helpers/git-client.ts';
import { OWNER, repositoryUrl, startServer } from '../helpers/server.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const PUSHES = 36;
const FILES = 150;

it('keeps few packs however many pushes there are', async () => {
  await using folder = await tempDir('cairn-grows');
  await using app = await startServer();
  const id = repositoryId(OWNER, 'grows');
  const url = repositoryUrl(app, 'grows');
  const user = new GitClient(folder.path);
  const author = await user.init('author');
  const files = Array.from({ length: FILES }, (_, n) => [`files/${n}`, `file ${n}\n`] as const);
  await author.commit('Begin', Object.fromEntries(files));
  let most = 0;
  for (let n = 0; n < PUSHES; n++) {
    await author.commit(`Commit ${n}`, { counter: `${n}\n` });
    await author.run(['push', '--quiet', url, 'main']);
    most = Math.max(most, (await stateOn(app, id)).manifest.packs.length);
  }
  // Pushes may be faster than a fold for a while; what they leave is folded after them.
  const gathered = async () => kindsOf((await stateOn(app, id)).manifest).filter((kind) => kind === 'push');
  for (let tries = 0; (await gathered()).length >= 16 && tries < 200; tries++) await sleep(50);
  expect((await gathered()).length).toBeLessThan(16);
  expect(most).toBeLessThanOrEqual(PUSHES - 8);

  const folds = await app.metrics.registry.getSingleMetricAsString('cairn_folds_total');
  const count = (outcome: string) => Number(new RegExp(`outcome="${outcome}"} (\\d+)`).exec(folds)?.[1] ?? 0);
  expect(count('folded') + count('rolled up')).toBeGreaterThan(0);
  expect(count('folded') + count('rolled up')).toBeLessThanOrEqual(PUSHES / 16);
  expect(count('failed')).toBe(0);

  const copy = await user.clone(url, 'copy', '--mirror');
  expect(await copy.run(['fsck', '--full', '--strict'])).toBe('');
  expect(await objectsIn(copy.folder)).toEqual(await objectsIn(author.folder));
});

it('rolls small packs up beside a large one, and keeps what belongs to that', async () => {
  await using folder = await tempDir('cairn-rolls');
  await using app = await startServer({ overrides: { background: false } });
  const id = repositoryId(OWNER, 'rolls');
  const url = repositoryUrl(app, 'rolls');
  const author = await new GitClient(folder.path).init('author');
  const files = Array.from({ length: FILES }, (_, n) => [`files/${n}`, `file ${n}\n`] as const);
  await author.commit('Begin', Object.fromEntries(files));
  await author.run(['push', '--quiet', url, 'main']);
  await app.fold(id);
  const { graph, packs } = (await stateOn(app, id)).manifest;
  for (let n = 0; n < 16; n++) {
    await author.commit(`Commit ${n}`, { counter: `${n}\n` });
    await author.run(['push', '--quiet', url, 'main']);
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

it('does nothing when it is switched off', async () => {
  await using folder = await tempDir('cairn-off');
  const store = new FaultyStore(new MemoryObjectStore());
  await using app = await startServer({ store, flags: { fold: 'off' } });
  const url = repositoryUrl(app, 'off');
  const author = await new GitClient(folder.path).init('author');
  await author.commit('Begin', {});
  for (let n = 0; n < 17; n++) {
    await author.commit(`Commit ${n}`, { counter: `${n}\n` });
    await author.run(['push', '--quiet', url, 'main']);
  }
  await sleep(500);
  const { manifest } = await stateOn(app, repositoryId(OWNER, 'off'));
  expect(manifest.packs.length).toBeGreaterThan(16);
  expect(store.log.some(({ key }) => key.endsWith('/fold'))).toBe(false);
});

/** Repositories that git cannot walk, from before trees were bounded: the rest of them is folded, and nobody waits for them. */

import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { type RepositoryId, repositoryId } from '../../src/repository/repository-id.ts';
import type { App } from '../../src/server/app.ts';
import { kindsOf, objectsIn, onSnapshot, stateOn } from '../helpers/folded.ts';
import { GitClient } from '../helpers/git-client.ts';
import { gitAfter } from '../helpers/git-script.ts';
import { importCommits } from '../helpers/import-commits.ts';
import { plantPack } from '../helpers/plant-pack.ts';
import { commitObject, objectId, type RawObject, treeObject } from '../helpers/raw-git.ts';
import { OWNER, repositoryUrl, startServer } from '../helpers/server.ts';
import { ShiftedClock } from '../helpers/shifted-clock.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

/** git's walkers call themselves once per folder: with a stack of a megabyte, this many are as bad as 60,000 with eight. */
const FOLDERS = 12_000;
const SMALL_STACK = 'ulimit -s 1024';
/** What walks for a fold dies at once. What packs a list of ids, or runs for anybody else, does not. */
const CRASHES_IN_WALKS = [
  'if [ "$1" = pack-objects ]; then',
  '  case "$*" in *--all*|*--revs*|*--stdin-packs*) kill -SEGV $$ ;; esac',
  'fi',
].join('\n');

let folder: TempDir;

beforeAll(async () => {
  folder = await tempDir('cairn-cannot-fold');
});

afterAll(() => folder[Symbol.asyncDispose]());

/** A commit of folders within each other, and all that it reaches. */
function deepHistory(): RawObject[] {
  const file: RawObject = { type: 'blob', content: Buffer.from('a deep file\n') };
  let tree = treeObject('file', objectId(file));
  const objects = [file, tree];
  for (let n = 1; n < FOLDERS; n++) {
    const content = Buffer.concat([Buffer.from('40000 d\0'), Buffer.from(objectId(tree), 'hex')]);
    tree = { type: 'tree', content };
    objects.push(tree);
  }
  return [commitObject(objectId(tree), [], 'Deep'), ...objects];
}

async function author(name: string): Promise<GitClient> {
  return new GitClient(folder.path).init(name);
}

async function pushCommits(git: GitClient, url: string, from: number, count: number): Promise<void> {
  for (let n = from; n < from + count; n++) {
    await git.commit(`Commit ${n}`, { counter: `${n}\n` });
    await git.run(['push', '--quiet', url, 'HEAD:main']);
  }
}

/** A push so large that the repository is folded at once. */
async function pushMuch(git: GitClient, url: string, ...more: string[]): Promise<void> {
  const messages = Array.from({ length: 400 }, (_, n) => `Commit ${n}`);
  await importCommits(git, messages, (n) => ({ counter: `${n}\n` }));
  await git.run(['push', '--quiet', url, 'main', ...more]);
}

const idsOf = async (server: App, id: RepositoryId) => [
  ...new Set(await onSnapshot(server, id, (git) => objectsIn(git.folder))),
];

async function foldsEnded(server: App): Promise<Record<string, number>> {
  const { values } = (await server.metrics.registry.getSingleMetric('cairn_folds_total')?.get()) ?? {
    values: [],
  };
  return Object.fromEntries(values.map(({ labels, value }) => [labels['outcome'], value]));
}

const waiting = { timeout: 60_000, interval: 50 };

describe.each([
  ['refs/nostr/deep', 'what only other refs reach', { kinds: ['fold', 'rest'], outcome: 'folded' }],
  ['refs/heads/deep', 'a branch', { kinds: ['fold'], outcome: 'rolled up' }],
] as const)('a repository with a deep tree at %s (issue 11, point 2)', (ref, _where, expected) => {
  it('has fewer packs after a fold, every object, and clones of its other refs', async () => {
    const name = ref.replaceAll('/', '-');
    const [id, store] = [repositoryId(OWNER, name), new MemoryObjectStore()];
    const git = await gitAfter(join(folder.path, `git-${name}`), SMALL_STACK);
    await using app = await startServer({ store, flags: { git }, overrides: { background: false } });
    const url = repositoryUrl(app, name);
    const work = await author(name);
    await pushCommits(work, url, 0, 4);
    await plantPack(app, store, id, ref, deepHistory());
    const before = await idsOf(app, id);
    expect((await stateOn(app, id)).manifest.packs).toHaveLength(5);

    const outcome = await app.fold(id);
    expect(outcome).toMatchObject({
      outcome: expected.outcome,
      packs: [5, expected.kinds.length],
      refusal: expect.stringMatching(/git pack-objects was ended by SIGSEGV/),
    });
    const { manifest } = await stateOn(app, id);
    expect(kindsOf(manifest)).toEqual(expected.kinds);
    expect(await idsOf(app, id)).toEqual(before);
    expect(manifest.packs.reduce((sum, { objects }) => sum + objects, 0)).toBe(before.length);
    // What was proven by links stays proven: the next push needs no walk, either.
    expect(manifest.packs.map(({ linked }) => linked)).toEqual(expected.kinds.map(() => true));

    const user = new GitClient(folder.path);
    const copy = await user.clone(url, `copy-${name}`, '--single-branch', '--branch=main');
    expect(await copy.run(['fsck', '--full', '--strict'])).toBe('');
    expect(await copy.run(['rev-list', '--count', 'HEAD'])).toBe('4');
    await pushCommits(work, url, 4, 1);
    await copy.run(['pull', '--quiet']);
    expect(await copy.run(['rev-list', '--count', 'HEAD'])).toBe('5');
  });
});

it('a base stays unchanged if git cannot walk the branches any more (issue 11, point 2)', async () => {
  const [id, store] = [repositoryId(OWNER, 'based'), new MemoryObjectStore()];
  const git = await gitAfter(join(folder.path, 'git-based'), SMALL_STACK);
  await using app = await startServer({ store, flags: { git }, overrides: { background: false } });
  const url = repositoryUrl(app, 'based');
  const work = await author('based');
  await pushCommits(work, url, 0, 2);
  await app.fold(id);
  const base = (await stateOn(app, id)).manifest.packs[0]?.pack.digest;
  await plantPack(app, store, id, 'refs/heads/deep', deepHistory());
  await pushCommits(work, url, 2, 2);
  const before = await idsOf(app, id);
  expect(await app.fold(id)).toMatchObject({ outcome: 'rolled up', packs: [4, 2] });
  const { packs } = (await stateOn(app, id)).manifest;
  expect(packs.map(({ pack }) => pack.digest)).toContain(base);
  expect(await idsOf(app, id)).toEqual(before);
});

it('a repository that git cannot fold delays no other, and is not tried again for hours (issue 11, point 2)', async () => {
  const clock = new ShiftedClock();
  const log: string[] = [];
  // In a repository with a branch of that name.
  const git = await gitAfter(
    join(folder.path, 'git-broken'),
    `if [ "$1" = pack-objects ] && grep -q refs/heads/broken "$GIT_DIR/packed-refs"; then\n${CRASHES_IN_WALKS}\nfi`,
  );
  await using app = await startServer({
    flags: { git },
    overrides: { clock },
    onLog: (line) => log.push(line),
  });
  const [broken, healthy] = [repositoryId(OWNER, 'broken'), repositoryId(OWNER, 'healthy')];
  const brokenUrl = repositoryUrl(app, 'broken');
  const work = await author('broken-work');
  await pushMuch(work, brokenUrl, 'main:refs/heads/broken');
  const told = () => log.filter((line) => line.includes('git cannot fold all of a repository'));
  await expect.poll(told, waiting).toHaveLength(1);
  expect(JSON.parse(told()[0] ?? '')).toMatchObject({
    level: 40,
    repository: `${OWNER}/broken`,
    problem: 'git could not fold: git pack-objects was ended by SIGSEGV',
    pause: 21_600,
  });

  // Its next pushes lead to no other try, and another repository is folded meanwhile.
  await pushCommits(work, brokenUrl, 0, 2);
  const other = await author('healthy-work');
  await pushMuch(other, repositoryUrl(app, 'healthy'));
  await expect.poll(async () => kindsOf((await stateOn(app, healthy)).manifest), waiting).toEqual(['fold']);
  // Counted once the fold is over, a moment after its publish.
  await expect.poll(() => foldsEnded(app), waiting).toMatchObject({ refused: 1, folded: 1, failed: 0 });

  // Packs that come are gathered all the same, by their sizes, with no walk.
  await pushCommits(work, brokenUrl, 2, 15);
  await expect.poll(async () => (await stateOn(app, broken)).manifest.packs.length, waiting).toBeLessThan(16);
  expect(await foldsEnded(app)).toMatchObject({ refused: 1, failed: 0 });

  // When its time has come it is tried once more, and the log does not repeat itself.
  clock.advanceDays(0.3);
  await pushCommits(work, brokenUrl, 17, 1);
  await expect.poll(async () => (await foldsEnded(app))['refused'], waiting).toBe(2);
  await pushCommits(work, brokenUrl, 18, 1);
  clock.advanceDays(0.3);
  await pushCommits(work, brokenUrl, 19, 1);
  expect(await foldsEnded(app)).toMatchObject({ refused: 2, failed: 0 });
  expect(told()).toHaveLength(1);
  expect(log.filter((line) => line.includes('it is tried again'))).toEqual([]);
});

describe('a fold that git cannot do at all (issue 11, point 2)', () => {
  it.each([
    ['crashes', 'kill -SEGV $$', 'too-large', /^git could not fold: git pack-objects was ended by SIGSEGV$/],
    ['refuses', 'echo "fatal: no" >&2; exit 128', 'corrupt', /^git could not fold: no$/],
    ['is ended by somebody', 'kill -TERM $$', 'unavailable', /SIGTERM/],
    ['has no room', 'echo "fatal: write: No space left on device" >&2; exit 128', 'unavailable', /No space/],
    [
      'cannot read what it has made',
      'echo "fatal: read error: Input/output error" >&2; exit 128',
      'unavailable',
      /Input\/output error/,
      'rev-list',
    ],
  ])('because it %s is reported as such', async (how, script, kind, message, command = 'pack-objects') => {
    const name = how.replaceAll(' ', '-');
    const git = await gitAfter(
      join(folder.path, `git-${name}`),
      `if [ "$1" = ${command} ]; then case "$GIT_DIR" in */fold*) ${script} ;; esac; fi`,
    );
    await using app = await startServer({ flags: { git }, overrides: { background: false } });
    const work = await author(name);
    await pushCommits(work, repositoryUrl(app, name), 0, 2);
    const id = repositoryId(OWNER, name);
    const failed = app.fold(id).catch((error: unknown) => error);
    expect(await failed).toMatchObject({ kind, message: expect.stringMatching(message) });
    expect(kindsOf((await stateOn(app, id)).manifest)).toEqual(['push', 'push']);
    const [lasting, later] = kind === 'unavailable' ? [0, 1] : [1, 0];
    expect(await foldsEnded(app)).toMatchObject({ refused: lasting, failed: later });
  });
});

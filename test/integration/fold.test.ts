/** Folding a repository, over real git: whatever is folded, clones get the same objects as before. */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { cloneWants, type ObjectFormat, wantSetDigest } from '../../src/git/index.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { createRepository } from '../../src/maintenance/administer.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { type RepositoryId, repositoryId } from '../../src/repository/repository-id.ts';
import type { App } from '../../src/server/app.ts';
import { cloneWhole } from '../helpers/clone-whole.ts';
import { bringBack, kindsOf, lookUp, objectsIn, onSnapshot, stateOn } from '../helpers/folded.ts';
import { GitClient } from '../helpers/git-client.ts';
import { OWNER, repositoryUrl, startServer } from '../helpers/server.ts';
import { ShiftedClock } from '../helpers/shifted-clock.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

let folder: TempDir;
let user: GitClient;
let clock: ShiftedClock;
let app: App;
let names = 0;
let id: RepositoryId;
let url: string;

beforeAll(async () => {
  folder = await tempDir('cairn-fold');
  user = new GitClient(folder.path);
  clock = new ShiftedClock();
  app = await startServer({ store: new MemoryObjectStore(), overrides: { background: false, clock } });
});

afterAll(async () => {
  await app.close();
  await folder[Symbol.asyncDispose]();
});

beforeEach(() => {
  const name = `folded-${++names}`;
  id = repositoryId(OWNER, name);
  url = repositoryUrl(app, name);
});

/** A user's repository whose `origin` is the server. */
async function author(objectFormat: ObjectFormat = 'sha1'): Promise<GitClient> {
  await createRepository(app.repositories.get(id), {
    objectFormat,
    head: 'refs/heads/main',
    random: systemRandom,
  });
  const git = await user.init(`author-${names}`, `--object-format=${objectFormat}`);
  await git.addRemote(url);
  return git;
}

async function pushCommits(git: GitClient, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    await git.commit(`Commit ${n}`, { counter: `${n}\n`, [`notes/${n}`]: `note ${n}\n` });
    await git.run(['push', '--quiet', 'origin', 'HEAD']);
  }
}

describe.each(['sha1', 'sha256'] as const)('a fold of a %s repository', (format) => {
  it('puts the objects of branches and tags into one pack, and the rest into another', async () => {
    const git = await author(format);
    await pushCommits(git, 4);
    await git.run(['tag', '-a', '-m', 'One', 'one']);
    await git.run(['checkout', '--quiet', '-b', 'topic', 'HEAD~2']);
    await git.commit('Topic', { topic: 'topic\n' });
    await git.run(['push', '--quiet', 'origin', 'topic', 'one']);
    await git.run(['notes', 'add', '-m', 'A note', 'topic']);
    await git.run(['push', '--quiet', 'origin', 'refs/notes/commits']);
    const before = await cloneWhole(user, url, `before-${names}`);

    const outcome = await app.fold(id);
    expect(outcome).toMatchObject({ outcome: 'folded', packs: [6, 2] });
    const { manifest } = await stateOn(app, id);
    expect(kindsOf(manifest)).toEqual(['fold', 'rest']);
    const [folded, rest] = manifest.packs;
    expect(folded).toMatchObject({ disjoint: true, tips: wantSetDigest(cloneWants(manifest.refs)) });
    expect(rest).toMatchObject({ disjoint: true, objects: 3 });
    expect(manifest.causes).toEqual([{ kind: 'fold', actor: null, evidence: null, refs: [] }]);

    const after = await cloneWhole(user, url, `after-${names}`);
    expect(await objectsIn(after.folder)).toEqual(await objectsIn(before.folder));
    expect((folded?.objects ?? 0) + (rest?.objects ?? 0)).toBe((await objectsIn(after.folder)).length);
    expect(await after.run(['for-each-ref'])).toBe(await before.run(['for-each-ref']));
  });

  it('has a bitmap, a reverse index and a commit-graph that git uses', async () => {
    const git = await author(format);
    await pushCommits(git, 3);
    await app.fold(id);
    const { manifest } = await stateOn(app, id);
    expect(Object.keys(manifest.packs[0] ?? {})).toEqual(expect.arrayContaining(['bitmap', 'rev']));
    await onSnapshot(app, id, async (snapshot) => {
      const tested = await snapshot.try(['rev-list', '--test-bitmap', 'main']);
      expect(tested.stderr).toMatch(/^OK!$/m);
      expect(tested.stderr).toMatch(/Bitmap v1 test \(\d+ entries loaded\)/);
      expect(await snapshot.run(['commit-graph', 'verify'])).toBe('');
      const trace = { GIT_TRACE2_EVENT: '1' };
      const counted = await snapshot.try(
        ['-c', 'core.commitGraph=true', 'rev-list', '--use-bitmap-index', '--count', '--objects', 'main'],
        { env: trace },
      );
      expect(counted.stdout.trim()).toBe(String(manifest.packs[0]?.objects));
      expect(counted.stderr).toContain('bitmap');
    });
    // A fetch whose answer leans on both.
    const copy = await user.clone(url, `shallow-${names}`, '--depth=2');
    await pushCommits(git, 2);
    await copy.run(['pull', '--quiet', '--unshallow']);
    expect(await copy.run(['fsck', '--strict'])).toBe('');
    expect(await copy.run(['rev-list', '--count', 'HEAD'])).toBe('5');
  });
});

describe('a fold', () => {
  it('does nothing in an empty or a folded repository', async () => {
    const git = await author();
    expect(await app.fold(id)).toEqual({ outcome: 'nothing to do' });
    await pushCommits(git, 1);
    expect(await app.fold(id)).toMatchObject({ outcome: 'folded' });
    const { digest } = await stateOn(app, id);
    expect(await app.fold(id)).toEqual({ outcome: 'nothing to do' });
    expect((await stateOn(app, id)).digest).toBe(digest);
    await expect(app.fold(repositoryId(OWNER, 'nowhere'))).rejects.toMatchObject({ kind: 'not-found' });
  });

  it('does not publish an unchanged result', async () => {
    const git = await author();
    await pushCommits(git, 2);
    await git.run(['push', '--quiet', 'origin', 'main:refs/notes/x', ':main']);
    await app.fold(id);
    const { manifest, digest } = await stateOn(app, id);
    expect(kindsOf(manifest)).toEqual(['rest']);
    expect(await app.fold(id)).toEqual({ outcome: 'nothing to do' });
    expect((await stateOn(app, id)).digest).toBe(digest);
  });

  it('leaves nothing for the next clone to download', async () => {
    const git = await author();
    await pushCommits(git, 3);
    await app.fold(id);
    const misses = async () =>
      (await app.metrics.registry.getSingleMetricAsString('cairn_artifact_cache_looks_total')).match(
        /result="miss"\} (\d+)/,
      )?.[1];
    const before = await misses();
    await cloneWhole(user, url, `warm-${names}`);
    expect(await misses()).toBe(before);
  });

  it('does not affect later pushes', async () => {
    const git = await author();
    await pushCommits(git, 3);
    await app.fold(id);
    await pushCommits(git, 2);
    expect(kindsOf((await stateOn(app, id)).manifest)).toEqual(['fold', 'push', 'push']);
    await app.fold(id);
    expect(kindsOf((await stateOn(app, id)).manifest)).toEqual(['fold']);
    expect(await (await cloneWhole(user, url, `later-${names}`)).run(['rev-list', '--count', 'main'])).toBe(
      '5',
    );
  });
});

describe('unreachable objects', () => {
  /** A branch with a commit that a forced push leaves behind. @returns the commit left behind */
  async function leaveBehind(git: GitClient, name: string): Promise<string> {
    const lost = await git.commit(`Lost ${name}`, { [`lost-${name}`]: `lost ${name}\n` });
    await git.run(['push', '--quiet', 'origin', 'main']);
    await git.run(['reset', '--quiet', '--hard', 'HEAD~1']);
    await git.run(['push', '--quiet', '--force', 'origin', 'main']);
    return lost;
  }

  it('are put into a pack of their own, kept for the grace period, and dropped', async () => {
    const git = await author();
    await pushCommits(git, 2);
    const lost = await leaveBehind(git, 'a');
    await app.fold(id);
    expect(kindsOf((await stateOn(app, id)).manifest)).toEqual(['fold', 'unreachable']);
    expect((await lookUp(app, id, lost)).exitCode).toBe(0);

    clock.advanceDays(6.9);
    expect(await app.fold(id)).toEqual({ outcome: 'nothing to do' });
    expect((await lookUp(app, id, lost)).exitCode).toBe(0);

    clock.advanceDays(0.2);
    expect(await app.fold(id)).toMatchObject({ outcome: 'folded', packs: [2, 1] });
    expect(kindsOf((await stateOn(app, id)).manifest)).toEqual(['fold']);
    expect((await lookUp(app, id, lost)).exitCode).not.toBe(0);
    await cloneWhole(user, url, `after-${names}`);
  });

  it('are dropped each in its time, and wait in a bounded number of packs', async () => {
    const git = await author();
    await pushCommits(git, 1);
    const lost: string[] = [];
    for (let n = 0; n < 12; n++) {
      lost.push(await leaveBehind(git, String(n)));
      await app.fold(id);
      const kinds = kindsOf((await stateOn(app, id)).manifest);
      expect(kinds.filter((kind) => kind === 'unreachable').length).toBeLessThanOrEqual(9);
      clock.advanceDays(0.9);
    }
    // The last fold found the first three left behind 9.9, 9 and 8.1 days ago, and the last seven within 5.4 days.
    const there = await Promise.all(lost.map(async (oid) => (await lookUp(app, id, oid)).exitCode === 0));
    expect(there.slice(0, 3)).toEqual([false, false, false]);
    expect(there.slice(-7)).toEqual(Array(7).fill(true));
  });

  it('are kept if a ref reaches them again in time', async () => {
    const git = await author();
    await pushCommits(git, 1);
    const lost = await leaveBehind(git, 'back');
    await app.fold(id);
    await bringBack(app, id, 'refs/heads/back', lost);
    clock.advanceDays(8);
    expect(await app.fold(id)).toMatchObject({ outcome: 'folded' });
    expect(kindsOf((await stateOn(app, id)).manifest)).toEqual(['fold']);
    expect(await (await cloneWhole(user, url, `back-${names}`)).oidOf('back')).toBe(lost);
  });
});

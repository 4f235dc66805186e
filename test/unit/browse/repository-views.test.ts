import { once } from 'node:events';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { knownBranchFiles } from '../../../src/browse/branch-files.ts';
import { RepositoryViews } from '../../../src/browse/repository-views.ts';
import { gitVersion } from '../../../src/git-process/commands.ts';
import { Git } from '../../../src/git-process/git.ts';
import { CairnError } from '../../../src/lib/errors.ts';
import type { PublishedGitState } from '../../../src/repository/git/git-manifest.ts';
import type { GitRepository } from '../../../src/repository/git/git-repository.ts';
import { repositoryId } from '../../../src/repository/repository-id.ts';
import { GitClient } from '../../helpers/git-client.ts';
import { manifestOf } from '../../helpers/repository-rig.ts';
import { type TempDir, tempDir } from '../../helpers/temp-dir.ts';

let folder: TempDir;
let git: Git;
let tip: string;
const started: string[] = [];
let leases = 0;

beforeEach(async () => {
  folder = await tempDir();
  const client = await new GitClient(folder.path).init('r');
  tip = await client.commit('One', { a: '1' });
  started.length = 0;
  git = new Git({
    binary: 'git',
    home: folder.path,
    observer: { started: (name) => started.push(name), ended: () => undefined },
  });
});
afterEach(async () => {
  await git.close();
  await folder[Symbol.asyncDispose]();
  // Every snapshot was given back.
  expect(leases).toBe(0);
});

/** A folder in use. */
function lease(): { readonly path: string; release(): void } {
  leases++;
  return {
    path: `${folder.path}/r/.git`,
    release: () => {
      leases--;
    },
  };
}

/** Names of folders that somebody has deleted files of. */
const damaged = new Set<string>();

function objectsIn(folderInUse: ReturnType<typeof lease>) {
  return {
    ...folderInUse,
    packs: () => new Set(),
    isWhole: async () => !damaged.has(folderInUse.path),
  };
}

const id = repositoryId('a'.repeat(64), 'r');

/** A repository whose every state is the same folder. */
const repository = {
  id,
  snapshot: async () => lease(),
  objects: async () => objectsIn(lease()),
} as unknown as GitRepository;

/** Repositories that share no objects, each with a folder that looks like another. */
function another(at: number): GitRepository {
  const apart = () => ({ ...lease(), path: `${folder.path}/${'./'.repeat(at)}r/.git` });
  return {
    id: repositoryId('a'.repeat(64), `r${at}`),
    snapshot: async () => apart(),
    objects: async () => objectsIn(apart()),
  } as unknown as GitRepository;
}

function state(name: string): PublishedGitState {
  return { version: 'v', digest: name.repeat(64).slice(0, 64), manifest: manifestOf() };
}

const NEVER = new AbortController().signal;
const OPTIONS = { slots: 2, queue: 3, timeLimit: 60_000, idle: 60_000 };

it('one git serves all pages of a state', async () => {
  const views = new RepositoryViews({ git, ...OPTIONS });
  const read = () =>
    views.read(repository, state('a'), NEVER, async ({ session }) =>
      Promise.all(Array.from({ length: 50 }, () => session.read(tip, 1_000))),
    );
  for (let page = 0; page < 5; page++) expect((await read())[49]?.type).toBe('commit');
  expect(started).toEqual(['cat-file']);
  await views.close();
});

it('one git serves all states of a repository, and earlier states are given back', async () => {
  const views = new RepositoryViews({ git, ...OPTIONS });
  const read = (name: string) =>
    views.read(repository, state(name), NEVER, async ({ session }) => {
      expect((await session.info(tip))?.type).toBe('commit');
    });
  for (const name of ['a', 'b', 'c', 'b']) await read(name);
  await Promise.all([read('d'), read('e'), read('f')]);
  expect(started).toEqual(['cat-file']);
  // No snapshot, and one folder of objects for all of them.
  expect(leases).toBe(1);
  const path = await views.read(repository, state('g'), NEVER, async (view) => {
    expect(leases).toBe(1);
    return Promise.all([view.gitDir(), view.gitDir()]);
  });
  expect(path).toEqual(Array(2).fill(`${folder.path}/r/.git`));
  // The snapshot stays for the next page of this state.
  expect(leases).toBe(2);
  await views.close();
  expect(git.running).toBe(0);
});

it('readies the newest state of a repository whose pages are being read, and starts nothing for others', async () => {
  const { manifest } = state('b');
  const refs = new Map([[manifest.head, tip]]);
  const newest = { ...state('b'), manifest: { ...manifest, refs } };
  const peek = async () => newest;
  const read = { ...repository, peek } as unknown as GitRepository;
  const unread = { ...another(1), peek } as unknown as GitRepository;
  const views = new RepositoryViews({ git, ...OPTIONS });
  await views.read(read, state('a'), NEVER, ({ session }) => session.info(tip));
  views.follow(unread);
  views.follow(read);
  views.follow(read);
  await expect.poll(() => knownBranchFiles(newest.manifest)).toEqual({});
  expect(started).toEqual(['cat-file']);
  // Work that is being done holds the folder, and ends before everything is closed.
  views.follow(read);
  await views.close();
  expect(leases).toBe(0);
  views.follow(read);
  expect(git.running).toBe(0);
});

it('a state that cannot be readied, or lies in another folder, disturbs nobody', async () => {
  const views = new RepositoryViews({ git, ...OPTIONS });
  await views.read(repository, state('a'), NEVER, ({ session }) => session.info(tip));
  let asked = 0;
  const troubled = (objects: GitRepository['objects']) =>
    ({
      id,
      peek: async () => state('b'),
      objects: (published: PublishedGitState) => {
        asked++;
        return objects(published);
      },
    }) as unknown as GitRepository;
  const fails = troubled(async () => {
    throw new CairnError('unavailable', 'no store');
  });
  views.follow(fails);
  await expect.poll(() => asked).toBe(1);
  views.follow(troubled(another(3).objects));
  await expect.poll(() => asked).toBe(2);
  const info = await views.read(repository, state('a'), NEVER, ({ session }) => session.info(tip));
  expect(info?.type).toBe('commit');
  expect(started).toEqual(['cat-file']);
  await views.close();
});

it('few unread states stay open', async () => {
  const views = new RepositoryViews({ git, ...OPTIONS });
  for (let at = 0; at < 30; at++) {
    await views.read(another(at), state(`${at}-`), NEVER, ({ session }) => session.info(tip));
  }
  await expect.poll(() => git.running).toBeLessThanOrEqual(9);
  await views.close();
  expect(git.running).toBe(0);
});

it('unread states are closed when git has no memory left, and pushes and fetches keep theirs', async () => {
  // All work but pages has shares like these for itself.
  const serverGit = new Git({ binary: 'git', home: folder.path, shares: { all: 1, spare: 0 } });
  const pagesGit = serverGit.beside({ all: 2, spare: 0 });
  const views = new RepositoryViews({ git: pagesGit, ...OPTIONS });
  for (let at = 0; at < 5; at++) {
    const info = await views.read(another(at), state(`${at}-`), NEVER, ({ session }) => session.info(tip));
    expect(info?.type).toBe('commit');
    expect(serverGit.running).toBeLessThanOrEqual(2);
  }
  const busy = views.read(another(7), state('7-'), NEVER, ({ session }) =>
    views.read(another(8), state('8-'), NEVER, async (other) => {
      await Promise.all([session.info(tip), other.session.info(tip)]);
      return pagesGit.brief(gitVersion());
    }),
  );
  await expect(busy).rejects.toMatchObject({ kind: 'busy' });
  expect((await serverGit.brief(gitVersion())).exitCode).toBe(0);
  await views.close();
  await serverGit.close();
});

it('pages have few slots and a bounded queue; further ones are answered busy', async () => {
  const views = new RepositoryViews({ git, ...OPTIONS });
  const gate = new AbortController();
  let [working, most] = [0, 0];
  const pages = Array.from({ length: 9 }, () =>
    views.read(repository, state('a'), NEVER, async () => {
      working++;
      most = Math.max(most, working);
      if (!gate.signal.aborted) await once(gate.signal, 'abort');
      working--;
    }),
  );
  const settled = Promise.allSettled(pages);
  await expect.poll(() => most).toBe(2);
  gate.abort();
  const refused = (await settled).filter((page) => page.status === 'rejected');
  expect(refused.map(({ reason }) => reason.kind)).toEqual(['busy', 'busy', 'busy', 'busy']);
  expect(most).toBe(2);
  await views.close();
});

it('a state whose folder was damaged is opened again, while others still read it', async () => {
  const views = new RepositoryViews({ git, ...OPTIONS });
  let [objects, snapshots] = [0, 0];
  const changing = {
    id,
    objects: async () => objectsIn({ ...lease(), path: `${folder.path}/${'./'.repeat(objects++)}r/.git` }),
    snapshot: async () => ({ ...lease(), path: `${folder.path}/${'./'.repeat(snapshots)}r/.git` }),
  } as unknown as GitRepository;
  const look = () =>
    views.read(changing, state('d'), NEVER, async ({ session, gitDir }) => {
      expect((await session.info(tip))?.type).toBe('commit');
      return gitDir();
    });
  await look();
  const first = await look();
  expect(objects).toBe(1);
  let go = (): void => undefined;
  const until = new Promise<void>((resolve) => {
    go = resolve;
  });
  const slow = views.read(changing, state('d'), NEVER, async ({ gitDir }) => {
    await until;
    return gitDir();
  });
  await Promise.resolve();
  damaged.add(`${folder.path}/r/.git`);
  snapshots++;
  const pages = await Promise.all([look(), look()]);
  expect(new Set(pages)).not.toContain(first);
  expect(objects).toBe(2);
  await look();
  expect(objects).toBe(2);
  go();
  expect(await slow).toBe(pages[0]);
  await views.close();
  damaged.clear();
});

it('a page that is made while pages are closed gives its snapshot back', async () => {
  const views = new RepositoryViews({ git, ...OPTIONS });
  const given: (() => void)[] = [];
  const late = {
    id,
    objects: async () => objectsIn(lease()),
    snapshot: () =>
      new Promise((resolve) => {
        given.push(() => resolve(lease()));
      }),
  } as unknown as GitRepository;
  const page = views.read(late, state('e'), NEVER, ({ gitDir }) => gitDir());
  await expect.poll(() => given.length).toBe(1);
  await views.close();
  given[0]?.();
  await expect(page).rejects.toMatchObject({ kind: 'unavailable' });
});

it('work for a page ends at its time limit', async () => {
  const views = new RepositoryViews({ git, ...OPTIONS, timeLimit: 50 });
  const page = views.read(
    repository,
    state('a'),
    NEVER,
    ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  );
  await expect(page).rejects.toMatchObject({ kind: 'busy' });
  await views.close();
});

it('git is started again after it has ended', async () => {
  const views = new RepositoryViews({ git, ...OPTIONS });
  // What an object is, is remembered; which one a prefix means is not.
  const ask = () =>
    views.read(repository, state('a'), NEVER, ({ session }) => session.find(tip.slice(0, 12)));
  await ask();
  await git.close();
  await expect.poll(async () => (await ask().catch(() => undefined))?.type).toBe('commit');
  expect(started.length).toBeGreaterThan(1);
  await views.close();
});

it('objects that are too large and strings that are no ids are not read', async () => {
  const views = new RepositoryViews({ git, ...OPTIONS });
  await views.read(repository, state('a'), NEVER, async ({ session }) => {
    await expect(session.read(tip, 10)).rejects.toMatchObject({ kind: 'too-large' });
    expect(await session.read(`${tip}\ninfo ${tip}`, 1_000)).toBeUndefined();
    expect(await session.info('0'.repeat(40))).toBeUndefined();
    expect((await session.read(tip, 1_000))?.content.toString()).toContain('One');
  });
  await views.close();
});

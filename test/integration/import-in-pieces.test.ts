/** A large source comes in several packs, and an import that was interrupted goes on where it ended (issue 13, point 3). */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { silent } from '../../src/mirror/observer.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { repositoryId } from '../../src/repository/repository-id.ts';
import { GitClient } from '../helpers/git-client.ts';
import { BRANCHES_AND_TAGS, ImportRig, openSource } from '../helpers/import-rig.ts';
import { SeededRandom } from '../helpers/seeded-random.ts';
import { OWNER } from '../helpers/server.ts';
import { testSeed } from '../helpers/test-seed.ts';

const PIECES = { most: 50, each: 40 };
let rig: ImportRig;
let source: GitClient;
let expected = '';

beforeAll(async () => {
  rig = await ImportRig.open();
  source = await history(new GitClient(rig.folder), 'source');
  expected = await refsOf(source);
});
afterAll(() => rig[Symbol.asyncDispose]());

const refsOf = (git: GitClient) => git.run(['for-each-ref', '--format=%(objectname) %(refname)']);
const repository = (name: string, of = rig) => of.rig.repositories.get(repositoryId(OWNER, name));

/** 180 commits on two branches that part in the middle, and merges. */
async function history(users: GitClient, name: string): Promise<GitClient> {
  const work = await users.init(name);
  const lines: string[] = [];
  let mark = 0;
  const commit = (branch: string, from: number | undefined, merged?: number) => {
    mark += 1;
    const content = `${branch} ${mark}\n`;
    lines.push(
      `commit refs/heads/${branch}`,
      `mark :${mark}`,
      `committer A User <user@example.com> ${1e9 + mark} +0000`,
    );
    lines.push('data 1', '.');
    if (from !== undefined) lines.push(`from :${from}`);
    if (merged !== undefined) lines.push(`merge :${merged}`);
    lines.push(`M 100644 inline ${branch}/f${mark % 7}`, `data ${content.length}`, content);
    return mark;
  };
  let main: number | undefined;
  let side: number | undefined;
  for (let n = 0; n < 60; n++) {
    main = commit('main', main);
    if (n >= 30) side = commit('side', side ?? main);
    const topic = commit('topic', main);
    if (n % 10 === 9) main = commit('main', main, topic);
  }
  lines.push(
    `tag v1`,
    `from :${side}`,
    'tagger A User <user@example.com> 1000000000 +0000',
    'data 1',
    't',
    '',
  );
  await work.run(['fast-import', '--quiet'], { input: lines.join('\n') });
  return work;
}

it('an import fetches along first parents, publishes each piece, and leaves no temporary refs', async () => {
  const notices: string[] = [];
  const seen = new Set<string>();
  const observer = { ...silent, notice: (text: string) => notices.push(text) };
  const result = await rig.import(repository('whole'), source.folder, { pieces: PIECES, observer });
  expect(result).toMatchObject({ outcome: 'ok', problem: undefined });
  expect(result.packs).toBeGreaterThan(5);
  expect(notices).toContain(`fetching in pieces: 1 of ${result.packs}`);
  let state = await repository('whole').resolve();
  expect(state?.manifest.packs.length).toBe(result.packs);
  for (let digest = state?.manifest.parent; digest; digest = state.manifest.parent) {
    const manifest = await repository('whole').manifest(digest);
    for (const name of manifest.refs.keys()) seen.add(name);
    if (manifest.parent === null || state === undefined) break;
    state = { ...state, manifest };
  }
  expect([...seen].every((name) => name.startsWith('refs/cairn-mirror/import/'))).toBe(true);
  expect(await importedRefs('whole')).toBe(expected);
  await fsck('whole');
});

it('a source that cannot leave out files is imported in one pack', async () => {
  const plain = await openSource(source.folder, BRANCHES_AND_TAGS, 0);
  const result = await rig.import(repository('plain'), plain, { pieces: PIECES });
  expect(result).toMatchObject({ outcome: 'ok', packs: 1 });
  expect(await importedRefs('plain')).toBe(expected);
});

it('an import ends with the same refs after 20 interruptions at random points, and fetches nothing twice', async () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  const store = new MemoryObjectStore();
  const said = `seed ${seed}`;
  for (let n = 0; n < 20; n++) {
    // Each run is another process, as far as the store can tell.
    await using another = await ImportRig.open(store, seed + n);
    const stop = new AbortController();
    const running = another.import(repository('again', another), source.folder, {
      pieces: PIECES,
      signal: stop.signal,
    });
    const timer = sleep(random.fraction() * 700).then(() => stop.abort());
    const result = await running;
    await timer;
    expect(['ok', 'interrupted'], said).toContain(result.outcome);
  }
  await using last = await ImportRig.open(store, seed + 99);
  const result = await last.import(repository('again', last), source.folder, { pieces: PIECES });
  expect(result.outcome, said).toBe('ok');
  const state = await repository('again', last).resolve();
  const refs = [...(state?.manifest.refs ?? [])].map(([name, oid]) => `${oid} ${name}`);
  expect(refs.join('\n'), said).toBe(expected);
  const objects = (state?.manifest.packs ?? []).reduce((sum, pack) => sum + pack.objects, 0);
  expect(objects, said).toBe(await countOf(source));
});

it('an import for a removed mirror publishes no further piece (issue 13)', async () => {
  let asked = 0;
  const keeper = {
    id: '1'.repeat(16),
    problem: () => (++asked > 3 ? 'the mirror was removed meanwhile' : undefined),
  };
  const result = await rig.import(repository('removed'), source.folder, { pieces: PIECES, keeper });
  expect(result).toMatchObject({ problem: expect.stringContaining('the mirror was removed meanwhile') });
  const refs = [...((await repository('removed').resolve())?.manifest.refs.keys() ?? [])];
  expect(refs.length).toBeGreaterThan(0);
  expect(refs.every((name) => name.startsWith(`refs/cairn-mirror/import/${keeper.id}/`))).toBe(true);
  // Another import does not take for its own what a mirror of the repository works behind, once that is named there.
  const whole = await rig.import(repository('removed'), source.folder, { pieces: PIECES });
  expect(whole.outcome).toBe('ok');
  expect(await importedRefs('removed')).toBe(expected);
});

async function countOf(git: GitClient): Promise<number> {
  return (await git.run(['rev-list', '--objects', '--all'])).split('\n').length;
}

async function importedRefs(name: string): Promise<string> {
  const state = await repository(name).resolve();
  return [...(state?.manifest.refs ?? [])].map(([ref, oid]) => `${oid} ${ref}`).join('\n');
}

async function fsck(name: string): Promise<void> {
  const state = await repository(name).resolve();
  if (state === undefined) throw new Error('there is no repository');
  const snapshot = await repository(name).snapshot(state);
  try {
    await new GitClient(snapshot.path).run(['--git-dir=.', 'fsck', '--full', '--strict']);
  } finally {
    snapshot.release();
  }
}

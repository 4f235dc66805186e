/**
 * What `ok` is said to can be walked, sent and folded by git within its memory, whatever git has to hold at once for that; what was
 * refused has left nothing.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { repositoryId } from '../../src/repository/repository-id.ts';
import type { App } from '../../src/server/app.ts';
import { appendDelta, CraftedPack } from '../helpers/craft-pack.ts';
import { GitClient } from '../helpers/git-client.ts';
import { commitObject, objectId, push, pushHead, type RawObject, reportOf } from '../helpers/raw-git.ts';
import { SeededRandom } from '../helpers/seeded-random.ts';
import { OWNER, repositoryUrl, startServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';
import { testSeed } from '../helpers/test-seed.ts';

const seed = testSeed();
const MIB = 2 ** 20;
const MEMORY = 32 * MIB;
/** The part of it for what is no file. */
const LINKING = Math.floor(MEMORY / 5);

let folder: TempDir;
let store: MemoryObjectStore;
let app: App;
let names = 0;

beforeAll(async () => {
  folder = await tempDir('cairn-servable');
  store = new MemoryObjectStore();
  app = await startServer({ store, flags: { 'git-memory': '32MiB' }, overrides: { background: false } });
});

afterAll(async () => {
  await app.close();
  await folder[Symbol.asyncDispose]();
});

const FILE: RawObject = { type: 'blob', content: Buffer.from('a file\n') };

/** Entries of a tree, of so many bytes or a few less. */
function entries(bytes: number, mode: string, id: string): Buffer {
  const entry = (at: number) =>
    Buffer.concat([Buffer.from(`${mode} e${String(at).padStart(7, '0')}\0`), Buffer.from(id, 'hex')]);
  const count = Math.floor(bytes / entry(0).length);
  return Buffer.concat(Array.from({ length: count }, (_, at) => entry(at)));
}

/** A folder as the last entry of a tree. */
const last = (id: string) => Buffer.concat([Buffer.from('40000 z\0'), Buffer.from(id, 'hex')]);

/** Packs that are pushed one after another, each with a commit on top of the one before. */
interface Pushes {
  readonly packs: readonly { readonly bytes: Buffer; readonly commit: RawObject }[];
  /** Whether the last one is to be taken. Where this depends on what else git holds, it is left open. */
  readonly fits?: boolean;
}

/** Folders within each other, each with as many files as the others, kept as differences from one of them. */
function nested(levels: number, bytes: number, pushes: number): Pushes {
  const wide: RawObject = { type: 'tree', content: entries(bytes, '100644', objectId(FILE)) };
  const size = wide.content.length;
  const packs: Pushes['packs'][number][] = [];
  let [top, parents]: [RawObject, string[]] = [wide, []];
  let pack = new CraftedPack().all([FILE, wide]);
  for (let level = 1; level < levels; level++) {
    const more = last(objectId(top));
    top = { type: 'tree', content: Buffer.concat([wide.content, more]) };
    pack.refDelta(objectId(wide), appendDelta(size, more));
    const share = Math.ceil(levels / pushes);
    if (level % share !== share - 1 && level !== levels - 1) continue;
    const commit = commitObject(objectId(top), parents);
    pack.whole(commit);
    packs.push({ bytes: pack.bytes(), commit });
    parents = [objectId(commit)];
    pack = new CraftedPack();
  }
  return { packs, fits: levels * (size + 28) - 28 <= LINKING };
}

/** A commit of a tree with folders that all differ in name, on one with others. */
function manyFolders(bytes: number): Pushes {
  const empty: RawObject = { type: 'tree', content: Buffer.alloc(0) };
  const one: RawObject = { type: 'tree', content: entries(bytes, '40000', objectId(empty)) };
  const first = commitObject(objectId(one));
  const more = last(objectId(empty));
  const two: RawObject = { type: 'tree', content: Buffer.concat([one.content, more]) };
  const second = commitObject(objectId(two), [objectId(first)]);
  const pack = new CraftedPack();
  pack.whole(second);
  pack.refDelta(objectId(one), appendDelta(one.content.length, more));
  const packs = [
    { bytes: new CraftedPack().all([empty, one, first]).bytes(), commit: first },
    { bytes: pack.bytes(), commit: second },
  ];
  return { packs, fits: two.content.length <= LINKING };
}

/** Folders beside each other with long lists, and a commit that adds a file to each: a thin pack leans on all of them. */
function newFiles(folders: number, bytes: number): Pushes {
  const wide: RawObject = { type: 'tree', content: entries(bytes, '100644', objectId(FILE)) };
  const rootOf = (contents: readonly Buffer[]): RawObject => ({
    type: 'tree',
    content: Buffer.concat(
      contents.map((content, at) => {
        const id = Buffer.from(objectId({ type: 'tree', content }), 'hex');
        return Buffer.concat([Buffer.from(`40000 d${String(at).padStart(4, '0')}\0`), id]);
      }),
    ),
  });
  const entry = (name: string, file: RawObject) =>
    Buffer.concat([Buffer.from(`100644 ${name}\0`), Buffer.from(objectId(file), 'hex')]);
  const begin = new CraftedPack().all([FILE, wide]);
  const more = new CraftedPack();
  const before: Buffer[] = [];
  const after: Buffer[] = [];
  for (let at = 0; at < folders; at++) {
    const own: RawObject = { type: 'blob', content: Buffer.from(`new in ${at}`) };
    const first = entry(`y${String(at).padStart(6, '0')}`, FILE);
    const second = Buffer.concat([first, entry('z', own)]);
    begin.refDelta(objectId(wide), appendDelta(wide.content.length, first));
    more.whole(own);
    more.refDelta(objectId(wide), appendDelta(wide.content.length, second));
    before.push(Buffer.concat([wide.content, first]));
    after.push(Buffer.concat([wide.content, second]));
  }
  const [one, two] = [rootOf(before), rootOf(after)];
  const first = commitObject(objectId(one));
  const second = commitObject(objectId(two), [objectId(first)]);
  const packs = [
    { bytes: begin.all([one, first]).bytes(), commit: first },
    { bytes: more.all([two, second]).bytes(), commit: second },
  ];
  return { packs, fits: true };
}

/** A large commit, whole or as a difference from another. */
function largeCommit(bytes: number, asDelta: boolean): Pushes {
  const tree: RawObject = { type: 'tree', content: entries(100, '100644', objectId(FILE)) };
  const small = commitObject(objectId(tree));
  const commit = commitObject(objectId(tree), [objectId(small)], 'm'.repeat(bytes));
  const size = commit.content.length;
  const pack = new CraftedPack().all([FILE, tree, small]);
  const half = { ...commit, content: commit.content.subarray(0, size - 100) };
  if (asDelta) {
    pack.refDelta(objectId(half), appendDelta(half.content.length, commit.content.subarray(-100)));
    pack.whole(half);
  } else pack.whole(commit);
  return { packs: [{ bytes: pack.bytes(), commit }], fits: size <= LINKING };
}

/** A large file, kept as a difference from another. */
function largeFile(bytes: number): Pushes {
  const base: RawObject = { type: 'blob', content: Buffer.alloc(bytes) };
  const more = Buffer.from('more');
  const file: RawObject = { type: 'blob', content: Buffer.concat([base.content, more]) };
  const treeOf = (blob: RawObject): RawObject => ({
    type: 'tree',
    content: Buffer.concat([Buffer.from('100644 file\0'), Buffer.from(objectId(blob), 'hex')]),
  });
  const [one, two] = [treeOf(base), treeOf(file)];
  const first = commitObject(objectId(one));
  const commit = commitObject(objectId(two), [objectId(first)]);
  const pack = new CraftedPack().all([base, one, two, first, commit]);
  pack.refDelta(objectId(base), appendDelta(bytes, more));
  return { packs: [{ bytes: pack.bytes(), commit }] };
}

async function keysOf(prefix = ''): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}

/** @returns how many of the packs were taken */
async function pushAll({ packs, fits }: Pushes, what: string): Promise<number> {
  const name = `servable-${++names}`;
  const url = repositoryUrl(app, name);
  const id = repositoryId(OWNER, name);
  const user = new GitClient(folder.path);
  let from: string | undefined;
  let taken = 0;
  for (const { bytes, commit } of packs) {
    const before = await keysOf();
    const to = objectId(commit);
    const command = { name: 'refs/heads/main', to, ...(from === undefined ? {} : { from }) };
    const [unpack, ref] = reportOf(await push(url, Buffer.concat([pushHead([command]), bytes])));
    if (unpack !== 'unpack ok') {
      expect(unpack, what).toMatch(/git may hold no more of them at once here|needs more memory/);
      expect(ref, what).toMatch(/^ng /);
      expect(await keysOf(), what).toEqual(before);
      break;
    }
    expect(ref).toBe('ok refs/heads/main');
    if (from !== undefined) {
      const updated = user.at(`${name}-first`);
      await updated.run(['fetch', '--quiet', 'origin', 'main']);
      expect(await updated.run(['rev-parse', 'FETCH_HEAD']), what).toBe(to);
    } else await user.clone(url, `${name}-first`, '--mirror');
    from = to;
    taken++;
  }
  if (fits !== undefined) expect(taken === packs.length, what).toBe(fits);
  if (taken === 0) return taken;
  await user.clone(url, `${name}-shallow`, '--bare', '--depth=1');
  await user.clone(url, `${name}-partial`, '--bare', '--filter=blob:none');
  await app.fold(id);
  const after = await user.clone(url, `${name}-folded`, '--mirror');
  await after.run(['fsck', '--full']);
  expect(await after.oidOf('main'), what).toBe(from);
  return taken;
}

describe(`the memory of git for a pushed repository (seed ${seed}) (issue 11, point 2)`, () => {
  const random = new SeededRandom(seed);
  /** Around the bound. */
  const near = (bound: number) => Math.floor(bound * (0.6 + random.fraction() * 0.6));

  it('is bounded for nested folders, over one push or several', async () => {
    for (let round = 0; round < 5; round++) {
      const levels = 1 + random.below(30);
      const bytes = near(LINKING / levels);
      const pushes = 1 + random.below(4);
      await pushAll(nested(Math.max(levels, 2), bytes, pushes), `${levels} of ${bytes}, ${pushes} pushes`);
    }
  }, 240_000);

  it('is bounded for sibling folders, commits and deltas of files', async () => {
    for (const asDelta of [true, false])
      await pushAll(largeCommit(near(LINKING), asDelta), `commit ${asDelta}`);
    await pushAll(manyFolders(near(LINKING)), 'folders');
    await pushAll(largeFile(near(MEMORY / 3)), 'file');
  }, 240_000);

  it('is not exceeded by folders on which a thin pack depends, so a fetch is not refused', async () => {
    const commands: string[] = [];
    const answered = async () => {
      const metrics = await (await fetch(new URL('/metrics', app.url))).text();
      return metrics
        .split('\n')
        .filter((line) => /^cairn_git_failures_total\{command="upload-pack"\} /.test(line));
    };
    commands.push(...(await answered()));
    await pushAll(newFiles(64, MIB), 'new files');
    // Without this, the test would say nothing: once git has not had enough memory.
    expect(await answered()).not.toEqual(commands);
  }, 240_000);

  it('decides: a repository just below the bound is served, and one just above is refused', async () => {
    const levels = 20;
    const size = Math.floor(LINKING / levels) - 28;
    expect(await pushAll(nested(levels, size, 1), 'within')).toBe(1);
    expect(await pushAll(nested(levels, size + 200, 1), 'above')).toBe(0);
  }, 120_000);
});

/**
 * A pack from a stream is checked, proven, stored and published without a push: what a mirror does with what it has fetched. Whatever
 * is refused leaves nothing, on disk or in the store (issue 12, point 2).
 */
import { spawn } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { zeroId } from '../../src/git/index.ts';
import { Git } from '../../src/git-process/git.ts';
import { ChunkSource } from '../../src/lib/chunk-source.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { emptyState } from '../../src/repository/git/git-manifest.ts';
import { MOST_FOLDERS } from '../../src/repository/intake/bounds/pack-bounds.ts';
import type { RefTarget } from '../../src/repository/intake/connectivity/connectivity.ts';
import { HeightMemory } from '../../src/repository/intake/heights/height-memory.ts';
import type { IntakeContext } from '../../src/repository/intake/intake-context.ts';
import { type PublishPackOptions, publishPack } from '../../src/repository/intake/publish-pack.ts';
import { repositoryId } from '../../src/repository/repository-id.ts';
import { CraftedPack } from '../helpers/craft-pack.ts';
import { FaultyStore } from '../helpers/faulty-store.ts';
import { GitClient } from '../helpers/git-client.ts';
import { type GitServer, startGitServer } from '../helpers/git-server.ts';
import { gitUrl } from '../helpers/identity.ts';
import { Person } from '../helpers/nostr-client.ts';
import { commitObject, objectId, type RawObject, treeObject } from '../helpers/raw-git.ts';
import { childOf, RepositoryRig } from '../helpers/repository-rig.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const MIRROR = { kind: 'mirror', actor: null, evidence: null } as const;
const FILE: RawObject = { type: 'blob', content: Buffer.from('a file\n') };
const owner = new Person();

let folder: TempDir;
let store: FaultyStore;
let server: GitServer;
let rig: RepositoryRig;
let context: IntakeContext;
let git: Git;
let upstream: GitClient;
let [first, second] = ['', ''];
let identifier = '';
let names = 0;

beforeAll(async () => {
  folder = await tempDir('cairn-publish-pack');
  const scratch = join(folder.path, 'scratch');
  await mkdir(scratch);
  store = new FaultyStore(new MemoryObjectStore());
  server = await startGitServer(store);
  rig = new RepositoryRig({ store, folder: join(folder.path, 'cache') });
  git = new Git({ binary: 'git', home: folder.path });
  const limits = {
    packBytes: 2 ** 24,
    objectBytes: 2 ** 20,
    heldBytes: 2 ** 20,
    linkingBytes: 2 ** 20,
    unpackedBytes: 2 ** 34,
  };
  const { artifacts, cache, clock } = rig;
  context = { git, artifacts, cache, clock, scratch, limits, heights: new HeightMemory(1_000) };
  upstream = await new GitClient(folder.path).init('upstream');
  first = await upstream.commit('One', { a: '1\n' });
  second = await upstream.commit('Two', { a: '2\n', 'd/b': '3\n' });
  await upstream.run(['tag', '-a', '-m', 'A tag', 'v1']);
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await git.close();
  await folder[Symbol.asyncDispose]();
});

beforeEach(() => {
  identifier = `mirrored-${++names}`;
});

afterEach(async () => {
  expect(await readdir(context.scratch)).toEqual([]);
});

const id = () => repositoryId(owner.publicKey, identifier);
const repository = () => rig.repositories.get(id());
const url = () => gitUrl(server.url, owner, identifier);

/** Takes in the bytes of a stream, for refs that are to point into them. */
async function publish(
  source: AsyncIterable<Buffer>,
  refs: Readonly<Record<string, string>>,
  options: Partial<PublishPackOptions> = {},
) {
  const targets: RefTarget[] = Object.entries(refs).map(([name, newId]) => ({ name, newId }));
  return publishPack(context, new ChunkSource(source), {
    repository: repository(),
    empty: emptyState(identifier, 'sha1', rig.random.hex(16)),
    targets,
    kind: 'mirror',
    cause: MIRROR,
    signal: new AbortController().signal,
    ...options,
  });
}

/** What `git pack-objects --stdout` writes, as it writes it. */
async function* packed(revisions: readonly string[], ...options: string[]): AsyncGenerator<Buffer> {
  const child = spawn('git', ['pack-objects', '--revs', '--stdout', '-q', ...options], {
    cwd: upstream.folder,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(`${revisions.join('\n')}\n`);
  yield* child.stdout as AsyncIterable<Buffer>;
}

async function* bytes(...chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks;
}

async function whole(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function keys(): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of store.list('')) found.push(key);
  return found;
}

describe('a pack from a stream (issue 12, point 2)', () => {
  it('is published with one call, and cloned by git', async () => {
    const tag = await upstream.oidOf('v1');
    const refs = { 'refs/heads/main': second, 'refs/tags/v1': tag };
    const published = await publish(packed([second, tag]), refs);
    expect(published.outcome).toBe('published');
    const state = await repository().resolve();
    expect(state?.manifest).toMatchObject({
      causes: [{ ...MIRROR, refs: Object.keys(refs) }],
      packs: [{ kind: 'mirror', linked: true }],
    });
    expect(state?.manifest.peeled).toEqual(new Map([['refs/tags/v1', second]]));
    const clone = await new GitClient(folder.path).clone(url(), `${identifier}-clone`, '--mirror');
    await clone.run(['fsck', '--full', '--strict']);
    expect(await clone.run(['for-each-ref', '--format=%(objectname) %(refname)'])).toBe(
      `${second} refs/heads/main\n${tag} refs/tags/v1`,
    );
  });

  it('may build on published objects, and be for deleted and created refs', async () => {
    await publish(packed([first]), { 'refs/heads/main': first, 'refs/heads/old': first });
    const thin = packed([second, `^${first}`], '--thin');
    const refs = { 'refs/heads/main': second, 'refs/heads/old': zeroId('sha1') };
    expect((await publish(thin, refs)).outcome).toBe('published');
    const clone = await new GitClient(folder.path).clone(url(), `${identifier}-clone`, '--mirror');
    await clone.run(['fsck', '--full', '--strict']);
    expect(await clone.run(['for-each-ref', '--format=%(objectname) %(refname)'])).toBe(
      `${second} refs/heads/main`,
    );
  });

  it('is proved again on a state that lacks its bases', async () => {
    await publish(packed([first]), { 'refs/heads/main': first });
    async function* whileAllElseGoes() {
      const state = await rig.repositories.get(id()).resolve();
      if (state === undefined) throw new Error('it is not there');
      await rig.publish(childOf(state, { epoch: '2'.repeat(32), refs: new Map(), packs: [] }), state, id());
      yield* packed([second, `^${first}`], '--thin');
    }
    expect(await publish(whileAllElseGoes(), { 'refs/heads/main': second })).toEqual({
      outcome: 'refused',
      reason: 'objects it builds on were removed meanwhile',
      findings: [],
    });
  });

  it('can be refused by its caller on the state on which it is evaluated', async () => {
    const refused = await publish(
      packed([first]),
      { 'refs/heads/main': first },
      { decide: () => 'not here' },
    );
    expect(refused).toEqual({ outcome: 'refused', reason: 'not here', findings: [] });
    expect(await repository().resolve()).toBeUndefined();
  });
});

describe('a refused pack leaves nothing (issue 12, point 2)', () => {
  /** Folders within each other, one more than are taken. */
  function tooDeep(): RawObject[] {
    const trees = [treeObject('file', objectId(FILE))];
    for (let top = trees[0]; top !== undefined && trees.length <= MOST_FOLDERS; top = trees.at(-1)) {
      trees.push({
        type: 'tree',
        content: Buffer.concat([Buffer.from('40000 d\0'), Buffer.from(objectId(top), 'hex')]),
      });
    }
    return trees;
  }

  async function refusal(source: AsyncIterable<Buffer>, tip: string): Promise<string> {
    const before = await keys();
    const published = await publish(source, { 'refs/heads/main': tip });
    expect(await keys()).toEqual(before);
    expect(await repository().resolve()).toBeUndefined();
    if (published.outcome !== 'refused') throw new Error('it was not refused');
    return published.reason;
  }

  it('if an object is missing', async () => {
    expect(await refusal(packed([second, `^${first}`]), second)).toMatch(/did not receive expected object/);
  });

  it('if the target of a ref is missing', async () => {
    expect(await refusal(packed([first]), second)).toBe(`objects that ${second} needs are missing`);
  });

  it('if it is too deep', async () => {
    const trees = tooDeep();
    const top = trees.at(-1) ?? FILE;
    const commit = commitObject(objectId(top));
    const pack = new CraftedPack().all([commit, ...trees, FILE]).bytes();
    expect(await refusal(bytes(pack), objectId(commit))).toBe(
      `tree ${objectId(top)} is more than ${MOST_FOLDERS} folders deep`,
    );
  });

  it('if it is damaged', async () => {
    const pack = await whole(packed([second]));
    const damaged = Buffer.from(pack);
    damaged[pack.length - 30] = (damaged[pack.length - 30] ?? 0) ^ 1;
    expect(await refusal(bytes(damaged), second)).not.toBe('');
    expect(await refusal(bytes(pack.subarray(0, -10)), second)).not.toBe('');
  });

  it('if its stream breaks off, and the error is thrown', async () => {
    const pack = await whole(packed([second]));
    async function* breaking() {
      yield pack.subarray(0, 100);
      throw new Error('the other side has gone');
    }
    await expect(publish(breaking(), { 'refs/heads/main': second })).rejects.toThrow(
      'the other side has gone',
    );
  });
});

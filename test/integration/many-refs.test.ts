/** A repository of 33,000 refs: what requests cost at the store, and that git sees what it would see of few. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { delimiterPacket, encodePacket, flushPacket, tableOf } from '../../src/git/index.ts';
import { sha256 } from '../../src/lib/digest.ts';
import { readAll } from '../../src/lib/streams.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import type { GitRepository } from '../../src/repository/git/git-repository.ts';
import { repositoryId } from '../../src/repository/repository-id.ts';
import type { App } from '../../src/server/app.ts';
import { FaultyStore } from '../helpers/faulty-store.ts';
import { GitClient } from '../helpers/git-client.ts';
import { branchName, publishManyRefs } from '../helpers/many-refs.ts';
import { fetchFrom, packetsOf, packOf, push, pushHead, reportOf } from '../helpers/raw-git.ts';
import { OWNER, repositoryUrl, startServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const BRANCHES = 30_000;
const TAGS = 3_000;

let folder: TempDir;
let store: FaultyStore;
let app: App;
let author: GitClient;
let url: string;
let repository: GitRepository;

beforeAll(async () => {
  folder = await tempDir('cairn-many-refs');
  store = new FaultyStore(new MemoryObjectStore());
  app = await startServer({ store, overrides: { background: false } });
  author = await new GitClient(folder.path).init('author');
  await author.commit('One', { a: '1\n' });
  await author.run(['tag', '-a', '-m', 'First', 'v0']);
  url = repositoryUrl(app, 'many');
  await author.addRemote(url);
  await author.run(['push', '--quiet', 'origin', 'main', 'v0']);
  repository = app.repositories.get(repositoryId(OWNER, 'many'));
  await publishManyRefs(repository, BRANCHES, TAGS);
});

afterAll(async () => {
  await app.close();
  await folder[Symbol.asyncDispose]();
});

beforeEach(() => store.reset());

/** Bytes of artifacts written since the log was last cleared, by kind. */
async function written(): Promise<Record<string, number>> {
  const sizes: Record<string, number> = {};
  for (const { operation, key } of [...store.log]) {
    if (operation !== 'put' || !key.includes('/artifacts/')) continue;
    const kind = key.split('.').at(-1) ?? '';
    const head = await store.head(key);
    sizes[kind] = (sizes[kind] ?? 0) + (head.found ? head.size : 0);
  }
  return sizes;
}

function reads(kind: string): number {
  return store.log.filter(({ operation, key }) => operation === 'get' && key.endsWith(`.${kind}`)).length;
}

function lsRefs(base: string, ...args: string[]) {
  const lines = ['command=ls-refs\n', 'object-format=sha1'].map((line) => encodePacket(line));
  const body = Buffer.concat([
    ...lines,
    delimiterPacket,
    ...args.map((arg) => encodePacket(arg)),
    flushPacket,
  ]);
  return fetchFrom(base, body, { 'Git-Protocol': 'version=2' });
}

describe('a repository with 33,000 refs', () => {
  it('gets a push of one commit as pack, idx and a small manifest, visible at once', async () => {
    await author.commit('Two', { a: '2\n' });
    store.reset();
    await author.run(['push', '--quiet', 'origin', 'main']);
    const sizes = await written();
    expect(Object.keys(sizes).sort()).toEqual(['idx', 'json', 'pack']);
    expect(sizes['json']).toBeLessThan(100_000);
    const tip = await author.oidOf('main');
    expect(await author.run(['ls-remote', 'origin', 'refs/heads/main'])).toBe(`${tip}\trefs/heads/main`);
  });

  it('creates and deletes branches, and refuses conflicting names', async () => {
    await author.run([
      'push',
      '--quiet',
      'origin',
      'main:refs/heads/new',
      `:${branchName(5)}`,
      `+main:${branchName(6)}`,
    ]);
    expect((await written())['json']).toBeLessThan(100_000);
    const { refs } = (await repository.resolve())?.manifest ?? {};
    expect(refs?.has(branchName(5))).toBe(false);
    expect(refs?.get(branchName(6))).toBe(refs?.get('refs/heads/new'));
    const clash = await author.try([
      'push',
      'origin',
      `main:${branchName(7)}/below`,
      'main:refs/heads/topic',
    ]);
    expect(clash.stderr).toContain('cannot exist beside');
    const last = await author.try(['push', 'origin', ':main']);
    expect(last.stderr).toContain('default branch');
  });

  it('writes only the affected segments for a push of 300 branches', async () => {
    const tip = (await repository.resolve())?.manifest.refs.get('refs/heads/main') ?? '';
    // By hand: git takes minutes to compare so many names with so many refs.
    const commands = Array.from({ length: 300 }, (_, at) => ({ name: `refs/heads/burst/${at}`, to: tip }));
    const report = reportOf(await push(url, [pushHead(commands), packOf([])]));
    expect(report).toEqual(['unpack ok', ...commands.map(({ name }) => `ok ${name}`)]);
    const writes = store.log.filter(({ operation, key }) => operation === 'put' && key.endsWith('.refs'));
    expect(writes.length).toBeGreaterThan(0);
    expect(writes.length).toBeLessThanOrEqual(4);
  });

  it('is loaded by a new server as one segment for one prefix, and as each segment once for all refs', async () => {
    await using cold = await startServer({ store, overrides: { background: false } });
    store.reset();
    const answer = await lsRefs(repositoryUrl(cold, 'many'), `ref-prefix ${branchName(77)}\n`);
    expect(packetsOf(answer.body)).toEqual([expect.stringContaining(branchName(77)), '(flush)']);
    expect([reads('json'), reads('refs'), store.count()]).toEqual([1, 1, 3]);
    const { manifest } = (await repository.resolve()) ?? {};
    const segments = manifest === undefined ? 0 : (tableOf(manifest.refs)?.segments.length ?? 0);
    const all = await lsRefs(repositoryUrl(cold, 'many'), 'peel\n');
    expect(packetsOf(all.body)).toHaveLength((manifest?.refs.size ?? 0) + 2);
    expect(reads('refs')).toBe(segments);
    expect(segments).toBeGreaterThan(8);
  });

  it('has the same refs and peeled tags for git in every protocol', async () => {
    const listed = await Promise.all(
      [0, 1, 2].map((version) => author.run(['-c', `protocol.version=${version}`, 'ls-remote', 'origin'])),
    );
    expect(new Set(listed).size).toBe(1);
    const lines = listed[0]?.split('\n');
    const { refs, peeled } = (await repository.resolve())?.manifest ?? {};
    expect(lines).toHaveLength((refs?.size ?? 0) + (peeled?.size ?? 0) + 1);
    const tag = await author.oidOf('v0');
    expect(lines).toContain(`${tag}\trefs/tags/v123`);
    expect(lines).toContain(`${refs?.get(branchName(0))}\trefs/tags/v123^{}`);
  });

  it('has snapshots in which git finds the refs, and from which it answers fetches', async () => {
    const clone = await new GitClient(folder.path).run([
      'clone',
      '--quiet',
      '--depth',
      '1',
      '--branch',
      branchName(9).slice('refs/heads/'.length),
      url,
      'shallow',
    ]);
    expect(clone).toBe('');
    const state = await repository.resolve();
    if (state === undefined) throw new Error('no repository');
    const snapshot = await repository.snapshot(state);
    try {
      const listing = await author.run([
        '--git-dir',
        snapshot.path,
        'for-each-ref',
        '--format=%(objectname) %(refname)',
      ]);
      const expected = [...state.manifest.refs].map(([name, value]) => `${value} ${name}`).join('\n');
      expect(sha256(listing)).toBe(sha256(expected));
    } finally {
      snapshot.release();
    }
  });

  it('has a manifest of version 2 that names its segments', async () => {
    const state = await repository.resolve();
    const found = await store.get(
      store.log
        .find(({ key }) => key.endsWith('/pointer'))
        ?.key.replace('pointer', `artifacts/${state?.digest}.json`) ?? '',
    );
    if (!found.found) throw new Error('no manifest');
    const manifest = JSON.parse((await readAll(found.body, 1e6)).toString()) as {
      version: number;
      refs: { segments: { digest: string }[] };
    };
    expect(manifest.version).toBe(2);
    expect(manifest.refs.segments.length).toBeGreaterThan(8);
  });
});

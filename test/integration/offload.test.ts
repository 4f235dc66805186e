/** Clients that ask for it are sent to the bucket: real git, a real S3 endpoint, URLs that anybody can read. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodePacket, flushPacket } from '../../src/git/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { createRepository } from '../../src/maintenance/administer.ts';
import { makeBundle } from '../../src/maintenance/bundle.ts';
import type { ObjectStorePair } from '../../src/object-store/object-store.ts';
import { openS3 } from '../../src/object-store/s3/s3.ts';
import { ArtifactStore } from '../../src/repository/artifact-store.ts';
import { artifactKey } from '../../src/repository/keys.ts';
import { type RepositoryId, repositoryId } from '../../src/repository/repository-id.ts';
import type { App } from '../../src/server/app.ts';
import { FaultyStore } from '../helpers/faulty-store.ts';
import { GitClient } from '../helpers/git-client.ts';
import { startR2, type TestBucket } from '../helpers/r2.ts';
import { fetchFrom, packetsOf, send } from '../helpers/raw-git.ts';
import { OWNER, repositoryUrl, startServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const V2 = { 'Git-Protocol': 'version=2' };
const NAME = 'offloaded';
const BUNDLE_URI = Buffer.concat([encodePacket('command=bundle-uri\n'), flushPacket]);

let folder: TempDir;
let bucket: TestBucket;
let pair: ObjectStorePair;
let store: FaultyStore;
let app: App;
let author: GitClient;
let user: GitClient;

beforeAll(async () => {
  folder = await tempDir('cairn-offload');
  bucket = await startR2();
  const { close: _, ...access } = bucket;
  pair = openS3(access);
  store = new FaultyStore(pair.bulk);
  app = await server('both');
  user = new GitClient(folder.path);
  author = await user.init('author');
  await author.commit('Begin', { data: randomBytes(200_000) });
  await author.run(['tag', '-a', '-m', 'One', 'v1']);
  await author.run(['push', '--quiet', repositoryUrl(app, NAME), 'main', 'v1']);
  await app.fold(id(NAME));
});

afterAll(async () => {
  await app.close();
  await Promise.all([pair.bulk.close(), pair.control.close()]);
  await bucket.close();
  await folder[Symbol.asyncDispose]();
});

function server(offload: string, presignGet = pair.presignGet): Promise<App> {
  return startServer({
    store,
    ...(presignGet === undefined ? {} : { presignGet }),
    flags: { store: 's3://test', offload, 's3-endpoint': bucket.endpoint },
    overrides: { background: false },
  });
}

function id(name: string): RepositoryId {
  return repositoryId(OWNER, name);
}

function bundle(name = NAME) {
  const [clock, random, control] = [systemClock, systemRandom, store];
  const artifacts = new ArtifactStore({ stores: { control, bulk: store }, clock, random });
  const signal = new AbortController().signal;
  return makeBundle({ artifacts, control, clock, random, signal }, app.repositories.get(id(name)));
}

async function capabilities(of: App, name = NAME): Promise<string> {
  const answer = await send(`${repositoryUrl(of, name)}/info/refs?service=git-upload-pack`, { headers: V2 });
  return answer.text;
}

/** The answer of `bundle-uri`, by key. */
async function bundleList(of: App, name = NAME): Promise<Record<string, string>> {
  const answer = await fetchFrom(repositoryUrl(of, name), BUNDLE_URI, V2);
  expect(answer.status).toBe(200);
  const lines = packetsOf(answer.body).filter((line) => line.includes('='));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}

/** How many fetches a server has answered in each way. */
async function answers(of: App): Promise<Record<string, number>> {
  const { values } = await of.metrics.fetchAnswers.get();
  const counted = values.filter(({ value }) => value > 0);
  return Object.fromEntries(counted.map(({ labels, value }) => [labels['by'], value]));
}

describe('a bundle', () => {
  it('is made once of a folded pack, and listed for clients that ask', async () => {
    expect(await bundleList(app)).toEqual({});
    const first = await bundle();
    expect(first).toMatchObject({ made: true });
    const again = await bundle();
    expect(again).toMatchObject({ made: false, record: first.record });
    const list = await bundleList(app);
    const key = artifactKey(id(NAME), { ...first.record.bundle, kind: 'bundle' });
    expect(list).toEqual({
      'bundle.version': '1',
      'bundle.mode': 'all',
      'bundle.folded.uri': expect.stringContaining(`/${key}?`),
    });
  });

  it('is a valid bundle for git, with every branch and tag', async () => {
    const { 'bundle.folded.uri': url = '' } = await bundleList(app);
    const file = join(folder.path, 'whole.bundle');
    await writeFile(file, Buffer.from(await (await fetch(url)).arrayBuffer()));
    expect(await user.run(['bundle', 'verify', file], { cwd: author.folder })).toContain('complete history');
    const refs = await author.run(['for-each-ref', '--format=%(objectname) %(refname)']);
    const listed = await user.run(['bundle', 'list-heads', file]);
    expect(listed.split('\n')).toEqual([...refs.split('\n'), `${await author.oidOf('main')} HEAD`]);
    const copy = await user.clone(file, 'of-the-bundle');
    expect(await copy.oidOf('HEAD')).toBe(await author.oidOf('main'));
  });

  it('leaves only later objects to fetch for a clone that starts with it', async () => {
    const url = repositoryUrl(app, 'later');
    await author.run(['push', '--quiet', url, 'main', 'v1']);
    await app.fold(id('later'));
    await bundle('later');
    const work = await user.clone(url, 'later');
    await work.commit('Later', { more: 'later\n' });
    await work.run(['push', '--quiet', url, 'main']);
    const { 'bundle.folded.uri': bundled = '' } = await bundleList(app, 'later');
    const copy = await user.clone(url, 'from-bundle', `--bundle-uri=${bundled}`);
    expect(await copy.oidOf('HEAD')).toBe(await work.oidOf('main'));
    await copy.run(['fsck', '--strict']);
    // 200,000 bytes that no compression makes less are there once, in what came from the bucket.
    const sizes = await copy.run(['count-objects', '-v']);
    expect(sizes).toContain('packs: 2');
    expect(Number(/^size-pack: (\d+)$/m.exec(sizes)?.[1])).toBeLessThan(300);
  });

  it('of a SHA-256 repository names its format', async () => {
    const work = await user.init('sha256', '--object-format=sha256');
    await work.commit('Begin', { a: '1\n' });
    const repository = app.repositories.get(id('long'));
    await createRepository(repository, {
      objectFormat: 'sha256',
      head: 'refs/heads/main',
      random: systemRandom,
    });
    await work.run(['push', '--quiet', repositoryUrl(app, 'long'), 'main']);
    await app.fold(id('long'));
    await bundle('long');
    const { 'bundle.folded.uri': url = '' } = await bundleList(app, 'long');
    const file = join(folder.path, 'long.bundle');
    await writeFile(file, Buffer.from(await (await fetch(url)).arrayBuffer()));
    expect((await readFile(file)).subarray(0, 44).toString()).toMatch(
      /^# v3 git bundle\n@object-format=sha256\n/,
    );
    expect(await work.run(['bundle', 'verify', file])).toContain('complete history');
  });

  it('cannot be made of an unfolded repository', async () => {
    await author.run(['push', '--quiet', repositoryUrl(app, 'unfolded'), 'main']);
    await expect(bundle('unfolded')).rejects.toMatchObject({ kind: 'conflict' });
    await expect(bundle('nothing-there')).rejects.toMatchObject({ kind: 'not-found' });
  });
});

describe('a clone that allows packfile-uris', () => {
  const asking = () => user.with('fetch.uriProtocols=http,https', 'protocol.version=2');

  it('gets the folded pack from the bucket, and nothing from the server', async () => {
    const before = await answers(app);
    const copy = await asking().clone(repositoryUrl(app, NAME), 'from-the-bucket');
    expect(await copy.oidOf('HEAD')).toBe(await author.oidOf('main'));
    await copy.run(['fsck', '--strict']);
    expect((await answers(app))['elsewhere']).toBe((before['elsewhere'] ?? 0) + 1);
  });

  it('passes the checks of a strict client', async () => {
    const before = await answers(app);
    const strict = asking().with(
      'fetch.uriProtocols=http',
      'protocol.version=2',
      'transfer.fsckObjects=true',
    );
    const copy = await strict.clone(repositoryUrl(app, NAME), 'strictly-from-the-bucket');
    await copy.run(['fsck', '--strict']);
    expect((await answers(app))['elsewhere']).toBe((before['elsewhere'] ?? 0) + 1);
  });

  it('gets the pack’s name of git after one small read, and later clones after none', async () => {
    const tips = await author.run(['for-each-ref', '--format=want %(objectname)']);
    const lines = [...new Set(tips.split('\n')), 'ofs-delta', 'packfile-uris https,http', 'done'];
    const request = Buffer.concat([
      encodePacket('command=fetch\n'),
      Buffer.from('0001'),
      ...lines.map((line) => encodePacket(`${line}\n`)),
      flushPacket,
    ]);
    await using cold = await server('packfile-uris');
    await fetchFrom(repositoryUrl(cold, NAME), request, V2);
    store.reset();
    const answer = await fetchFrom(repositoryUrl(cold, NAME), request, V2);
    expect(store.log.filter(({ key }) => key.endsWith('.pack'))).toEqual([]);
    const [title, uri = '', ...rest] = packetsOf(answer.body);
    expect(title).toBe('packfile-uris');
    const [name, url = ''] = uri.split(' ');
    const pack = Buffer.from(await (await fetch(url)).arrayBuffer());
    expect(name).toBe(pack.subarray(-20).toString('hex'));
    expect(rest).toContain('packfile');
    expect(answer.body.length).toBeLessThan(2_000);
  });

  it.each([
    ['less than everything', ['--depth=1']],
    ['without blobs', ['--filter=blob:none', '--no-checkout']],
    ['one branch', ['--single-branch', '--no-tags']],
  ])('of %s is answered by the server', async (what, options) => {
    const before = await answers(app);
    await asking().clone(repositoryUrl(app, NAME), `copy ${what}`, ...options);
    expect((await answers(app))['elsewhere']).toBe(before['elsewhere']);
  });

  it('is answered by the server if the bucket needs another protocol', async () => {
    const before = await answers(app);
    await user.with('fetch.uriProtocols=ftp').clone(repositoryUrl(app, NAME), 'not-by-ftp');
    expect((await answers(app))['elsewhere']).toBe(before['elsewhere']);
  });
});

describe('no URI is offered', () => {
  it('if the operator does not want it', async () => {
    await using plain = await startServer({ store, overrides: { background: false } });
    expect(await capabilities(plain)).not.toMatch(/bundle-uri|packfile-uris/);
    const answer = await fetchFrom(repositoryUrl(plain, NAME), BUNDLE_URI, V2);
    expect(answer.text).toContain("unknown command 'bundle-uri'");
    await using half = await server('bundle-uri');
    expect(await capabilities(half)).toContain('bundle-uri\n');
    expect(await capabilities(half)).not.toContain('packfile-uris');
    await using other = await server('packfile-uris');
    expect(await capabilities(other)).toMatch(/fetch=.* packfile-uris\n/);
    expect(await bundleList(other)).toEqual({});
  });

  it.each([
    ['http://10.0.0.1/pack', 'plain http'],
    ['https://user:secret@example.org/pack', 'a user'],
    ['https://example.org/a pack', 'a space'],
  ])('for %s: an address with %s', async (url) => {
    await using unsafe = await server('both', async () => url);
    expect(await bundleList(unsafe)).toEqual({});
    const copy = await user
      .with('fetch.uriProtocols=http,https')
      .clone(repositoryUrl(unsafe, NAME), `around-${url.length}`);
    expect(await copy.oidOf('HEAD')).toBe(await author.oidOf('main'));
    expect((await answers(unsafe))['elsewhere']).toBeUndefined();
  });

  it('for a private repository', async () => {
    await using cold = await server('both');
    const repository = cold.repositories.get(id(NAME));
    await repository.publisher.join({
      since: 0,
      evaluate: async (state) => {
        if (state === undefined) throw new Error('not there');
        const next = { ...state, policy: { ...state.policy, private: true } };
        const cause = { kind: 'announce', actor: null, evidence: null, refs: [] } as const;
        return { next, cause, result: undefined };
      },
    });
    expect(await capabilities(cold)).not.toMatch(/bundle-uri|packfile-uris/);
    const answer = await fetchFrom(repositoryUrl(cold, NAME), BUNDLE_URI, V2);
    expect(answer.text).not.toContain('bundle.');
  });
});

it('a bundle is made in a temporary folder that the next command removes if its own is killed', async () => {
  const name = 'interrupted';
  await author.run(['push', '--quiet', repositoryUrl(app, name), 'main']);
  await app.fold(id(name));
  const folders = async () => (await readdir(tmpdir())).filter((entry) => entry.startsWith('cairn-bundle-'));
  const before = await folders();
  let made: string[] = [];
  let living: boolean[] = [];
  store.next(({ operation, key }) => operation === 'get' && key.endsWith('.pack'), {
    does: 'run',
    before: async () => {
      made = (await folders()).filter((entry) => !before.includes(entry));
      living = made.map((entry) => existsSync(join(tmpdir(), entry, '.alive')));
    },
  });
  const context = {
    control: store,
    clock: systemClock,
    random: systemRandom,
    signal: new AbortController().signal,
  };
  const artifacts = new ArtifactStore({ stores: { control: store, bulk: store }, ...context });
  await makeBundle({ ...context, artifacts }, app.repositories.get(id(name)));
  expect(living).toEqual([true]);
  expect(await folders()).toEqual(before);
});

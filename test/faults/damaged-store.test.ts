/**
 * Something below a pointer is missing or spoilt. Users are told which artifact, in git's own output; nobody gets an
 * empty or a partial repository; other repositories go on; and once it is repaired, so does this one.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { App } from '../../src/app.ts';
import { readAll } from '../../src/lib/streams.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { artifactKey, pointerKey } from '../../src/repository/keys.ts';
import type { Manifest } from '../../src/repository/manifest.ts';
import { repositoryId } from '../../src/repository/repository-id.ts';
import { FaultyStore } from '../helpers/faulty-store.ts';
import { GitClient } from '../helpers/git-client.ts';
import { PROTOCOL_VERSIONS, speaking } from '../helpers/hosted.ts';
import { OWNER, repositoryUrl, startServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const id = repositoryId(OWNER, 'damaged');

let folder: TempDir;
let author: GitClient;
let bystander: GitClient;
/** The bucket as it was before anything happened to it. */
let sound: ReadonlyMap<string, Buffer>;
let manifest: Manifest;
let manifestKey: string;

let store: FaultyStore;
let app: App;
let names = 0;

beforeAll(async () => {
  folder = await tempDir('cairn-damage');
  const bucket = new MemoryObjectStore();
  const server = await startServer({ store: bucket });
  author = await new GitClient(folder.path).init('author');
  await author.commit('One', { a: 'one\n' });
  await author.run(['push', '--quiet', repositoryUrl(server, id.identifier), 'main']);
  await author.commit('Two', { a: 'two\n' });
  await author.run(['push', '--quiet', repositoryUrl(server, id.identifier), 'main']);
  bystander = await new GitClient(folder.path).init('bystander');
  await bystander.commit('Mine', { b: 'mine\n' });
  await bystander.run(['push', '--quiet', repositoryUrl(server, 'other'), 'main']);
  const state = await server.repositories.get(id).resolve();
  if (state === undefined) throw new Error('nothing was published');
  manifest = state.manifest;
  manifestKey = artifactKey(id, { digest: state.digest, kind: 'json' });
  sound = await contents(bucket);
  await server.close();
  await author.commit('Three', { a: 'three\n' });
});

afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

/** Each test begins with the sound bucket and a server that has seen nothing of it. */
beforeEach(async () => {
  const bucket = new MemoryObjectStore();
  for (const [key, bytes] of sound) await bucket.put(key, bytes, { mode: 'create' });
  store = new FaultyStore(bucket);
  app = await startServer({ store });
  return () => app.close();
});

async function contents(bucket: MemoryObjectStore): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  for await (const { key } of bucket.list('')) found.set(key, await bytesOf(bucket, key));
  return found;
}

async function bytesOf(bucket: MemoryObjectStore | FaultyStore, key: string): Promise<Buffer> {
  const object = await bucket.get(key);
  if (!object.found) throw new Error(`there is no ${key}`);
  return readAll(object.body, 2 ** 30);
}

/** What can happen to a stored object. */
const DAMAGES: readonly (readonly [damage: string, spoil: (bytes: Buffer) => Buffer | undefined])[] = [
  ['is missing', () => undefined],
  [
    'has a flipped bit',
    (bytes) => Buffer.from(bytes.map((byte, at) => (at === bytes.length >> 1 ? byte ^ 1 : byte))),
  ],
  ['is cut short', (bytes) => bytes.subarray(0, bytes.length - 1)],
  ['is empty', () => Buffer.alloc(0)],
  ['is something else of the same length', (bytes) => Buffer.alloc(bytes.length, 'x')],
];

async function damage(key: string, spoil: (bytes: Buffer) => Buffer | undefined): Promise<void> {
  const spoilt = spoil(await bytesOf(store, key));
  if (spoilt === undefined) await store.delete(key);
  else await store.put(key, spoilt, { mode: 'overwrite' });
  store.reset();
}

async function repair(key: string): Promise<void> {
  const bytes = sound.get(key);
  if (bytes === undefined) throw new Error(`there never was ${key}`);
  await store.put(key, bytes, { mode: 'overwrite' });
}

function url(): string {
  return repositoryUrl(app, id.identifier);
}

/** A clone fails, leaves nothing behind and says what is wrong. */
async function expectNoClone(word: string, version: 0 | 1 | 2): Promise<void> {
  const name = `copy-${++names}`;
  const failed = await new GitClient(folder.path, [speaking(version)]).try(['clone', url(), name]);
  expect(failed.exitCode, `protocol v${version}`).not.toBe(0);
  expect(failed.stderr).toContain(word);
  expect(failed.stderr).not.toContain('empty repository');
  expect(existsSync(join(folder.path, name))).toBe(false);
}

async function expectPushRefused(word: string): Promise<void> {
  const refused = await author.try(['push', url(), 'main']);
  expect(refused.exitCode).not.toBe(0);
  expect(refused.stderr).toContain(word);
  expect(store.writes(), 'nothing was written').toBe(0);
}

async function expectOthersWell(): Promise<void> {
  const copy = await new GitClient(folder.path).clone(repositoryUrl(app, 'other'), `other-${++names}`);
  expect(await copy.run(['rev-parse', 'HEAD'])).toBe(await bystander.run(['rev-parse', 'HEAD']));
}

async function expectWell(): Promise<void> {
  const copy = await new GitClient(folder.path).clone(url(), `well-${++names}`);
  expect(await copy.run(['rev-parse', 'HEAD'])).toBe(await author.run(['rev-parse', 'main~1']));
  expect(await copy.run(['fsck', '--full', '--strict'])).toBe('');
  await author.run(['push', '--quiet', url(), 'main']);
}

describe('a manifest', () => {
  it.each(DAMAGES)('that %s is named to everybody who asks', async (_damage, spoil) => {
    await damage(manifestKey, spoil);
    for (const version of PROTOCOL_VERSIONS) await expectNoClone(manifestKey, version);
    const listed = await author.try(['ls-remote', url()]);
    expect(listed.exitCode).not.toBe(0);
    expect(listed.stdout).toBe('');
    expect(listed.stderr).toContain(manifestKey);
    await expectPushRefused(manifestKey);
    await expectOthersWell();
    await repair(manifestKey);
    await expectWell();
  });
});

describe.each(['pack', 'idx'] as const)('a %s', (kind) => {
  it.each(DAMAGES)('that %s is named to everybody who needs it', async (_damage, spoil) => {
    const ref = manifest.packs[0]?.[kind];
    if (ref === undefined) throw new Error('no pack');
    const key = artifactKey(id, { digest: ref.digest, kind });
    await damage(key, spoil);
    expect(await author.run(['ls-remote', url(), 'main']), 'refs are in the manifest').toContain(
      'refs/heads/main',
    );
    for (const version of PROTOCOL_VERSIONS) await expectNoClone(key, version);
    await expectPushRefused(key);
    await expectOthersWell();
    await repair(key);
    await expectWell();
  });
});

describe('a pointer', () => {
  const key = pointerKey(id);

  it.each([
    ['nothing', ''],
    ['nonsense', 'nonsense'],
    ['a digest in upper case', 'A'.repeat(64)],
    ['far too much', 'x'.repeat(10_000)],
  ])('that says %s is named', async (_what, body) => {
    await damage(key, () => Buffer.from(body));
    await expectNoClone(key, 2);
    await expectPushRefused(key);
    await expectOthersWell();
    await repair(key);
    await expectWell();
  });

  it('to a manifest that never was names that one', async () => {
    const digest = '0'.repeat(64);
    await damage(key, () => Buffer.from(digest));
    const absent = artifactKey(id, { digest, kind: 'json' });
    await expectNoClone(absent, 2);
    await expectPushRefused(absent);
    await repair(key);
    await expectWell();
  });
});

describe('a fetch', () => {
  it('of what came in a damaged pack fails, and adds nothing', async () => {
    const copy = await new GitClient(folder.path).clone(url(), `copy-${++names}`);
    await author.run(['push', '--quiet', url(), 'main']);
    const state = await app.repositories.get(id).resolve();
    const ref = state?.manifest.packs.at(-1)?.pack;
    if (ref === undefined) throw new Error('no pack');
    const key = artifactKey(id, { digest: ref.digest, kind: 'pack' });
    await damage(key, (bytes) => Buffer.alloc(bytes.length, 'x'));
    const cold = await startServer({ store });
    await copy.run(['remote', 'set-url', 'origin', repositoryUrl(cold, id.identifier)]);
    const before = await copy.run(['rev-parse', 'origin/main']);
    const failed = await copy.try(['fetch', 'origin']);
    expect(failed.exitCode).not.toBe(0);
    expect(failed.stderr).toContain(key);
    expect(await copy.run(['rev-parse', 'origin/main'])).toBe(before);
    await cold.close();
  });
});

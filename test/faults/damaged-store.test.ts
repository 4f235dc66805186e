/**
 * Somebody has taken or changed what a pointer names: servers that have nothing of it on local disk say which artifact
 * it is, serve everything else, and serve the repository again as soon as it is whole.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { repoList } from '../../src/cli/repository/repo.ts';
import { encodePacket, flushPacket } from '../../src/git/index.ts';
import { readAll } from '../../src/lib/streams.ts';
import { history } from '../../src/maintenance/history.ts';
import { openFileStore } from '../../src/object-store/file/open-file-store.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import type { PackEntry } from '../../src/repository/git/git-manifest.ts';
import { artifactKey, pointerKey } from '../../src/repository/keys.ts';
import { type RepositoryId, repositoryId } from '../../src/repository/repository-id.ts';
import type { App } from '../../src/server/app.ts';
import { FaultyStore, type StoreCall } from '../helpers/faulty-store.ts';
import { GitClient } from '../helpers/git-client.ts';
import { type Link, readChain } from '../helpers/manifest-chain.ts';
import { fetchFrom, send } from '../helpers/raw-git.ts';
import { OWNER, repositoryUrl, startServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

/** A repository of two pushes that no server has in its cache. */
interface Target {
  readonly id: RepositoryId;
  readonly url: string;
  readonly author: GitClient;
  readonly tip: string;
  readonly parent: Link;
  readonly current: Link;
  /** The pack of the second push. */
  readonly entry: PackEntry;
}

let folder: TempDir;
let user: GitClient;
let store: FaultyStore;
let writing: App;
let count = 0;

beforeAll(async () => {
  folder = await tempDir('cairn-damage');
  user = new GitClient(folder.path);
  store = new FaultyStore(new MemoryObjectStore());
  writing = await startServer({ store, overrides: { background: false } });
});
afterEach(() => store.reset());
afterAll(async () => {
  await writing.close();
  await store.close();
  await folder[Symbol.asyncDispose]();
});

/** Pushes a repository through a server other than the one that `reading` is, which is to meet it for the first time. */
async function published(reading: App): Promise<Target> {
  const name = `target-${++count}`;
  const id = repositoryId(OWNER, name);
  const author = await user.init(name);
  const url = repositoryUrl(writing, name);
  // No two targets are alike: a cache that has the artifact of one would have the other's, too.
  await author.commit(`Begin ${name}`, { README: 'first\n', big: 'x'.repeat(5_000) });
  await author.run(['push', '--quiet', url, 'main']);
  const tip = await author.commit(`Go on with ${name}`, { README: 'second\n' });
  await author.run(['push', '--quiet', url, 'main', 'main:topic']);
  await author.commit('Later', { README: 'third\n' });
  const [parent, current] = await readChain({ control: store, bulk: store }, id);
  const entry = current?.manifest.packs[1];
  if (parent === undefined || current === undefined || entry === undefined) throw new Error('two pushes');
  return { id, url: repositoryUrl(reading, name), author, tip, parent, current, entry };
}

async function bytesOf(key: string): Promise<Buffer> {
  const found = await store.get(key);
  if (!found.found) throw new Error(`there is no ${key}`);
  return readAll(found.body, 2 ** 20);
}

/** Changes an object behind Cairn's back, undefined removes it; returns what puts it back. */
async function damage(
  key: string,
  change: (bytes: Buffer) => Buffer | undefined,
): Promise<() => Promise<void>> {
  const whole = await bytesOf(key);
  const changed = change(Buffer.from(whole));
  if (changed === undefined) await store.delete(key);
  else await store.put(key, changed, { mode: 'overwrite' });
  return async () => {
    await store.put(key, whole, { mode: 'overwrite' });
  };
}

async function collect<T>(things: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const thing of things) all.push(thing);
  return all;
}

const removed = () => undefined;
const flipped = (bytes: Buffer) => {
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  return bytes;
};
const longer = (bytes: Buffer) => Buffer.concat([bytes, Buffer.of(0)]);
const shorter = (bytes: Buffer) => bytes.subarray(0, bytes.length - 1);

interface Damage {
  readonly what: string;
  /** What is changed, and how. */
  readonly key: (target: Target) => string;
  readonly change: (bytes: Buffer, target: Target) => Buffer | undefined | Promise<Buffer>;
  /** What a message has to name, when that is not the key. */
  readonly named?: (target: Target) => string;
}

const manifestKey = ({ id }: Target, digest: string) => artifactKey(id, { digest, kind: 'json' });
const current = (target: Target) => manifestKey(target, target.current.digest);
const packKey = ({ id, entry }: Target) => artifactKey(id, { digest: entry.pack.digest, kind: 'pack' });
const idxKey = ({ id, entry }: Target) => artifactKey(id, { digest: entry.idx.digest, kind: 'idx' });
const pointer = ({ id }: Target) => pointerKey(id);
const NOWHERE = 'e'.repeat(64);

/** Without its refs nothing can be said about a repository. */
const REFS_LOST: readonly Damage[] = [
  { what: 'its manifest is missing', key: current, change: removed },
  { what: 'its manifest has a flipped byte', key: current, change: flipped },
  { what: 'its manifest is cut short', key: current, change: shorter },
  {
    what: 'its manifest is replaced by another good one',
    key: current,
    change: (_, target) => bytesOf(manifestKey(target, target.parent.digest)),
  },
  { what: 'its pointer is garbage', key: pointer, change: () => Buffer.from('no digest\n') },
  { what: 'its pointer is empty', key: pointer, change: () => Buffer.alloc(0) },
  {
    what: 'its pointer names a manifest that never was',
    key: pointer,
    change: () => Buffer.from(NOWHERE),
    named: (target) => manifestKey(target, NOWHERE),
  },
];

/** With its refs whole a repository can be listed, and no object of it be had. */
const OBJECTS_LOST: readonly Damage[] = [
  { what: 'a pack is missing', key: packKey, change: removed },
  { what: 'a pack has a flipped byte', key: packKey, change: flipped },
  { what: 'a pack is longer', key: packKey, change: longer },
  { what: 'a pack is cut short', key: packKey, change: shorter },
  { what: 'a pack is empty', key: packKey, change: () => Buffer.alloc(0) },
  { what: 'an idx is missing', key: idxKey, change: removed },
  { what: 'an idx has a flipped byte', key: idxKey, change: flipped },
];

describe('a damaged repository', () => {
  let reading: App;
  let sound: Target;
  beforeAll(async () => {
    reading = await startServer({ store, overrides: { background: false } });
    sound = await published(reading);
  });
  afterAll(() => reading.close());

  async function suffer({ key, change, named = key }: Damage) {
    const target = await published(reading);
    const changed = await change(await bytesOf(key(target)), target);
    const repair = await damage(key(target), () => changed);
    return { target, repair, named: named(target) };
  }

  /** A clone that fails: with this in git's own words, and nothing left that could be taken for a repository. */
  async function failsToClone({ url }: Target, named: string): Promise<void> {
    for (const version of [0, 2]) {
      const copy = `copy-${++count}`;
      const { exitCode, stderr } = await user.with(`protocol.version=${version}`).try(['clone', url, copy]);
      expect(exitCode, stderr).toBe(128);
      expect(stderr).toContain(named);
      expect(stderr).not.toMatch(/empty repository/);
      expect(existsSync(join(folder.path, copy))).toBe(false);
    }
  }

  async function serves(target: Target): Promise<void> {
    const copy = await user.clone(target.url, `copy-${++count}`, '--mirror');
    expect(await copy.run(['fsck', '--full', '--strict'])).toBe('');
    expect(await copy.run(['rev-parse', 'main', 'topic'])).toBe(`${target.tip}\n${target.tip}`);
  }

  it.each(REFS_LOST)('with $what is not read as empty by any command', async (how) => {
    const { target, repair, named } = await suffer(how);

    await failsToClone(target, named);
    const listed = await user.try(['ls-remote', target.url]);
    expect(listed).toMatchObject({ exitCode: 128, stdout: '' });
    expect(listed.stderr).toContain(named);
    const pushed = await target.author.try(['push', target.url, 'main']);
    expect(pushed.exitCode).not.toBe(0);
    expect(pushed.stderr).toContain(named);
    const damages: string[] = [];
    const others = await collect(reading.repositories.list(OWNER, ({ message }) => damages.push(message)));
    expect(damages).toEqual([expect.stringContaining(named)]);
    expect(others.map(({ id }) => id.identifier)).toContain(sound.id.identifier);
    expect(others.map(({ id }) => id.identifier)).not.toContain(target.id.identifier);
    await serves(sound);

    await repair();
    await serves(target);
    await target.author.run(['push', '--quiet', target.url, 'main']);
  });

  it.each(OBJECTS_LOST)('with $what shows its refs, and not its objects', async (how) => {
    const { target, repair, named } = await suffer(how);

    await failsToClone(target, named);
    expect(await user.run(['ls-remote', target.url, 'main'])).toContain(target.tip);
    const pushed = await target.author.try(['push', target.url, 'main']);
    expect(pushed.exitCode).toBe(1);
    expect(pushed.stderr).toContain('! [remote rejected] main -> main');
    expect(pushed.stderr).toContain(named);
    await serves(sound);

    await repair();
    await serves(target);
    await target.author.run(['push', '--quiet', target.url, 'main']);
  });

  it('without an earlier manifest is complete except for its history', async () => {
    const target = await published(reading);
    const key = manifestKey(target, target.parent.digest);
    const repair = await damage(key, removed);

    await serves(target);
    const repository = reading.repositories.get(target.id);
    const state = await repository.resolve();
    if (state === undefined) throw new Error('the repository has gone');
    await expect(collect(history(repository, state))).rejects.toMatchObject({
      kind: 'corrupt',
      message: expect.stringContaining(key),
    });
    await target.author.run(['push', '--quiet', target.url, 'main']);

    await repair();
    const repaired = await repository.resolve();
    if (repaired === undefined) throw new Error('the repository has gone');
    expect(await collect(history(repository, repaired))).toHaveLength(3);
  });
});

describe('a store whose connection breaks', () => {
  it('in the middle of a pack fails the clone, reports no damage, and the next clone succeeds', async () => {
    await using reading = await startServer({ store, overrides: { background: false } });
    const target = await published(reading);
    const isPack = ({ operation, key }: StoreCall) => operation === 'get' && key === packKey(target);
    store.next(isPack, { does: 'break-body', after: 0 }, 3);

    const answer = await fetchFrom(
      target.url,
      Buffer.concat([encodePacket(`want ${target.tip} ofs-delta\n`), flushPacket, encodePacket('done\n')]),
    );
    expect(answer.status).toBe(200);
    expect(answer.text).toMatch(/^[0-9a-f]{4}ERR the object store does not answer/);
    expect(answer.text).not.toContain('damaged');

    const copy = await user.clone(target.url, `copy-${++count}`);
    expect(await copy.oidOf('HEAD')).toBe(target.tip);
  });
});

describe('a store that does not answer', () => {
  it('stops a server from showing its local copy as the current state', async () => {
    await using reading = await startServer({ store, overrides: { background: false } });
    const target = await published(reading);
    const copy = await user.clone(target.url, `copy-${++count}`);
    store.rules.push(() => ({ does: 'unavailable' }));

    for (const service of ['git-upload-pack', 'git-receive-pack']) {
      const refs = await send(`${target.url}/info/refs?service=${service}`);
      expect(refs.status).toBe(503);
      expect(refs.headers['retry-after']).toMatch(/^\d+$/);
      expect(refs.text).toContain('the object store does not answer');
    }
    for (const version of [0, 1, 2]) {
      const listed = await user.with(`protocol.version=${version}`).try(['ls-remote', target.url]);
      expect(listed).toMatchObject({ exitCode: 128, stdout: '' });
      expect(listed.stderr).toContain('the object store does not answer');
    }
    const pulled = await copy.try(['pull']);
    expect(pulled.exitCode).not.toBe(0);
    expect(pulled.stdout).not.toContain('up to date');
    const pushed = await target.author.try(['push', target.url, 'main']);
    expect(pushed.exitCode).not.toBe(0);
    expect(pushed.stderr).toContain('the object store does not answer');

    store.reset();
    expect(await copy.run(['pull'])).toContain('up to date');
    await target.author.run(['push', '--quiet', target.url, 'main']);
    expect(await copy.run(['pull'])).toContain('Fast-forward');
  });
});

describe('`cairn repo list`', () => {
  it('lists every other repository before it reports the damaged ones', async () => {
    await using data = await tempDir('cairn-data');
    const opened = await openFileStore(data.path, { onOwned: 'refuse' });
    const server = await startServer({ store: opened.store, overrides: { background: false } });
    try {
      const author = await user.init('listed');
      await author.commit('Begin', { README: 'first\n' });
      for (const name of ['first', 'second', 'third']) {
        await author.run(['push', '--quiet', repositoryUrl(server, name), 'main']);
      }
      const key = pointerKey(repositoryId(OWNER, 'second'));
      await opened.store.put(key, Buffer.from('no digest'), { mode: 'overwrite' });

      const printed: string[] = [];
      const context = {
        environment: {},
        signal: new AbortController().signal,
        warn: () => undefined,
        print: (line: string) => {
          printed.push(line);
        },
      };
      const listing = repoList(OWNER, { json: true }, { store: `file:${data.path}` }, context);
      await expect(listing).rejects.toMatchObject({ kind: 'corrupt', message: expect.stringContaining(key) });
      const shown = printed.map((line) => JSON.parse(line).identifier);
      expect(shown.sort()).toEqual(['first', 'third']);
    } finally {
      await server.close();
      await opened.close();
    }
  });
});

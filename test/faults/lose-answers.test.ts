/**
 * What a user of git sees when the object store loses answers, comes late, refuses for a moment or does not answer: no
 * push that was published is called failed, none that was not is called published, and when nobody can know, exactly
 * that is said.
 */
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { artifactKey, pointerKey } from '../../src/repository/keys.ts';
import { repositoryId } from '../../src/repository/repository-id.ts';
import type { App } from '../../src/server/app.ts';
import { type Behaviour, FaultyStore, type StoreCall } from '../helpers/faulty-store.ts';
import { GitClient } from '../helpers/git-client.ts';
import { bandsOf, commitObject, objectId, packOf, push, pushHead } from '../helpers/raw-git.ts';
import { OWNER, repositoryUrl, startServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const UNKNOWN = 'the object store did not answer; this push may or may not have happened, fetch to see';
const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

const isPointer = (call: StoreCall) => call.key.endsWith('/pointer');
const isPointerPut = (call: StoreCall) => call.operation === 'put' && isPointer(call);
const isPointerGet = (call: StoreCall) => call.operation === 'get' && isPointer(call);

let folder: TempDir;
let memory: MemoryObjectStore;
let store: FaultyStore;
let app: App;
let other: App;
let names = 0;

beforeAll(async () => {
  folder = await tempDir('cairn-faults');
  memory = new MemoryObjectStore();
  store = new FaultyStore(memory);
  const flags = { 'swap-patience': '1' };
  app = await startServer({ store, flags, overrides: { background: false } });
  // A second server that has no trouble.
  other = await startServer({ store: memory, overrides: { background: false } });
});

afterAll(async () => {
  await app.close();
  await other.close();
  await folder[Symbol.asyncDispose]();
});

afterEach(async () => {
  await store.applyLate();
  store.reset();
});

interface Place {
  readonly url: string;
  /** The same repository at the server without trouble. */
  readonly otherUrl: string;
  readonly author: GitClient;
  readonly pointer: string;
  /** What everybody else sees of `main`. */
  readonly main: () => Promise<string>;
}

/** A repository nobody has pushed to yet, or one with `main` published and a commit more ready to be pushed. */
async function place(kind: 'new' | 'published'): Promise<Place> {
  const name = `place-${++names}`;
  const author = await new GitClient(folder.path).init(name);
  const url = repositoryUrl(app, name);
  const otherUrl = repositoryUrl(other, name);
  await author.addRemote(url);
  await author.commit('One', { a: `${name}\n` });
  if (kind === 'published') {
    await author.run(['push', '--quiet', 'origin', 'main']);
    await author.commit('Two', { a: `${name} again\n` });
  }
  store.reset();
  const main = async () => {
    const { stdout } = await author.try(['ls-remote', otherUrl, 'refs/heads/main']);
    return stdout.split('\t')[0] ?? '';
  };
  return { url, otherUrl, author, main, pointer: pointerKey(repositoryId(OWNER, name)) };
}

async function expectWhole({ otherUrl, author }: Place): Promise<void> {
  const copy = await new GitClient(folder.path).clone(otherUrl, `copy-${++names}`, '--bare');
  expect(await copy.run(['fsck', '--full', '--strict'])).toBe('');
  expect(await copy.oidOf('main')).toBe(await author.oidOf('main'));
}

const FATES: readonly (readonly [fate: string, behaviour: Behaviour])[] = [
  ['is applied and its answer lost', { does: 'lose-reply-applied' }],
  ['is lost', { does: 'lose-reply-not-applied' }],
  ['is applied before the read-back', { does: 'apply-late', after: 1 }],
  ['is applied only after the read-back', { does: 'apply-late', after: 2 }],
  ['is applied and answered 412', { does: 'refuse-after-applying' }],
  ['meets a 409', { does: 'conflict' }],
  ['meets a 404', { does: 'missing' }],
  ['is throttled', { does: 'throttle' }],
  ['is refused for certain', { does: 'unavailable' }],
];

describe.each(['new', 'published'] as const)('a push to a %s repository', (kind) => {
  it.each(FATES)('succeeds if the swap %s', async (_fate, behaviour) => {
    const here = await place(kind);
    store.next(isPointerPut, behaviour);
    const pushed = await here.author.try(['push', 'origin', 'main']);
    expect(pushed.stderr).toContain('main -> main');
    expect(pushed.exitCode).toBe(0);
    await store.applyLate();
    await expectWhole(here);
  });
});

describe('a push', () => {
  it.each(FATES)('is refused if the swap %s, and another server was first', async (_fate, behaviour) => {
    const here = await place('published');
    const rival = await new GitClient(folder.path).init(`rival-${++names}`);
    await rival.run(['pull', '--quiet', here.otherUrl, 'main']);
    const won = await rival.commit('Mine', { b: 'mine\n' });
    let behind = false;
    store.rules.push((call) => {
      if (!isPointerPut(call) || behind) return undefined;
      behind = true;
      return {
        does: 'run',
        before: async () => {
          await rival.run(['push', '--quiet', here.otherUrl, 'main']);
        },
        // It can only fail, and what becomes of the answer is the question.
        afterwards: behaviour,
      };
    });
    store.next(isPointerPut, behaviour);
    store.next(isPointerGet, { does: 'delay', milliseconds: 5 });
    const pushed = await here.author.try(['push', 'origin', 'main']);
    expect(pushed.exitCode).not.toBe(0);
    expect(pushed.stderr).toMatch(/! \[remote rejected\] main -> main \(.*fetch first\)/);
    await store.applyLate();
    expect(await here.main()).toBe(won);
  });

  it.each(FATES)('succeeds if the first write of each of its artifacts %s', async (_fate, behaviour) => {
    const here = await place('new');
    for (const ending of ['.pack', '.idx', '.json']) {
      store.next((call) => call.operation === 'put' && call.key.endsWith(ending), behaviour);
    }
    await here.author.run(['push', '--quiet', 'origin', 'main']);
    await expectWhole(here);
  });

  it.each(['.pack', '.json'])('fails with a reason if the store never accepts its %s', async (ending) => {
    const here = await place('published');
    const before = await here.main();
    store.rules.push((call) =>
      call.operation === 'put' && call.key.endsWith(ending) ? { does: 'throttle' } : undefined,
    );
    const pushed = await here.author.try(['push', 'origin', 'main']);
    expect(pushed.exitCode).not.toBe(0);
    expect(pushed.stderr).toMatch(
      new RegExp(`remote rejected.*object store did not accept [0-9a-f]{64}\\${ending}`),
    );
    store.reset();
    expect(await here.main()).toBe(before);
    await here.author.run(['push', '--quiet', 'origin', 'main']);
    await expectWhole(here);
  });

  it('is reported to have changed nothing if the store certainly refuses every swap', async () => {
    const here = await place('published');
    const before = await here.main();
    store.rules.push((call) => (isPointerPut(call) ? { does: 'unavailable' } : undefined));
    const pushed = await here.author.try(['push', 'origin', 'main']);
    expect(pushed.exitCode).not.toBe(0);
    expect(pushed.stderr).toMatch(/remote rejected.*nothing was changed/);
    store.reset();
    expect(await here.main()).toBe(before);
    await here.author.run(['push', '--quiet', 'origin', 'main']);
  });

  it.each([true, false])(
    'is reported as unknown if nobody can know the result (published: %s)',
    async (applied) => {
      const here = await place('published');
      const before = await here.main();
      const does = applied ? 'lose-reply-applied' : 'lose-reply-not-applied';
      store.next(isPointerPut, { does });
      store.rules.push((call) => {
        if (isPointerPut(call)) return { does: 'throttle' };
        return isPointerGet(call) && store.log.some((entry) => isPut(entry))
          ? { does: 'unavailable' }
          : undefined;
      });
      const pushed = await here.author.try(['push', 'origin', 'main']);
      expect(pushed.exitCode).not.toBe(0);
      expect(pushed.stderr).toContain(UNKNOWN);
      expect(pushed.stderr).not.toContain('rejected');
      store.reset();
      const tip = await here.author.oidOf('main');
      expect(await here.main(), 'fetching shows it').toBe(applied ? tip : before);
      await here.author.run(['push', '--quiet', 'origin', 'main']);
      await expectWhole(here);
    },
  );

  it('with an unknown result does no harm if it is applied later', async () => {
    const here = await place('published');
    store.rules.push((call) => {
      if (isPointerPut(call)) return { does: 'apply-late' };
      return isPointerGet(call) && store.log.some((entry) => isPut(entry))
        ? { does: 'unavailable' }
        : undefined;
    });
    const pushed = await here.author.try(['push', 'origin', 'main']);
    expect(pushed.stderr).toContain(UNKNOWN);
    store.reset();
    await store.applyLate();
    await expectWhole(here);
    await here.author.commit('Three', { a: 'three\n' });
    await here.author.run(['push', '--quiet', 'origin', 'main']);
    await expectWhole(here);
  });
});

function isPut(entry: { readonly operation: string; readonly key: string }): boolean {
  return entry.operation === 'put' && entry.key.endsWith('/pointer');
}

describe('an unknown result', () => {
  it('is reported on band 3, without a report', async () => {
    const here = await place('new');
    const commit = commitObject(EMPTY_TREE);
    const head = pushHead([{ name: 'refs/heads/main', to: objectId(commit) }], {
      capabilities: 'report-status side-band-64k',
    });
    store.rules.push((call) => (isPointerPut(call) ? { does: 'throttle' } : undefined));
    const tree = { type: 'tree', content: Buffer.alloc(0) } as const;
    const answer = await push(here.url, Buffer.concat([head, packOf([commit, tree])]));
    expect(answer.status).toBe(200);
    const { data, fatal } = bandsOf(answer.body);
    expect(data).toHaveLength(0);
    expect(fatal).toBe(`${UNKNOWN}\n`);
  });

  it('is reported without a report to a client without side-band', async () => {
    const here = await place('new');
    const commit = commitObject(EMPTY_TREE);
    const head = pushHead([{ name: 'refs/heads/main', to: objectId(commit) }], {
      capabilities: 'report-status',
    });
    store.rules.push((call) => (isPointerPut(call) ? { does: 'throttle' } : undefined));
    const tree = { type: 'tree', content: Buffer.alloc(0) } as const;
    const answer = await push(here.url, Buffer.concat([head, packOf([commit, tree])]));
    expect(answer.body).toHaveLength(0);
  });
});

describe('a store that does not answer at all', () => {
  it('is not hidden by cached states, and everything works after it is back', async () => {
    const here = await place('published');
    const copy = await new GitClient(folder.path).clone(here.url, `copy-${++names}`);
    store.rules.push(() => ({ does: 'unavailable' }));
    for (const command of [
      ['ls-remote', here.url],
      ['fetch', here.url],
      ['clone', here.url, join(folder.path, 'never')],
      ['push', here.url, 'main:other'],
    ]) {
      const failed = await copy.try(command);
      expect(failed.exitCode, command[0]).not.toBe(0);
      expect(failed.stderr, command[0]).toMatch(/503|does not answer/);
      expect(failed.stdout).toBe('');
    }
    store.reset();
    await copy.run(['fetch', '--quiet', here.url]);
    await here.author.run(['push', '--quiet', 'origin', 'main']);
    await expectWhole(here);
  });

  it('in the middle of a download causes a clear error, and the next attempt succeeds', async () => {
    const here = await place('published');
    const manifest = (await other.repositories.get(repositoryId(OWNER, `place-${names}`)).resolve())
      ?.manifest;
    const digest = manifest?.packs[0]?.pack.digest;
    if (digest === undefined) throw new Error('no pack');
    const cold = await startServer({ store, overrides: { background: false } });
    const key = artifactKey(repositoryId(OWNER, `place-${names}`), { digest, kind: 'pack' });
    const url = repositoryUrl(cold, `place-${names}`);
    store.next((call) => call.key === key, { does: 'break-body', after: 0 }, 3);
    const failed = await here.author.try(['clone', url, join(folder.path, 'broken')]);
    expect(failed.exitCode).not.toBe(0);
    expect(failed.stderr).toContain('fatal: remote error: the object store does not answer');
    await here.author.run(['clone', '--quiet', url, join(folder.path, `whole-${++names}`)]);
    await cold.close();
  });
});

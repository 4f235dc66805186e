/** Repositories are brought in without a push, by what a source sends (issue 13, point 3). */
import { appendFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { changedRefs } from '../../src/git/index.ts';
import { wholeScope } from '../../src/mirror/plan/ref-scope.ts';
import type { Source } from '../../src/mirror/remote/source.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import type { GitState } from '../../src/repository/git/git-manifest.ts';
import type { GitRepository } from '../../src/repository/git/git-repository.ts';
import { repositoryId } from '../../src/repository/repository-id.ts';
import { FaultyStore } from '../helpers/faulty-store.ts';
import { GitClient } from '../helpers/git-client.ts';
import { type GitServer, startGitServer } from '../helpers/git-server.ts';
import { gitUrl } from '../helpers/identity.ts';
import { BRANCHES_AND_TAGS, ImportRig, openSource, SYNC } from '../helpers/import-rig.ts';
import { Person } from '../helpers/nostr-client.ts';

const REPLICATE = { mode: 'replicate', force: false, prune: true } as const;
const owner = new Person();

let rig: ImportRig;
let server: GitServer;
let users: GitClient;
let identifier = '';
let count = 0;

beforeAll(async () => {
  const store = new FaultyStore(new MemoryObjectStore());
  rig = await ImportRig.open(store);
  server = await startGitServer(store);
  users = new GitClient(rig.folder);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rig[Symbol.asyncDispose]();
});
beforeEach(() => {
  identifier = `imported-${++count}`;
});
afterEach(async () => {
  expect(await readdir(rig.context.scratch)).toEqual([]);
});

const repository = (): GitRepository => rig.rig.repositories.get(repositoryId(owner.publicKey, identifier));
const manifest = async () => (await repository().resolve())?.manifest;

/** A repository with a branch, a merged one, and an annotated tag. */
async function upstream(format = 'sha1'): Promise<GitClient> {
  const work = await users.init(`upstream-${count}`, `--object-format=${format}`);
  await work.commit('One', { a: '1\n' });
  await work.run(['checkout', '-q', '-b', 'side']);
  await work.commit('Side', { 'd/b': '2\n' });
  await work.run(['checkout', '-q', 'main']);
  await work.commit('Two', { a: '2\n' });
  await work.run(['merge', '-q', '--no-ff', '-m', 'Merge', 'side']);
  await work.run(['tag', '-a', '-m', 'A tag', 'v1']);
  await work.run(['tag', 'light', 'side']);
  return work;
}

const refsOf = (git: GitClient) =>
  git.run(['for-each-ref', '--format=%(objectname) %(refname) %(*objectname)']);

/** What git sees in what was imported. */
async function cloned(): Promise<GitClient> {
  const clone = await users.clone(
    gitUrl(server.url, owner, identifier),
    `${identifier}-clone-${++count}`,
    '--mirror',
  );
  await clone.run(['fsck', '--full', '--strict']);
  return clone;
}

describe('an import into a new repository', () => {
  it.each(['sha1', 'sha256'])('publishes refs, tags and HEAD of a %s source at once', async (format) => {
    const work = await upstream(format);
    await work.run(['branch', '-m', 'main', 'trunk']);
    const result = await rig.import(repository(), work.folder);
    expect(result).toMatchObject({ outcome: 'ok', problem: undefined, packs: 1, attempts: 1 });
    expect(result.refs.map(({ target, action }) => `${action} ${target}`)).toEqual([
      'create refs/heads/trunk',
      'create refs/heads/side',
      'create refs/tags/light',
      'create refs/tags/v1',
    ]);
    const state = await manifest();
    expect(state).toMatchObject({
      depth: 0,
      head: 'refs/heads/trunk',
      objectFormat: format,
      lifecycle: 'live',
      causes: [{ kind: 'mirror', actor: null, evidence: null }],
      packs: [{ kind: 'mirror', linked: true }],
    });
    expect(state?.peeled.get('refs/tags/v1')).toBe(await work.oidOf('trunk'));
    expect(await refsOf(await cloned())).toBe(await refsOf(work));
  });

  it('accepts sources of protocol version 0', async () => {
    const work = await upstream();
    const result = await rig.import(repository(), await openSource(work.folder, BRANCHES_AND_TAGS, 0));
    expect(result.outcome).toBe('ok');
    expect(await refsOf(await cloned())).toBe(await refsOf(work));
  });

  it('names a branch whose name is not UTF-8, of a repository and of a bundle, and leaves it out only on request', async () => {
    const work = await upstream();
    const line = Buffer.concat([
      Buffer.from(`${await work.oidOf('main')} refs/heads/caf`),
      Buffer.of(0xe9, 0x0a),
    ]);
    await appendFile(join(work.folder, '.git/packed-refs'), line);
    await work.run(['bundle', 'create', '--quiet', 'all.bundle', '--all']);
    for (const source of [work.folder, join(work.folder, 'all.bundle')]) {
      const refused = await rig.import(repository(), source);
      expect(refused).toMatchObject({ outcome: 'blocked', problem: expect.stringContaining('is not UTF-8') });
      expect(await repository().resolve()).toBeUndefined();
    }
    const others = { scope: { ...BRANCHES_AND_TAGS, excludedPrefixes: ['refs/heads/caf'] } };
    expect(await rig.import(repository(), work.folder, others)).toMatchObject({ outcome: 'ok' });
    const again = await rig.import(repository(), join(work.folder, 'all.bundle'), others);
    expect(again).toMatchObject({ outcome: 'ok', packs: 0 });
    expect((await manifest())?.refs.size).toBe(4);
  });

  it('blocks a branch whose name clients cannot keep as a file, in a new repository and later', async () => {
    const work = await upstream();
    const long = `refs/heads/${'x'.repeat(251)}`;
    const blocked = {
      outcome: 'blocked',
      refs: expect.arrayContaining([
        expect.objectContaining({ target: long, reason: expect.stringContaining('longer than 250 bytes') }),
      ]),
    };
    const line = `${await work.oidOf('main')} ${long}\n`;
    const packed = join(work.folder, '.git/packed-refs');
    await appendFile(packed, line);
    expect(await rig.import(repository(), work.folder)).toMatchObject(blocked);
    expect(await repository().resolve()).toBeUndefined();
    await writeFile(packed, '');
    expect(await rig.import(repository(), work.folder)).toMatchObject({ outcome: 'ok' });
    await appendFile(packed, line);
    expect(await rig.import(repository(), work.folder)).toMatchObject(blocked);
  });

  it('of a shallow source is refused with the likely cause', async () => {
    const work = await upstream();
    const shallow = await users.clone(`file://${work.folder}`, `shallow-${count}`, '--bare', '--depth=1');
    expect(await rig.import(repository(), shallow.folder)).toMatchObject({
      outcome: 'blocked',
      problem: expect.stringMatching(
        /did not receive expected object .*: is it a shallow or partial clone\?/,
      ),
    });
  });

  it('creates no repository for a plan, without permission, or for an empty source', async () => {
    const work = await upstream();
    const planned = await rig.import(repository(), work.folder, { dryRun: true });
    expect(planned).toMatchObject({ outcome: 'ok', packs: 0, published: undefined });
    expect(planned.refs[0]).toMatchObject({ action: 'create', strategy: 'import' });
    const none = await rig.import(repository(), work.folder, { create: false });
    expect(none).toMatchObject({
      outcome: 'configuration',
      problem: expect.stringContaining('no repository'),
    });
    const empty = await users.init(`empty-${count}`);
    expect(await rig.import(repository(), empty.folder)).toMatchObject({ outcome: 'configuration' });
    expect(await repository().resolve()).toBeUndefined();
  });
});

describe('an import into a repository that exists', () => {
  it('fetches only new objects, and does nothing if there are none', async () => {
    const work = await upstream();
    await rig.import(repository(), work.folder);
    const before = await repository().resolve();
    expect(await rig.import(repository(), work.folder)).toMatchObject({
      outcome: 'ok',
      packs: 0,
      published: undefined,
    });
    expect((await repository().resolve())?.digest).toBe(before?.digest);
    await work.commit('Three', { a: '3\n' });
    const result = await rig.import(repository(), work.folder);
    expect(result).toMatchObject({ outcome: 'ok', objects: 3, packs: 1, published: { depth: 1 } });
    expect(await refsOf(await cloned())).toBe(await refsOf(work));
  });

  it('indexes each pack once, and reads the store once if nothing is new', async () => {
    const work = await upstream();
    const run = async (force: boolean) => {
      rig.commands.length = 0;
      rig.rig.store.log.length = 0;
      const result = await rig.import(repository(), work.folder, { policy: { ...SYNC, force } });
      expect(result.outcome).toBe('ok');
      return [...rig.commands];
    };
    expect((await run(false)).filter((name) => name === 'index-pack')).toHaveLength(1);
    expect(await run(false)).toEqual([]);
    expect(rig.rig.store.log).toHaveLength(1);
    await work.commit('Three', { a: '3\n' });
    expect(await run(true)).toEqual(['index-pack']);
  });

  it('blocks diverged refs, and overwrites them on request', async () => {
    const work = await upstream();
    await rig.import(repository(), work.folder);
    await work.run(['commit', '--amend', '-q', '-m', 'Another merge']);
    await work.run(['tag', '-f', 'light', 'main']);
    const blocked = await rig.import(repository(), work.folder);
    expect(blocked).toMatchObject({ outcome: 'blocked', published: undefined });
    const reasons = Object.fromEntries(
      blocked.refs.map(({ target, action, reason }) => [target, `${action}: ${reason}`]),
    );
    expect(reasons['refs/heads/main']).toMatch(/^block: the target has diverged/);
    expect(reasons['refs/tags/light']).toMatch(/^block: the tag differs/);
    const forced = await rig.import(repository(), work.folder, { policy: { ...SYNC, force: true } });
    expect(forced.outcome).toBe('ok');
    expect(await refsOf(await cloned())).toBe(await refsOf(work));
  });

  it('compares commits of a bundle after reading it, even of one without the beginning of a history', async () => {
    const work = await upstream();
    const bundle = async (...revisions: string[]) => {
      const path = join(rig.folder, `${identifier}-${++count}.bundle`);
      await work.run(['bundle', 'create', '-q', path, ...revisions]);
      return path;
    };
    expect((await rig.import(repository(), await bundle('--all'))).outcome).toBe('ok');
    await work.commit('Three', { a: '3\n' });
    const result = await rig.import(repository(), await bundle('main~1..main'));
    expect(result).toMatchObject({ outcome: 'ok', attempts: 1, objects: 3 });
    await work.run(['checkout', '-q', 'side']);
    await work.commit('Side two', { b: '2\n' });
    await work.run(['checkout', '-q', 'main']);
    await work.run(['commit', '--amend', '-q', '-m', 'Another three']);
    const part = await bundle('main~1..main', 'side~1..side');
    const blocked = await rig.import(repository(), part);
    expect(blocked).toMatchObject({ outcome: 'blocked', attempts: 2, published: undefined });
    const reason = blocked.refs.find(({ target }) => target === 'refs/heads/main')?.reason;
    expect(reason).toMatch(/^the target has diverged/);
    expect((await rig.import(repository(), part, { bestEffort: true })).outcome).toBe('partial');
    expect((await rig.import(repository(), part, { policy: { ...SYNC, force: true } })).outcome).toBe('ok');
    expect(await refsOf(await cloned())).toBe(await refsOf(work));
  });

  it('compares published commits without the source, and reports that a branch was set back', async () => {
    const work = await upstream();
    await work.run(['branch', 'release', 'main~1']);
    await rig.import(repository(), work.folder);
    await work.run(['branch', '-f', 'release', 'main']);
    await work.run(['branch', '-f', 'side', 'main~1']);
    const source = await openSource(work.folder);
    const counting = counted(source);
    const result = await rig.import(repository(), counting.source, { bestEffort: true });
    expect(counting.fetches()).toBe(0);
    const actions = Object.fromEntries(result.refs.map(({ target, action }) => [target, action]));
    expect(actions).toMatchObject({ 'refs/heads/release': 'update', 'refs/heads/side': 'block' });
    expect(result.outcome).toBe('partial');
  });

  it('makes the repository equal to the source, with its default branch', async () => {
    const work = await upstream();
    await rig.import(repository(), work.folder);
    await work.run(['checkout', '-q', '-b', 'next']);
    await work.run(['branch', '-q', '-D', 'main']);
    await work.run(['tag', '-d', 'light']);
    const result = await rig.import(repository(), work.folder, { policy: REPLICATE });
    expect(result.outcome).toBe('ok');
    expect((await manifest())?.head).toBe('refs/heads/next');
    expect(await refsOf(await cloned())).toBe(await refsOf(work));
    await work.run(['checkout', '-q', 'side']);
    expect((await rig.import(repository(), work.folder, { policy: REPLICATE })).outcome).toBe('ok');
    expect((await manifest())?.head).toBe('refs/heads/side');
  });

  it('puts refs into a folder of their own, and leaves the others unchanged', async () => {
    const work = await upstream();
    await rig.import(repository(), work.folder);
    await work.run(['branch', '-D', 'side']);
    await work.commit('Three', { a: '3\n' });
    const into = 'refs/mirrors/elsewhere/';
    const before = (await manifest())?.refs;
    const result = await rig.import(repository(), work.folder, {
      policy: REPLICATE,
      into,
      forbids: () => undefined,
    });
    expect(result.outcome).toBe('ok');
    await work.run(['tag', '-d', 'v1']);
    expect((await rig.import(repository(), work.folder, { policy: REPLICATE, into })).outcome).toBe('ok');
    const state = await manifest();
    expect([...(state?.refs.keys() ?? [])]).toEqual([
      'refs/heads/main',
      'refs/heads/side',
      `${into}heads/main`,
      `${into}tags/light`,
      'refs/tags/light',
      'refs/tags/v1',
    ]);
    for (const [name, oid] of before ?? []) expect(state?.refs.get(name)).toBe(oid);
    expect(state?.refs.get(`${into}heads/main`)).toBe(await work.oidOf('main'));
  });

  it('leaves refs of pull mirrors and of this server unchanged', async () => {
    const work = await upstream();
    await work.run(['update-ref', `refs/nostr/${'a'.repeat(64)}`, 'main']);
    await rig.import(repository(), work.folder, { scope: { ...wholeScope, allRefs: true } });
    expect(
      [...((await manifest())?.refs.keys() ?? [])].filter((name) => name.startsWith('refs/nostr/')),
    ).toEqual([]);
    const named = { id: '0'.repeat(16), name: 'up', refs: 'follow' } as const;
    await change((state) => ({ ...state, mirrors: [named] }));
    await work.commit('Three', { a: '3\n' });
    const blocked = await rig.import(repository(), work.folder);
    expect(blocked.outcome).toBe('blocked');
    expect(blocked.refs.find(({ action }) => action === 'block')?.reason).toMatch(/^mirrored: /);
    expect((await rig.import(repository(), work.folder, { forbids: () => undefined })).outcome).toBe('ok');
  });
});

/** Publishes a change, as somebody else. */
async function change(to: (state: GitState) => GitState): Promise<void> {
  await repository().publisher.join({
    since: 0,
    evaluate: async (current) => {
      if (current === undefined) throw new Error('there is no repository');
      return {
        next: to(current),
        cause: { kind: 'push', actor: null, evidence: null, refs: [] },
        result: undefined,
      };
    },
  });
}

/** A source that does something before it sends a pack, and counts packs. */
function counted(source: Source, before: (fetch: number) => Promise<void> = async () => undefined) {
  let fetches = 0;
  const counting: Source = {
    get listing() {
      return source.listing;
    },
    relist: (signal) => source.relist(signal),
    fetch: async (request, options) => {
      fetches += 1;
      await before(fetches);
      return source.fetch(request, options);
    },
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
  return { source: counting, fetches: () => fetches };
}

describe('an import during other changes', () => {
  it('keeps pushed refs in the same publish', async () => {
    const work = await upstream();
    await rig.import(repository(), work.folder);
    await work.commit('Three', { a: '3\n' });
    const side = await work.oidOf('side');
    const { source } = counted(await openSource(work.folder), () =>
      change((state) => ({ ...state, ...changedRefs(state, [{ name: 'refs/heads/mine', oid: side }]) })),
    );
    expect(await rig.import(repository(), source)).toMatchObject({ outcome: 'ok', attempts: 1 });
    expect((await manifest())?.refs.get('refs/heads/mine')).toBe(side);
  });

  it('plans again if a ref has moved, and reports it if that happens repeatedly', async () => {
    const work = await upstream();
    await rig.import(repository(), work.folder);
    await work.commit('Three', { a: '3\n' });
    const [one, two] = [await work.oidOf('side'), await work.run(['rev-parse', 'main~2'])];
    const move = (oid: string) =>
      change((state) => ({ ...state, ...changedRefs(state, [{ name: 'refs/heads/main', oid }]) }));
    const once = counted(await openSource(work.folder), (fetch) =>
      fetch === 1 ? Promise.resolve() : move(two),
    );
    const result = await rig.import(repository(), once.source);
    expect(result).toMatchObject({ outcome: 'ok', attempts: 2 });
    expect((await manifest())?.refs.get('refs/heads/main')).toBe(await work.oidOf('main'));
    await work.commit('Four', { a: '4\n' });
    const always = counted(await openSource(work.folder), (fetch) => move(fetch % 2 === 0 ? one : two));
    const moved = await rig.import(repository(), always.source, { policy: { ...SYNC, force: true } });
    expect(moved).toMatchObject({ outcome: 'moved', attempts: 5 });
  });

  it('plans again if the source has changed and lacks listed refs', async () => {
    const work = await upstream();
    const { source } = counted(await openSource(work.folder, BRANCHES_AND_TAGS, 0), async (fetch) => {
      if (fetch > 1) return;
      await work.run(['commit', '--amend', '-q', '-m', 'Another']);
      await work.run(['tag', '-d', 'v1']);
      await work.run(['reflog', 'expire', '--expire=all', '--all']);
      await work.run(['gc', '-q', '--prune=now']);
    });
    // The conversation of version 0 that has listed the refs is over: another one tells that they are gone.
    await source.relist(new AbortController().signal);
    const result = await rig.import(repository(), source);
    expect(result.outcome).toBe('ok');
    expect(await refsOf(await cloned())).toBe(await refsOf(work));
  });

  it('deletes nothing if the source has no refs', async () => {
    const work = await upstream();
    await rig.import(repository(), work.folder);
    const empty = await users.init(`emptied-${count}`);
    const result = await rig.import(repository(), empty.folder, { policy: REPLICATE });
    expect(result).toMatchObject({
      outcome: 'blocked',
      problem: expect.stringContaining('nothing is deleted'),
    });
  });
});

it('an import makes a held repository live, and refuses a branch that is not a commit', async () => {
  const work = await upstream();
  await rig.import(repository(), work.folder);
  await change((state) => ({ ...state, lifecycle: 'held' }));
  await work.commit('Three', { a: '3\n' });
  expect((await rig.import(repository(), work.folder)).outcome).toBe('ok');
  expect((await manifest())?.lifecycle).toBe('live');
  const tag = await work.oidOf('v1');
  await writeFile(join(work.folder, '.git/refs/heads/odd'), `${tag}\n`);
  const odd = await rig.import(repository(), work.folder);
  expect(odd).toMatchObject({ outcome: 'blocked', published: undefined });
  expect(odd.problem).toContain(`refs/heads/odd must point at a commit, ${tag} is a tag`);
});

describe('very many refs', () => {
  it('are imported (10,000), then moved and pruned', async () => {
    const work = await upstream();
    const [one, two] = [await work.run(['rev-parse', 'main~1']), await work.oidOf('main')];
    const update = (lines: readonly string[]) =>
      work.run(['update-ref', '--stdin'], { input: `${lines.join('\n')}\n` });
    const names = Array.from({ length: 10_000 }, (_, n) => `refs/tags/t/${n}`);
    await update(names.map((name) => `create ${name} ${one}`));
    expect(await rig.import(repository(), work.folder)).toMatchObject({ outcome: 'ok', packs: 1 });
    expect((await manifest())?.refs.size).toBe(10_004);
    await update(names.map((name, n) => (n % 2 === 0 ? `delete ${name}` : `update ${name} ${two}`)));
    const result = await rig.import(repository(), work.folder, { policy: REPLICATE });
    expect(result).toMatchObject({ outcome: 'ok', packs: 0, published: { depth: 1 } });
    const clone = await cloned();
    expect(await refsOf(clone)).toBe(await refsOf(work));
  });
});

it('an import of damaged data leaves nothing', async () => {
  const work = await upstream();
  const good = await openSource(work.folder);
  const source: Source = {
    listing: good.listing,
    relist: (signal) => good.relist(signal),
    fetch: async (request, options) => flipped(await good.fetch(request, options)),
    [Symbol.asyncDispose]: () => good[Symbol.asyncDispose](),
  };
  const result = await rig.import(repository(), source);
  expect(result).toMatchObject({
    outcome: 'blocked',
    problem: expect.stringContaining('pack of the source was refused'),
  });
  expect(await repository().resolve()).toBeUndefined();
  expect(await readdir(join(rig.context.scratch))).toEqual([]);
});

async function* flipped(pack: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let at = 0;
  for await (const chunk of pack) {
    const copy = Buffer.from(chunk);
    if (at <= 100 && at + copy.length > 100) copy[100 - at] = (copy[100 - at] ?? 0) ^ 1;
    at += copy.length;
    yield copy;
  }
}

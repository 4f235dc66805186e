/**
 * A push leans on objects that nothing reaches any more, and a fold drops them, as it does at once where no grace is
 * given: in whatever order the two are published, no published ref ever misses an object, and the one who pushed is told.
 */

import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FoldOutcome } from '../../src/maintenance/fold/fold.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { type RepositoryId, repositoryId } from '../../src/repository/repository-id.ts';
import type { App } from '../../src/server/app.ts';
import { FaultyStore } from '../helpers/faulty-store.ts';
import { type CommandResult, GitClient, run } from '../helpers/git-client.ts';
import { push, pushHead, reportOf } from '../helpers/raw-git.ts';
import { OWNER, repositoryUrl, startServer } from '../helpers/server.ts';
import { isPointerPut } from '../helpers/store-calls.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

let folder: TempDir;
let memory: MemoryObjectStore;
let store: FaultyStore;
/** Takes the pushes; its store does what a test tells it to. */
let app: App;
/** Another server on the same bucket. */
let other: App;
let names = 0;

let id: RepositoryId;
let url: string;
let otherUrl: string;
let author: GitClient;

beforeAll(async () => {
  folder = await tempDir('cairn-folds');
  memory = new MemoryObjectStore();
  store = new FaultyStore(memory);
  const flags = { 'unreachable-grace': '0' };
  app = await startServer({ store, flags, overrides: { background: false } });
  other = await startServer({ store: memory, flags, overrides: { background: false } });
});

afterAll(async () => {
  await app.close();
  await other.close();
  await folder[Symbol.asyncDispose]();
});

/** `main` and `topic` are published, each in a pack of its own; `next` is ready to be pushed and builds on `topic`. */
beforeEach(async () => {
  store.reset();
  const name = `folded-${++names}`;
  id = repositoryId(OWNER, name);
  [url, otherUrl] = [repositoryUrl(app, name), repositoryUrl(other, name)];
  author = await new GitClient(folder.path).init(name);
  await author.addRemote(url);
  await author.commit('Main', { a: `${name}\n` });
  await author.run(['push', '--quiet', 'origin', 'main']);
  await author.run(['checkout', '--quiet', '-b', 'topic']);
  await author.commit('Topic', { b: 'leaned on\n'.repeat(100) });
  await author.run(['push', '--quiet', 'origin', 'topic']);
  await author.run(['checkout', '--quiet', '-b', 'next']);
  await author.commit('Next', { b: `${'leaned on\n'.repeat(100)}and a little more\n` });
});

/** Another user deletes the branch that everything else of `topic` hung on. */
async function deleteTopic(): Promise<void> {
  await new GitClient(folder.path).run([
    '-C',
    author.folder,
    'push',
    '--quiet',
    '--no-verify',
    otherUrl,
    ':topic',
  ]);
}

/** Folds on a server; what no ref reaches goes at once. */
async function fold(server: App): Promise<FoldOutcome['outcome']> {
  return (await server.fold(id)).outcome;
}

function pushNext(): Promise<CommandResult> {
  return author.try(['push', 'origin', 'next']);
}

/** Pushes `next`, and does something after git was shown the refs and before it sends anything. */
async function pushNextAfter(happens: () => Promise<void>): Promise<CommandResult> {
  const [shown, go] = [join(author.folder, 'shown'), join(author.folder, 'go')];
  // git runs this hook in between.
  const hook = `#!/bin/sh\ntouch '${shown}'\nfor i in $(seq 1000); do [ -e '${go}' ] && exit; sleep 0.05; done; exit 1\n`;
  await writeFile(join(author.folder, '.git', 'hooks', 'pre-push'), hook, { mode: 0o755 });
  const pushing = pushNext();
  while (!existsSync(shown)) await sleep(10);
  await happens();
  await writeFile(go, '');
  const pushed = await pushing;
  await rm(join(author.folder, '.git', 'hooks', 'pre-push'));
  return pushed;
}

/** Pushes `next` to the other server without what it builds on, which is there as long as nobody has dropped it. */
async function pushNothingButNext(): Promise<void> {
  const path = join(author.folder, 'next.pack');
  const made = await run(
    'sh',
    ['-c', `printf 'next\n^topic\n' | git pack-objects --revs --stdout -q > '${path}'`],
    {
      cwd: author.folder,
    },
  );
  expect(made.exitCode).toBe(0);
  const head = pushHead([{ name: 'refs/heads/next', to: await author.oidOf('next') }]);
  const answer = await push(otherUrl, Buffer.concat([head, await readFile(path)]));
  expect(reportOf(answer)).toEqual(['unpack ok', 'ok refs/heads/next']);
}

/** Every published state, by a server that knows nothing, is complete. */
async function expectComplete(branches: readonly string[]): Promise<void> {
  const cold = await startServer({ store: memory, overrides: { background: false } });
  try {
    const copy = await new GitClient(folder.path).clone(
      repositoryUrl(cold, id.identifier),
      `whole-${++names}`,
      '--mirror',
    );
    expect(await copy.run(['fsck', '--full', '--strict'])).toBe('');
    const found = await copy.run(['for-each-ref', '--format=%(refname:short)']);
    expect(found.split('\n')).toEqual(branches);
  } finally {
    await cold.close();
  }
}

async function expectTold(pushed: CommandResult, reason: string | RegExp): Promise<void> {
  expect(pushed.exitCode).not.toBe(0);
  expect(pushed.stderr).toMatch(/! \[remote rejected\] next -> next/);
  expect(pushed.stderr).toMatch(reason);
}

async function tryAgain(): Promise<void> {
  await author.run(['fetch', '--quiet', '--prune', 'origin']);
  await author.run(['push', '--quiet', 'origin', 'next']);
  await expectComplete(['main', 'next']);
}

describe('a push that depends on dropped objects', () => {
  it('is refused if they are dropped between its proof and its swap', async () => {
    store.next(isPointerPut, {
      does: 'run',
      before: async () => {
        await deleteTopic();
        expect(await fold(other)).toBe('folded');
      },
    });
    await expectTold(await pushNext(), 'objects it builds on were removed meanwhile, fetch first');
    await expectComplete(['main']);
    await tryAgain();
  });

  it('is refused if they are dropped after they were advertised, by a server that has not noticed', async () => {
    const pushed = await pushNextAfter(async () => {
      await deleteTopic();
      await fold(other);
    });
    await expectTold(pushed, 'objects it builds on were removed meanwhile, fetch first');
    await expectComplete(['main']);
    await tryAgain();
  });

  it('is refused if they are dropped after they were advertised, by a server that has noticed', async () => {
    const pushed = await pushNextAfter(async () => {
      await deleteTopic();
      await fold(other);
      await app.repositories.get(id).resolve();
    });
    await expectTold(pushed, /missing necessary objects|unresolved delta/);
    await expectComplete(['main']);
    await tryAgain();
  });

  it('is refused if it waits behind the fold in the same server', async () => {
    let folding: ReturnType<typeof fold> | undefined;
    store.next((call) => call.operation === 'put' && call.key.endsWith('.pack'), {
      does: 'run',
      before: async () => {
        await deleteTopic();
        let arrive: () => void = () => undefined;
        const arrived = new Promise<void>((resolve) => {
          arrive = resolve;
        });
        store.next(isPointerPut, {
          does: 'run',
          before: async () => {
            arrive();
            // Long enough for the push to write what is left of it, and to join.
            await sleep(300);
          },
        });
        folding = fold(app);
        await arrived;
      },
    });
    await expectTold(await pushNext(), 'objects it builds on were removed meanwhile, fetch first');
    expect(await folding).toBe('folded');
    await expectComplete(['main']);
    await tryAgain();
  });

  it.each([
    ['the fold writes what it has made', '.idx'],
    ['the fold is about to swap', '/pointer'],
  ])('is complete if it is published while %s; the fold then gives up', async (_when, ending) => {
    await deleteTopic();
    store.next((call) => call.operation === 'put' && call.key.endsWith(ending), {
      does: 'run',
      before: () => pushNothingButNext(),
    });
    expect(await fold(app)).toBe('superseded');
    await expectComplete(['main', 'next']);
    expect(await fold(app)).toBe('folded');
    await expectComplete(['main', 'next']);
  });

  it('succeeds while they are kept', async () => {
    await using keeping = await startServer({ store: memory, overrides: { background: false } });
    const pushed = await pushNextAfter(async () => {
      await deleteTopic();
      expect(await fold(keeping)).toBe('folded');
    });
    expect(pushed).toMatchObject({ exitCode: 0 });
    const kinds = (await other.repositories.get(id).resolve())?.manifest.packs.map(({ kind }) => kind);
    expect(kinds).toEqual(['fold', 'unreachable', 'push']);
    await expectComplete(['main', 'next']);
  });
});

describe('a push that depends on no dropped object', () => {
  it('is checked by a fold after it, which is then published', async () => {
    await author.run(['checkout', '--quiet', 'main']);
    const commit = await author.commit('Main goes on', { a: 'more\n' });
    await deleteTopic();
    store.next(isPointerPut, {
      does: 'run',
      before: async () => {
        await author.run(['push', '--quiet', otherUrl, 'main']);
      },
    });
    expect(await fold(app)).toBe('folded');
    await expectComplete(['main']);
    const { manifest } = (await app.repositories.get(id).resolve()) ?? {};
    expect(manifest?.refs.get('refs/heads/main')).toBe(commit);
    expect(manifest?.packs.map(({ kind, linked }) => [kind, linked])).toEqual([
      ['fold', true],
      ['push', true],
    ]);
  });

  it('succeeds after a fold, with a new proof', async () => {
    await author.run(['checkout', '--quiet', 'main']);
    await author.commit('Main goes on', { a: 'more\n' });
    store.next(isPointerPut, {
      does: 'run',
      before: async () => {
        await deleteTopic();
        expect(await fold(other)).toBe('folded');
      },
    });
    await author.run(['push', '--quiet', 'origin', 'main']);
    const state = await other.repositories.get(id).resolve();
    expect(state?.manifest.packs.map(({ kind }) => kind)).toEqual(['fold', 'push']);
    await expectComplete(['main']);
  });

  it('succeeds except for the ref that depends on one', async () => {
    await author.run(['checkout', '--quiet', 'main']);
    await author.commit('Main goes on', { a: 'more\n' });
    const drop = {
      does: 'run',
      before: async () => {
        await deleteTopic();
        await fold(other);
      },
    } as const;
    store.next(isPointerPut, drop);
    const pushed = await author.try(['push', 'origin', 'main', 'next']);
    await expectTold(pushed, 'objects it builds on were removed meanwhile');
    expect(pushed.stderr).toMatch(/main -> main\n/);
    expect(pushed.stderr).not.toMatch(/rejected\] main/);
    await expectComplete(['main']);
  });
});

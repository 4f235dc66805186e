/** Several servers fold one repository, beside pushes or one another: nothing is lost, and one of them publishes. */

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { foldLeaseKey } from '../../src/repository/keys.ts';
import { takeLease as takeLeaseOf } from '../../src/repository/records/lease.ts';
import { type RepositoryId, repositoryId } from '../../src/repository/repository-id.ts';
import type { App } from '../../src/server/app.ts';
import { cloneWhole as cloneFrom } from '../helpers/clone-whole.ts';
import { FaultyStore, type StoreCall } from '../helpers/faulty-store.ts';
import { bringBack, kindsOf, lookUp, objectsIn, stateOn } from '../helpers/folded.ts';
import { GitClient } from '../helpers/git-client.ts';
import { OWNER, repositoryUrl, startServer } from '../helpers/server.ts';
import { ShiftedClock } from '../helpers/shifted-clock.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const isPut = (ending: string) => (call: StoreCall) => call.operation === 'put' && call.key.endsWith(ending);

let folder: TempDir;
let user: GitClient;
let memory: MemoryObjectStore;
/** The store of `app`, which does what a test tells it to. */
let store: FaultyStore;
const clock = new ShiftedClock();
const otherClock = new ShiftedClock();
let app: App;
let other: App;
let names = 0;
let id: RepositoryId;
let author: GitClient;

beforeAll(async () => {
  folder = await tempDir('cairn-fold-twice');
  user = new GitClient(folder.path);
  memory = new MemoryObjectStore();
  store = new FaultyStore(memory);
  app = await startServer({ store, overrides: { background: false, clock } });
  other = await startServer({ store: memory, overrides: { background: false, clock: otherClock } });
});

afterAll(async () => {
  await app.close();
  await other.close();
  await folder[Symbol.asyncDispose]();
});

beforeEach(async () => {
  const name = `shared-${++names}`;
  id = repositoryId(OWNER, name);
  author = await user.init(name);
  await author.addRemote(repositoryUrl(app, name));
  await pushCommits(3);
});

afterEach(() => store.reset());

async function pushCommits(count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    await author.commit(`Commit ${n}`, { counter: `${n}\n` });
    await author.run(['push', '--quiet', 'origin', 'HEAD']);
  }
}

/** Clones from a server that knows nothing, has git check all of it, and returns the clone. */
async function cloneWhole(): Promise<GitClient> {
  await using cold = await startServer({ store: memory, overrides: { background: false } });
  return await cloneFrom(user, repositoryUrl(cold, id.identifier), `whole-${++names}`);
}

function takeLease(holder: string) {
  const context = { control: memory, clock: systemClock, random: systemRandom };
  return takeLeaseOf(context, {
    key: foldLeaseKey(id),
    holder,
    onTrouble: (error) => {
      throw error;
    },
  });
}

describe('the lease of a fold', () => {
  it('prevents other folds until it is released', async () => {
    const lease = await takeLease('somebody else');
    expect(await app.fold(id)).toEqual({ outcome: 'leased' });
    await lease?.release();
    expect(await app.fold(id)).toMatchObject({ outcome: 'folded' });
  });

  it('of a crashed server expires soon', async () => {
    const lease = await takeLease('somebody else');
    clock.advanceDays(121 / 86_400);
    expect(await app.fold(id)).toMatchObject({ outcome: 'folded' });
    await lease?.release();
  });

  it('goes to one of two servers that ask at once', async () => {
    const before = await objectsIn((await cloneWhole()).folder);
    const outcomes = await Promise.all([app.fold(id), other.fold(id)]);
    const folded = outcomes.filter(({ outcome }) => outcome === 'folded');
    expect(folded).toHaveLength(1);
    expect(await objectsIn((await cloneWhole()).folder)).toEqual(before);
  });
});

describe('two folds of the same packs', () => {
  it('result in one, and the other is dropped', async () => {
    const before = await objectsIn((await cloneWhole()).folder);
    // A clock that is ahead sees the lease run out.
    otherClock.advanceDays(1);
    store.next(isPut('.pack'), {
      does: 'run',
      before: async () => {
        expect(await other.fold(id)).toMatchObject({ outcome: 'folded' });
      },
    });
    expect(await app.fold(id)).toEqual({ outcome: 'superseded' });
    otherClock.advanceDays(-1);
    expect(kindsOf((await stateOn(app, id)).manifest)).toEqual(['fold']);
    expect(await objectsIn((await cloneWhole()).folder)).toEqual(before);
  });
});

/** Lets a push get through the other server right before the fold swaps the pointer. */
function pushBeforeTheSwap(): void {
  store.next(isPut('/pointer'), {
    does: 'run',
    before: async () => {
      await author.commit('Between', { counter: 'between\n' });
      await author.run(['push', '--quiet', repositoryUrl(other, id.identifier), 'main']);
    },
  });
}

describe('a fold during pushes', () => {
  it('keeps packs that arrived meanwhile', async () => {
    store.next(isPut('.bitmap'), { does: 'run', before: () => pushCommits(2) });
    expect(await app.fold(id)).toMatchObject({ outcome: 'folded', packs: [3, 3] });
    expect(kindsOf((await stateOn(app, id)).manifest)).toEqual(['fold', 'push', 'push']);
    expect(await (await cloneWhole()).run(['rev-list', '--count', 'main'])).toBe('5');
  });

  it('keeps them if it loses the swap to another server', async () => {
    pushBeforeTheSwap();
    expect(await app.fold(id)).toMatchObject({ outcome: 'folded' });
    expect(kindsOf((await stateOn(app, id)).manifest)).toEqual(['fold', 'push']);
    expect(await (await cloneWhole()).run(['rev-list', '--count', 'main'])).toBe('4');
  });

  it('loses none of many pushes that race with folds on two servers', async () => {
    const branches = Array.from({ length: 6 }, (_, n) => `branch-${n}`);
    const repository = id;
    let pushing = true;
    let folded = 0;
    const folds = [app, other].map(async (server) => {
      while (pushing) {
        if ((await server.fold(repository)).outcome === 'folded') folded++;
        await sleep(20);
      }
    });
    const tips = await Promise.all(
      branches.map(async (branch, n) => {
        const server = n % 2 === 0 ? app : other;
        const git = await user.clone(repositoryUrl(server, id.identifier), `${branch}-${names}`);
        await git.run(['checkout', '--quiet', '-b', branch]);
        // Until they have met folds, however long these take.
        for (let round = 0; round < 4 || (folded < 2 && round < 40); round++) {
          await git.commit(`${branch} ${round}`, { [branch]: `${round}\n` });
          await git.run(['push', '--quiet', 'origin', branch]);
        }
        return git.oidOf('HEAD');
      }),
    );
    pushing = false;
    await Promise.all(folds);
    expect(folded).toBeGreaterThan(1);
    const copy = await cloneWhole();
    const found = await Promise.all(branches.map((branch) => copy.oidOf(branch)));
    expect(found).toEqual(tips);
  });
});

describe('a fold that drops objects', () => {
  let lost: string;

  beforeEach(async () => {
    lost = await author.oidOf('HEAD');
    await author.run(['reset', '--quiet', '--hard', 'HEAD~1']);
    await author.run(['push', '--quiet', '--force', 'origin', 'main']);
    await app.fold(id);
    expect(kindsOf((await stateOn(app, id)).manifest)).toEqual(['fold', 'unreachable']);
    clock.advanceDays(8);
  });

  afterEach(() => clock.advanceDays(-8));

  it('keeps them if a ref that needs them is pushed meanwhile', async () => {
    store.next(isPut('/pointer'), {
      does: 'run',
      before: () => bringBack(other, id, 'refs/heads/back', lost),
    });
    expect(await app.fold(id)).toMatchObject({ outcome: 'folded' });
    expect(kindsOf((await stateOn(app, id)).manifest)).toContain('unreachable');
    expect(await (await cloneWhole()).oidOf('back')).toBe(lost);
  });

  it('proves a ref that is pushed meanwhile and needs none of them', async () => {
    pushBeforeTheSwap();
    expect(await app.fold(id)).toMatchObject({ outcome: 'folded' });
    expect(kindsOf((await stateOn(app, id)).manifest)).toEqual(['fold', 'push']);
    expect((await lookUp(app, id, lost)).exitCode).not.toBe(0);
    await cloneWhole();
  });
});

describe('a failing fold', () => {
  it.each(['.pack', '.bitmap', '/pointer', '/fold'])(
    'that fails to write *%s changes nothing, and the next one succeeds',
    async (ending) => {
      const before = await stateOn(app, id);
      store.next(isPut(ending), { does: 'unavailable' }, 100);
      await expect(app.fold(id)).rejects.toMatchObject({ kind: expect.stringMatching(/unavailable|busy/) });
      expect((await stateOn(other, id)).digest).toBe(before.digest);
      store.reset();
      await pushCommits(1);
      clock.advanceDays(1);
      expect(await app.fold(id)).toMatchObject({ outcome: 'folded' });
      clock.advanceDays(-1);
      await cloneWhole();
    },
  );
});

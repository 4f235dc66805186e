/** What each git command may cost: requests and rounds at the object store, git processes, grandchildren included. */

import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { repositoryId } from '../../src/repository/repository-id.ts';
import type { App } from '../../src/server/app.ts';
import { FaultyStore, type LoggedRequest } from '../helpers/faulty-store.ts';
import { GitClient } from '../helpers/git-client.ts';
import {
  commitObject,
  fetchFrom,
  objectId,
  packOf,
  push,
  pushHead,
  reportOf,
  send,
} from '../helpers/raw-git.ts';
import { OWNER, repositoryUrl, startServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';
import { fetchRequest, lsRefsRequest } from '../helpers/upload-requests.ts';

interface Cost {
  readonly requests: readonly LoggedRequest[];
  readonly rounds: number;
  readonly writes: number;
  /** Every git process of the server, and every process those started. */
  readonly processes: number;
}

/**
 * The system's clock, but that what has been seen does not get older while a test runs, however slowly: only when it is
 * put forward.
 */
class ForwardClock implements Clock {
  private ahead = 0;

  forward(milliseconds: number): void {
    this.ahead += milliseconds;
  }

  now(): number {
    return systemClock.now() + this.ahead;
  }

  monotonic(): number {
    return this.ahead;
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return systemClock.sleep(milliseconds, signal);
  }
}

const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';
const NAME = 'budget';
const LATENCY_MS = 4;
const LONG_LATENCY_MS = 40;

let folder: TempDir;
let store: FaultyStore;
let clock: ForwardClock;
let app: App;
let author: GitClient;
let names = 0;

beforeAll(async () => {
  folder = await tempDir('cairn-budgets');
  await mkdir(join(folder.path, 'trace'));
  process.env['CAIRN_GIT_TRACE2_EVENT'] = join(folder.path, 'trace');
  // Requests take a moment, so that those made together overlap and count as one round.
  store = new FaultyStore(new MemoryObjectStore(), { latency: LATENCY_MS });
  clock = new ForwardClock();
  app = await startServer({ store, overrides: { clock, background: false } });
  author = await new GitClient(folder.path).init('author');
  await author.commit('One', { a: '1\n', 'b/c': '2\n' });
  await author.run(['tag', '-a', '-m', 'First', 'v1']);
  await author.addRemote(repositoryUrl(app, NAME));
  await author.run(['push', '--quiet', 'origin', 'main', 'v1']);
  await author.commit('Two', { a: '3\n' });
  await author.run(['push', '--quiet', 'origin', 'main']);
});

afterAll(async () => {
  delete process.env['CAIRN_GIT_TRACE2_EVENT'];
  await app.close();
  await folder[Symbol.asyncDispose]();
});

afterEach(() => {
  expect(store.count('list'), 'no listing on a request path').toBe(0);
});

async function cost(run: () => Promise<unknown>): Promise<Cost> {
  const trace = join(folder.path, 'trace');
  await rm(trace, { recursive: true });
  await mkdir(trace);
  store.reset();
  await run();
  return {
    requests: [...store.log],
    rounds: store.rounds(),
    writes: store.writes(),
    processes: (await readdir(trace)).length,
  };
}

/** A server that has seen nothing yet, on the same store. */
async function coldServer(): Promise<App> {
  const server = await startServer({ store, overrides: { clock, background: false } });
  await rm(join(folder.path, 'trace'), { recursive: true });
  await mkdir(join(folder.path, 'trace'));
  return server;
}

function user(version: number): GitClient {
  return new GitClient(folder.path, [`protocol.version=${version}`]);
}

function fresh(): string {
  return `copy-${++names}`;
}

function outcomes({ requests }: Cost): string[] {
  return requests.map((request) => `${request.operation} ${request.outcome}`);
}

/** Artifacts read: pack and idx of every pack. */
function artifactReads({ requests }: Cost): number {
  return requests.filter((request) => /\.(pack|idx)$/.test(request.key) && request.operation === 'get')
    .length;
}

describe.each([0, 1, 2])('reading with protocol v%i', (version) => {
  // Stateless and without v2, a client asks twice: for the new shallow boundary, then for the objects.
  const shallowProcesses = version === 2 ? 2 : 3;

  describe('with a warm server', () => {
    it('ls-remote: one conditional request, no process', async () => {
      const url = repositoryUrl(app, NAME);
      const spent = await cost(() => user(version).run(['ls-remote', url]));
      expect(outcomes(spent)).toEqual(['get not-modified']);
      expect(spent.processes).toBe(0);
    });

    it('a fetch with nothing new: one conditional request, no process', async () => {
      const copy = await user(version).clone(repositoryUrl(app, NAME), fresh());
      const spent = await cost(() => copy.run(['fetch', '--quiet']));
      expect(outcomes(spent)).toEqual(['get not-modified']);
      expect(spent.processes).toBe(0);
    });

    it.each([
      ['full clone', [], 2],
      ['shallow clone', ['--depth=1'], shallowProcesses],
      ['partial clone', ['--filter=blob:none', '--no-checkout'], 2],
    ])('a %s: one conditional request, few processes', async (_name, options, processes) => {
      const spent = await cost(() => user(version).clone(repositoryUrl(app, NAME), fresh(), ...options));
      expect(outcomes(spent)).toEqual(['get not-modified']);
      expect(spent.processes).toBeGreaterThan(0);
      expect(spent.processes).toBeLessThanOrEqual(processes);
    });

    it.each([
      ['shallow', ['--depth=1']],
      ['partial', ['--filter=blob:none', '--no-checkout']],
    ])('a third equal %s clone: one conditional request, no process', async (_name, options) => {
      const clone = () => user(version).clone(repositoryUrl(app, NAME), fresh(), ...options);
      await clone();
      await clone();
      const spent = await cost(clone);
      expect(outcomes(spent)).toEqual(['get not-modified']);
      expect(spent.processes).toBe(0);
    });

    it('an incremental fetch: one conditional request, at most two processes', async () => {
      const copy = await user(version).clone(repositoryUrl(app, NAME), fresh());
      await copy.run(['fetch', '--quiet']);
      await author.commit('More', { a: `${names}\n` });
      await author.run(['push', '--quiet', 'origin', 'main']);
      const spent = await cost(() => copy.run(['fetch', '--quiet']));
      expect(outcomes(spent)).toEqual(['get not-modified']);
      expect(spent.processes).toBeLessThanOrEqual(2);
      expect(await copy.run(['rev-parse', 'origin/main'])).toBe(await author.oidOf('main'));
    });
  });

  describe('with a cold server', () => {
    it('ls-remote: pointer and manifest, no process', async () => {
      await using server = await coldServer();
      const spent = await cost(() => user(version).run(['ls-remote', repositoryUrl(server, NAME)]));
      expect(outcomes(spent)).toEqual(['get found', 'get found']);
      expect(spent.processes).toBe(0);
    });

    it('a fetch with nothing new: pointer and manifest, no process', async () => {
      const copy = await user(version).clone(repositoryUrl(app, NAME), fresh());
      await using server = await coldServer();
      await copy.run(['remote', 'set-url', 'origin', repositoryUrl(server, NAME)]);
      const spent = await cost(() => copy.run(['fetch', '--quiet']));
      expect(outcomes(spent)).toEqual(['get found', 'get found']);
      expect(spent.processes).toBe(0);
    });

    it('a clone: pointer and manifest, then all packs and idx files at once', async () => {
      const { manifest } = await state();
      await using server = await coldServer();
      // So long that what is asked for at once overlaps on a busy machine, too.
      store.latency = LONG_LATENCY_MS;
      const spent = await cost(() => user(version).clone(repositoryUrl(server, NAME), fresh()));
      store.latency = LATENCY_MS;
      expect(artifactReads(spent)).toBe(2 * manifest.packs.length);
      expect(spent.requests).toHaveLength(2 + 2 * manifest.packs.length);
      expect(spent.rounds).toBeLessThanOrEqual(3 + Math.ceil((2 * manifest.packs.length) / 8));
      expect(spent.processes).toBeLessThanOrEqual(2);
    });
  });
});

describe.each([0, 1, 2])('a clone of a folded repository with protocol v%i', (version) => {
  const name = `folded-v${version}`;

  beforeAll(async () => {
    const url = repositoryUrl(app, name);
    const work = await new GitClient(folder.path).init(name);
    for (const content of ['1\n', '2\n']) {
      await work.commit('Folded', { a: content });
      await work.run(['push', '--quiet', url, 'main']);
    }
    const folded = await app.fold(repositoryId(OWNER, name));
    expect(folded.outcome).toBe('folded');
  });

  it('by a warm server: one conditional request, no process', async () => {
    await user(version).clone(repositoryUrl(app, name), fresh());
    const spent = await cost(() => user(version).clone(repositoryUrl(app, name), fresh()));
    expect(outcomes(spent)).toEqual(['get not-modified']);
    expect(spent.processes).toBe(0);
  });

  it('by a cold server: pointer, manifest and the pack, no process', async () => {
    await using server = await coldServer();
    const spent = await cost(() => user(version).clone(repositoryUrl(server, name), fresh()));
    expect(outcomes(spent)).toEqual(['get found', 'get found', 'get found']);
    expect(spent.requests.map(({ key }) => key.replace(/.*\./, ''))[2]).toBe('pack');
    expect(spent.rounds).toBe(3);
    expect(spent.processes).toBe(0);
  });
});

describe('protocol v2', () => {
  const v2 = { 'Git-Protocol': 'version=2' };

  it('sends capabilities without asking the store, once the repository is known as public', async () => {
    const url = `${repositoryUrl(app, NAME)}/info/refs?service=git-upload-pack`;
    clock.forward(3_600_000);
    const spent = await cost(async () => expect((await send(url, { headers: v2 })).status).toBe(200));
    expect(outcomes(spent)).toEqual([]);
  });

  it('answers ls-refs after a new read, unless this client was shown the refs right before', async () => {
    await using server = await coldServer();
    const lsRefs = () => fetchFrom(repositoryUrl(server, NAME), lsRefsRequest(), v2);
    expect(outcomes(await cost(lsRefs))).toEqual(['get found', 'get found']);
    expect(outcomes(await cost(lsRefs))).toEqual(['get not-modified']);
  });

  it('fetches refs shown less than two seconds ago without asking the store, and others with one request', async () => {
    const url = repositoryUrl(app, NAME);
    const tip = await author.commit('Shown', { a: 'shown\n' });
    await author.run(['push', '--quiet', 'origin', 'main']);
    const parent = await author.run(['rev-parse', 'main~1']);
    const fetch = (oid: string) => fetchFrom(url, fetchRequest(oid), v2);
    await fetchFrom(url, lsRefsRequest(), v2);
    expect(outcomes(await cost(() => fetch(tip)))).toEqual([]);
    expect(outcomes(await cost(() => fetch(parent)))).toEqual(['get not-modified']);
    clock.forward(2_001);
    expect(outcomes(await cost(() => fetch(tip)))).toEqual(['get not-modified']);
    expect(outcomes(await cost(() => fetch(tip)))).toEqual([]);
  });

  it('reads the store for every request about a private repository', async () => {
    const url = repositoryUrl(app, 'private');
    const work = await new GitClient(folder.path).init('private');
    const tip = await work.commit('Secret', { s: '1' });
    await work.run(['push', '--quiet', url, 'main']);
    const repository = app.repositories.get(repositoryId(OWNER, 'private'));
    await repository.publisher.join({
      since: 0,
      evaluate: async (state) => {
        if (state === undefined) throw new Error('not there');
        const next = { ...state, policy: { ...state.policy, private: true } };
        const cause = { kind: 'announce', actor: null, evidence: null, refs: [] } as const;
        return { next, cause, result: undefined };
      },
    });
    const spent = await cost(async () => {
      await send(`${url}/info/refs?service=git-upload-pack`, { headers: v2 });
      await fetchFrom(url, lsRefsRequest(), v2);
      await fetchFrom(url, fetchRequest(tip), v2);
    });
    expect(outcomes(spent)).toEqual(Array(3).fill('get not-modified'));
  });
});

describe('a push of', () => {
  // What travels together is not sent in one moment: on a busy machine the last of it might meet the answer to the first.
  beforeAll(() => {
    store.latency = LONG_LATENCY_MS;
  });
  afterAll(() => {
    store.latency = LATENCY_MS;
  });

  it('commits: at most six requests in three rounds, one process', async () => {
    await author.commit('Pushed', { a: 'pushed\n' });
    const spent = await cost(() => author.run(['push', '--quiet', 'origin', 'main']));
    expect(outcomes(spent)).toEqual(['get not-modified', ...Array(4).fill('put written')]);
    expect(spent.rounds).toBe(3);
    expect(spent.processes).toBe(1);
  });

  it('a tag object and a branch: one more process, to peel the tag', async () => {
    await author.commit('Released', { a: 'released\n' });
    await author.run(['tag', '-a', '-m', 'Second', 'v2']);
    const spent = await cost(() => author.run(['push', '--quiet', 'origin', 'main', 'v2']));
    expect(outcomes(spent)).toEqual(['get not-modified', ...Array(4).fill('put written')]);
    expect(spent.processes).toBe(2);
  });

  it('commits after minutes of compression: the same', async () => {
    await author.commit('Pushed late', { a: 'late\n' });
    clock.forward(600_000);
    const spent = await cost(() => author.run(['push', '--quiet', 'origin', 'main']));
    expect(spent.requests.length).toBeLessThanOrEqual(6);
    expect(spent.rounds).toBe(3);
  });

  it('commits to a new repository: the same', async () => {
    const url = repositoryUrl(app, 'first');
    const spent = await cost(() => author.run(['push', '--quiet', url, 'main']));
    expect(outcomes(spent)).toEqual(['get missing', ...Array(4).fill('put written')]);
    expect(spent.rounds).toBe(3);
    expect(spent.processes).toBe(1);
  });

  it('commits to a server that never saw the repository: manifest and packs in addition', async () => {
    const { manifest } = await state();
    await using server = await coldServer();
    await author.commit('Pushed elsewhere', { a: 'elsewhere\n' });
    const spent = await cost(() => author.run(['push', '--quiet', repositoryUrl(server, NAME), 'main']));
    expect(artifactReads(spent)).toBe(2 * manifest.packs.length);
    expect(spent.requests.length - artifactReads(spent)).toBeLessThanOrEqual(6);
    expect(spent.writes).toBe(4);
    // The second reads how deep the folders are that the new ones stand beside.
    expect(spent.processes).toBe(2);
    // What follows finds the first server warm again.
    await user(2).clone(repositoryUrl(app, NAME), fresh());
  });

  it('a branch at a published commit: no process, no pack', async () => {
    const spent = await cost(() =>
      author.run(['push', '--quiet', 'origin', 'v1:refs/tags/v1-again', 'main:same']),
    );
    expect(outcomes(spent)).toEqual(['get not-modified', 'put written', 'put written']);
    expect(spent.processes).toBe(0);
  });

  it('a deletion: a manifest and the pointer', async () => {
    const spent = await cost(() => author.run(['push', '--quiet', 'origin', ':same']));
    expect(outcomes(spent)).toEqual(['get not-modified', 'put written', 'put written']);
    expect(spent.rounds).toBe(3);
    expect(spent.processes).toBe(0);
  });

  it('nothing: one request, nothing written', async () => {
    const spent = await cost(() => author.run(['push', '--quiet', 'origin', 'main']));
    expect(spent.requests).toHaveLength(1);
    expect(spent.writes).toBe(0);
    expect(spent.processes).toBe(0);
  });

  it('the published state, repeated after a lost answer: one request, nothing written', async () => {
    const [tip, before] = (await author.run(['rev-parse', 'main', 'main~1'])).split('\n');
    if (tip === undefined || before === undefined) throw new Error('no commits');
    const head = pushHead([{ name: 'refs/heads/main', from: before, to: tip }]);
    const spent = await cost(async () => {
      const answer = await push(repositoryUrl(app, NAME), Buffer.concat([head, packOf([])]));
      expect(reportOf(answer)).toEqual(['unpack ok', 'ok refs/heads/main']);
    });
    expect(spent.requests).toHaveLength(1);
    expect(spent.writes).toBe(0);
  });

  it('a blob as a branch, refused: one request, nothing written', async () => {
    const blob = await author.run(['rev-parse', 'main:a']);
    const spent = await cost(async () => {
      const refused = await author.try(['push', 'origin', `${blob}:refs/heads/blob`]);
      expect(refused.stderr).toContain('a branch must point at a commit');
    });
    expect(spent.requests).toHaveLength(1);
    expect(spent.writes).toBe(0);
  });

  it('a moved ref, refused: one request, nothing written, for any size of the pack', async () => {
    const orphan = commitObject(EMPTY_TREE);
    const to = objectId(orphan);
    const head = pushHead([{ name: 'refs/heads/main', from: 'b'.repeat(40), to }]);
    const spent = await cost(async () => {
      const answer = await push(repositoryUrl(app, NAME), Buffer.concat([head, packOf([orphan])]));
      expect(reportOf(answer)[1]).toMatch(/^ng refs\/heads\/main .*fetch first$/);
    });
    expect(spent.requests).toHaveLength(1);
    expect(spent.writes).toBe(0);
    expect(spent.processes).toBe(0);
  });
});

async function state() {
  const found = await app.repositories.get(repositoryId(OWNER, NAME)).resolve();
  if (found === undefined) throw new Error('no repository');
  return found;
}

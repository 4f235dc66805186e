import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { isNameOf, nameOf, parseArtifactName } from '../../../src/fossil/artifact-name.ts';
import { writeStructuralArtifact } from '../../../src/fossil/structural-artifact.ts';
import { catalogueHash } from '../../../src/fossil/unversioned.ts';
import { clone } from '../../../src/fossil-sync/client/clone.ts';
import type { HeldArtifacts } from '../../../src/fossil-sync/client/local-bag.ts';
import { MemoryBag, MemoryCloneTarget } from '../../../src/fossil-sync/client/memory-bag.ts';
import { sync } from '../../../src/fossil-sync/client/sync.ts';
import type { CloneOptions, SyncOptions } from '../../../src/fossil-sync/client/sync-options.ts';
import { SyncFailure } from '../../../src/fossil-sync/client/sync-result.ts';
import { openHttpTransport } from '../../../src/fossil-sync/open-http-transport.ts';
import type { Transport } from '../../../src/fossil-sync/transport.ts';
import { CairnError } from '../../../src/lib/errors.ts';
import { FossilClient, noFossil } from '../../helpers/fossil.ts';
import { InstantClock } from '../../helpers/instant-clock.ts';
import { serveStock } from '../../helpers/stock-fossil-server.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

beforeEach(({ skip }) => skip(noFossil !== undefined, noFossil));

const PASSWORD = 'secret words';

/** A project of the stock program, and a way to it over HTTP. */
async function stockProject(commits = 5) {
  const folder = await tempDir('cairn-stock');
  const user = new FossilClient(folder.path);
  const repository = await user.init('project');
  await user.run(['user', 'password', 'alice', PASSWORD, '-R', repository]);
  await user.run(['user', 'capabilities', 'alice', 'sxy', '-R', repository]);
  await user.run([
    'sql',
    '-R',
    repository,
    "INSERT INTO config(name, value, mtime) VALUES('project-name', 'The project''s name', now())",
  ]);
  const lines = Array.from({ length: 200 }, (_, line) => `line ${line} of a file`);
  for (let commit = 0; commit < commits; commit++) {
    lines[commit] = `changed by commit ${commit}`;
    await user.commit('project', `commit ${commit}`, {
      'file.txt': lines.join('\n'),
      [`other${commit}`]: `content ${commit}`,
    });
  }
  const server = await serveStock(user, repository);
  const opened = openHttpTransport({ url: server.url });
  return {
    user,
    repository,
    url: server.url,
    transport: opened.transport as Transport,
    account: { user: 'alice', password: PASSWORD },
    [Symbol.asyncDispose]: async () => {
      await opened[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function cloned(transport: Transport, options: CloneOptions = {}) {
  const target = new MemoryCloneTarget();
  const result = await clone(target, transport, options);
  if (target.bag === undefined) throw new Error('the clone was not committed');
  return { bag: target.bag, result, project: target.project };
}

const namesOf = (bag: HeldArtifacts) => Array.from({ length: bag.count }, (_, at) => bag.at(at).name).sort();

/** A transport that fails in one exchange: before the request arrives, or after the server has answered. */
function failingAt(inner: Transport, exchange: number, when: 'before' | 'after', error: Error): Transport {
  let count = 0;
  return {
    async exchange(request, signal) {
      const fails = ++count === exchange;
      if (fails && when === 'before') throw error;
      const reply = await inner.exchange(request, signal);
      if (fails) throw error;
      return reply;
    },
  };
}

describe('a clone of a stock server', () => {
  it('has the same artifacts, project code and name, and all contents match their names', async () => {
    await using stock = await stockProject();
    const rounds: number[] = [];
    const options = { progress: ({ round }: { round: number }) => rounds.push(round) };
    const { bag, result, project } = await cloned(stock.transport, options);
    expect(namesOf(bag)).toEqual(await stock.user.artifacts(stock.repository));
    for (const name of namesOf(bag)) expect(isNameOf(name, await bag.content(name))).toBe(true);
    expect(result).toMatchObject({ filesReceived: bag.count, filesSent: 0, errors: [], missing: [] });
    expect(rounds).toEqual(Array.from({ length: result.rounds }, (_, round) => round + 1));
    expect(project).toEqual({
      projectCode: await stock.user.projectCode(stock.repository),
      projectName: "The project's name",
      hashPolicy: 'sha3',
    });
  });

  it('comes in several pages, each interrupted and repeated, with deltas in any order', async () => {
    await using stock = await stockProject();
    const small = "INSERT INTO config(name, value, mtime) VALUES('max-download', 600, now())";
    await stock.user.run(['sql', '-R', stock.repository, small]);
    const names = await stock.user.artifacts(stock.repository);
    const first = await cloned(stock.transport);
    expect(first.result.rounds).toBeGreaterThan(3);
    expect(namesOf(first.bag)).toEqual(names);
    for (let exchange = 1; exchange <= first.result.rounds; exchange++) {
      for (const when of ['before', 'after'] as const) {
        const lost = new CairnError('unavailable', 'the connection broke off');
        const again = await cloned(failingAt(stock.transport, exchange, when, lost), {
          clock: new InstantClock(),
        });
        expect(namesOf(again.bag)).toEqual(names);
      }
    }
  });

  it('that is interrupted leaves nothing, in any round', async () => {
    await using stock = await stockProject(2);
    const { result } = await cloned(stock.transport);
    for (let exchange = 1; exchange <= result.rounds; exchange++) {
      const target = new MemoryCloneTarget();
      const stop = new AbortController();
      const transport: Transport = {
        async exchange(request, signal) {
          const reply = await stock.transport.exchange(request, signal);
          if (--exchanges === 0) stop.abort(new Error('told to stop'));
          return reply;
        },
      };
      let exchanges = exchange;
      const cloning = clone(target, transport, { signal: stop.signal });
      // The last reply may complete the clone.
      if (exchange < result.rounds) await expect(cloning).rejects.toThrow('told to stop');
      else await cloning.catch(() => undefined);
      if (exchange < result.rounds) expect(target.bag).toBeUndefined();
    }
  });

  it('that is closed to strangers needs the right password', async () => {
    await using stock = await stockProject(2);
    await stock.user.run(['user', 'capabilities', 'nobody', 'h', '-R', stock.repository]);
    await stock.user.run(['user', 'capabilities', 'anonymous', 'h', '-R', stock.repository]);
    const target = new MemoryCloneTarget();
    const stranger = clone(target, stock.transport);
    await expect(stranger).rejects.toMatchObject({
      kind: 'forbidden',
      message: 'the server says: not authorized to clone',
    });
    const wrong = clone(target, stock.transport, { account: { user: 'alice', password: 'guess' } });
    await expect(wrong).rejects.toMatchObject({ kind: 'unauthenticated' });
    expect(target.bag).toBeUndefined();
    const { bag } = await cloned(stock.transport, { account: stock.account });
    expect(namesOf(bag)).toEqual(await stock.user.artifacts(stock.repository));
  });

  it('includes unversioned files and private artifacts on request only', async () => {
    await using stock = await stockProject(2);
    const { user, repository } = stock;
    await user.run(['uv', 'add', 'project/file.txt', '--as', 'shared/file.txt', '-R', repository]);
    await user.commit('project', 'secret', { 'file.txt': 'secret' }, '--private', '--branch', 'hidden');
    const names = await user.artifacts(repository);
    const open = await cloned(stock.transport, { account: stock.account });
    expect(open.bag.count).toBe(names.length - 2);
    expect((await open.bag.unversioned()).size).toBe(0);
    const all = await cloned(stock.transport, {
      account: stock.account,
      privateArtifacts: true,
      unversioned: true,
    });
    expect(namesOf(all.bag)).toEqual(names);
    expect(namesOf(all.bag).filter((name) => all.bag.find(name)?.isPrivate)).toHaveLength(2);
    expect([...(await all.bag.unversioned()).keys()]).toEqual(['shared/file.txt']);
    expect(all.result.unversionedReceived).toBe(1);
  });
});

describe('a sync with a stock server', () => {
  it('fetches new artifacts from there, and sends new ones from here', async () => {
    await using stock = await stockProject(3);
    const { user, repository, transport, account } = stock;
    const one = await cloned(transport);
    await user.commit('project', 'later', { 'file.txt': 'later' });
    const pulled = await sync(one.bag, transport, { push: false });
    expect(namesOf(one.bag)).toEqual(await user.artifacts(repository));
    expect(pulled).toMatchObject({ filesReceived: 2, filesSent: 0, errors: [], missing: [] });
    expect(await sync(one.bag, transport, { push: false })).toMatchObject({ rounds: 1, filesReceived: 0 });

    // A tag is an artifact of a few lines; its name is the hash of them.
    const checkIn = await user.checkIn('project');
    const tag = writeStructuralArtifact(`D 2026-11-29T12:00:00\nT +sym-from-here ${checkIn}\nU alice\n`);
    await one.bag.take({
      artifacts: [{ name: nameOf(tag, 'sha3-256'), payload: tag, form: 'plain', isPrivate: false }],
    });
    const pushed = await sync(one.bag, transport, { account, pull: false });
    expect(pushed).toMatchObject({ filesSent: 1, filesReceived: 0, errors: [] });
    expect(namesOf(one.bag)).toEqual(await user.artifacts(repository));
    expect(await user.run(['tag', 'list', '-R', repository])).toContain('from-here');
  });

  it('sends a whole project, in interrupted rounds', async () => {
    await using stock = await stockProject(6);
    const { user, transport } = stock;
    const { bag } = await cloned(transport);
    const code = await user.projectCode(stock.repository);
    for (const [number, when] of ['before', 'after'].entries()) {
      const empty = join(user.folder, `empty${number}.fossil`);
      await user.run(['init', empty]);
      await user.run(['sql', '-R', empty, `UPDATE config SET value='${code}' WHERE name='project-code'`]);
      await user.run(['user', 'password', 'alice', PASSWORD, '-R', empty]);
      await using server = await serveStock(user, empty);
      await using opened = openHttpTransport({ url: server.url });
      const options = {
        account: stock.account,
        pull: false,
        limits: { sendBytes: 2_000, retries: 0 },
      };
      const lost = new CairnError('unavailable', 'the connection broke off');
      let failures = 0;
      for (let exchange = 1; exchange < 100; exchange++) {
        const transport = failingAt(opened.transport, exchange, when as 'before' | 'after', lost);
        const ended = await sync(bag, transport, options).catch((error: unknown) => error);
        if (!(ended instanceof SyncFailure)) break;
        failures++;
      }
      expect(failures).toBeGreaterThan(2);
      expect(await user.artifacts(empty)).toEqual(expect.arrayContaining(namesOf(bag)));
      expect(await user.run(['test-integrity', '-R', empty])).toContain('0 errors');
    }
  });

  it('reports a wrong password, another project, and a server that accepts nothing', async () => {
    await using stock = await stockProject(2);
    const { bag } = await cloned(stock.transport);
    const wrong = sync(bag, stock.transport, { account: { user: 'alice', password: 'guess' } });
    await expect(wrong).rejects.toMatchObject({
      kind: 'unauthenticated',
      message: expect.stringContaining('login failed'),
    });
    const other = new MemoryBag('0'.repeat(40));
    await expect(sync(other, stock.transport)).rejects.toMatchObject({
      kind: 'conflict',
      message: 'the server says: wrong project',
    });
    const refused = sync(bag, stock.transport, { pull: false });
    await expect(refused).rejects.toMatchObject({ kind: 'forbidden' });
    const both = await sync(bag, stock.transport);
    expect(both.errors).toEqual(['pull only - not authorized to push']);
  });

  it('syncs unversioned files in both directions: added, changed and deleted', async () => {
    await using stock = await stockProject(1);
    const { user, repository, transport, account } = stock;
    const { bag } = await cloned(transport, { unversioned: true });
    const both: SyncOptions = { account, unversioned: true };
    await user.run(['uv', 'add', 'project/file.txt', '--as', 'theirs', '-R', repository]);
    const content = Buffer.from('made here');
    const file = {
      name: 'ours',
      time: 1_700_000_000,
      hash: nameOf(content, 'sha3-256'),
      size: content.length,
    };
    await bag.take({ artifacts: [], unversioned: [{ ...file, content }] });
    expect(await sync(bag, transport, both)).toMatchObject({ unversionedSent: 1, unversionedReceived: 1 });
    expect(await user.run(['uv', 'cat', 'ours', '-R', repository])).toBe('made here');
    const hash = async () => (await user.run(['uv', 'hash', '-R', repository])).trim();
    expect(catalogueHash((await bag.unversioned()).values())).toBe(await hash());

    const now = Math.floor(Date.now() / 1_000) + 5;
    await bag.take({
      artifacts: [],
      unversioned: [{ name: 'theirs', time: now, hash: undefined, size: 0 }],
    });
    await user.run(['uv', 'rm', 'ours', '-R', repository]);
    await sync(bag, transport, both);
    expect((await user.run(['uv', 'list', '-R', repository])).trim()).toBe('');
    expect(catalogueHash((await bag.unversioned()).values())).toBe(await hash());
    expect(await sync(bag, transport, both)).toMatchObject({ rounds: 1 });
  });

  it('reports the user who is about to check in on the same check-in', async () => {
    await using stock = await stockProject(1);
    const { bag } = await cloned(stock.transport);
    const parent = parseArtifactName(await stock.user.checkIn('project'));
    if (parent === undefined) throw new Error('no check-in');
    const lock = (client: string): SyncOptions => ({
      account: stock.account,
      push: false,
      checkInLock: { parent, client },
    });
    const first = await sync(bag, stock.transport, lock('1'.repeat(40)));
    expect(first.checkInLockFailure).toBeUndefined();
    const second = await sync(bag, stock.transport, lock('2'.repeat(40)));
    expect(second.checkInLockFailure).toEqual({ heldBy: 'alice', since: expect.any(Number) });
    await sync(bag, stock.transport, { ...lock('1'.repeat(40)), checkInUnlock: '1'.repeat(40) });
  });

  it('names the page that answers if it is not one of Fossil', async () => {
    await using stock = await stockProject(1);
    await using opened = openHttpTransport({ url: `${stock.url}index` });
    const page = clone(new MemoryCloneTarget(), {
      exchange: (_request, signal) =>
        opened.transport.exchange(
          { type: 'application/x-other' as 'application/x-fossil', body: Buffer.from('x') },
          signal,
        ),
    });
    await expect(page).rejects.toThrow(/does not answer as a Fossil server does|answers/);
  });
});

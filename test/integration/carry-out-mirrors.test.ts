/** Runs of kept mirrors on real repositories: of two at once, the one that knows less undoes nothing (issue 13, point 4). */
import { appendFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CarryOutContext, pullRun, pushRun } from '../../src/mirror/kept/carry-out.ts';
import type { PullOptions, PushOptions } from '../../src/mirror/kept/mirror-runs.ts';
import { parseRemoteAddress } from '../../src/mirror/remote/remote-address.ts';
import { TransferCounts } from '../../src/outbound/traffic.ts';
import type { GitRepository } from '../../src/repository/git/git-repository.ts';
import { repositoryId } from '../../src/repository/repository-id.ts';
import { GitClient } from '../helpers/git-client.ts';
import { ImportRig } from '../helpers/import-rig.ts';
import { OWNER } from '../helpers/server.ts';

const { signal } = new AbortController();
const FOLLOWS: PullOptions = {
  id: '1'.repeat(16),
  refs: 'follow',
  name: 'upstream',
  actor: null,
  forbids: () => undefined,
};

let rig: ImportRig;
let context: CarryOutContext;
let users: GitClient;
let names = 0;

beforeAll(async () => {
  rig = await ImportRig.open();
  users = new GitClient(rig.folder);
  const { git, scratch } = rig.context;
  context = { imports: rig.context, git, scratch, connection: {}, agent: 'test', maxPackBytes: 0 };
});
afterAll(() => rig[Symbol.asyncDispose]());

/** A repository here, with the refs of a repository of somebody's. */
async function brought() {
  const name = `brought-${++names}`;
  const source = await users.init(name);
  await source.commit('Begin', { README: 'first\n' });
  const repository = rig.rig.repositories.get(repositoryId(OWNER, name));
  const result = await rig.import(repository, source.folder);
  expect(result).toMatchObject({ outcome: 'ok' });
  return {
    source,
    repository,
    remote: { address: parseRemoteAddress(source.folder), credential: undefined },
  };
}

/** The repository as a slow server has it: something happens before it reads the published state for the second time. */
function slow(repository: GitRepository, meanwhile: () => Promise<unknown>): GitRepository {
  let reads = 0;
  return new Proxy(repository, {
    get: (target, property) => {
      const value: unknown = Reflect.get(target, property);
      if (typeof value !== 'function') return value;
      if (property !== 'resolve') return value.bind(target) as unknown;
      return async (...args: unknown[]) => {
        if (++reads === 2) await meanwhile();
        return value.apply(target, args) as unknown;
      };
    },
  });
}

async function mainOf(repository: GitRepository): Promise<string | undefined> {
  return (await repository.resolve())?.manifest.refs.get('refs/heads/main');
}

describe('a pull', () => {
  it('does not overwrite the newer refs of a concurrent pull', async () => {
    const { source, repository, remote } = await brought();
    const older = await source.commit('Older', { README: 'older\n' });
    let newer = '';
    const stalled = slow(repository, async () => {
      // The source has gone on since it was listed, and another server has seen that.
      newer = await source.commit('Newer', { README: 'newer\n' });
      await pullRun(context).run(repository, remote, FOLLOWS, signal);
      expect(await mainOf(repository)).toBe(newer);
    });
    const run = pullRun(context).run(stalled, remote, FOLLOWS, signal);
    await expect(run).rejects.toMatchObject({ kind: 'conflict' });
    expect(await mainOf(repository)).toBe(newer);
    expect(newer).not.toBe(older);
  });

  it('fetches everything, and then nothing', async () => {
    const { source, repository, remote } = await brought();
    const tip = await source.commit('Go on', { README: 'second\n' });
    const traffic = new TransferCounts();
    const first = await pullRun(context).run(repository, { ...remote, traffic }, FOLLOWS, signal);
    expect(first.changed).toBe(1);
    expect(traffic.receivedBytes).toBeGreaterThan(100);
    expect(first.state?.depth).toBe((await repository.resolve())?.manifest.depth);
    expect(await mainOf(repository)).toBe(tip);
    expect(await pullRun(context).run(repository, remote, FOLLOWS, signal)).toMatchObject({ changed: 0 });
  });

  it('fails with each reason once if many refs have it', async () => {
    const { source, repository, remote } = await brought();
    for (const branch of ['one', 'two', 'three']) await source.run(['branch', branch]);
    await pullRun(context).run(repository, remote, FOLLOWS, signal);
    await rm(join(source.folder, '.git/packed-refs'), { force: true });
    await rm(join(source.folder, '.git/refs/heads'), { recursive: true });
    await mkdir(join(source.folder, '.git/refs/heads'));
    const pull = pullRun(context).run(repository, remote, FOLLOWS, signal);
    await expect(pull).rejects.toMatchObject({
      message: expect.stringMatching(
        /^4 refs cannot be changed as asked: refs\/heads\/\w+: [^:()]* at all: nothing is deleted$/,
      ),
    });
    expect((await repository.resolve())?.manifest.refs.size).toBe(4);
  });

  it('is not held up by a branch whose name is not UTF-8', async () => {
    const { source, repository, remote } = await brought();
    const tip = await source.commit('Go on', { README: 'second\n' });
    const line = Buffer.concat([Buffer.from(`${tip} refs/heads/caf`), Buffer.of(0xe9, 0x0a)]);
    await appendFile(join(source.folder, '.git/packed-refs'), line);
    expect(await pullRun(context).run(repository, remote, FOLLOWS, signal)).toMatchObject({ changed: 1 });
    expect(await mainOf(repository)).toBe(tip);
  });
});

describe('a push', () => {
  it('sends published refs with objects that the target lacks, and prunes if requested', async () => {
    const { source, repository } = await brought();
    const target = await users.init(`target-${names}`, '--bare');
    const address = parseRemoteAddress(target.folder);
    await source.run(['push', '--quiet', target.folder, 'main:refs/heads/old']);
    const traffic = new TransferCounts();
    const run = (prune: boolean) =>
      pushRun(context).run(
        repository,
        { address, credential: undefined, traffic },
        { prune, overwrite: true },
        signal,
      );
    expect(await run(false)).toMatchObject({ changed: 1 });
    expect(traffic.sentBytes).toBeGreaterThan(100);
    expect(await target.run(['for-each-ref', '--format=%(refname)'])).toBe('refs/heads/main\nrefs/heads/old');
    expect(await run(true)).toMatchObject({ changed: 1 });
    expect(await run(true)).toMatchObject({ changed: 0 });
    expect(await target.run(['for-each-ref', '--format=%(objectname)'])).toBe(await mainOf(repository));
    expect(await target.run(['fsck', '--full', '--strict'])).toBe('');
  });

  it('fails with the reason that the target gives to people', async () => {
    const { repository } = await brought();
    const target = await users.init(`refusing-${names}`, '--bare');
    const hook = join(target.folder, 'hooks/pre-receive');
    await mkdir(join(target.folder, 'hooks'), { recursive: true });
    await writeFile(hook, '#!/bin/sh\necho "policy 7: only on Mondays" >&2\nexit 1\n', { mode: 0o755 });
    const remote = { address: parseRemoteAddress(target.folder), credential: undefined };
    await expect(
      pushRun(context).run(repository, remote, { prune: true, overwrite: true }, signal),
    ).rejects.toMatchObject({
      message: expect.stringMatching(
        /refs\/heads\/main: pre-receive hook declined \(policy 7: only on Mondays\)$/,
      ),
    });
  });

  it('does not overwrite unknown refs of a filled target, unless requested (issue 13)', async () => {
    const { source, repository } = await brought();
    const target = await users.init(`filled-${names}`, '--bare');
    const address = parseRemoteAddress(target.folder);
    const run = (parts: Partial<PushOptions>) =>
      pushRun(context).run(
        repository,
        { address, credential: undefined },
        { prune: true, overwrite: false, ...parts },
        signal,
      );
    const refs = () => target.run(['for-each-ref', '--format=%(objectname) %(refname)']);
    const tip = await source.oidOf('main');
    await source.run(['push', '--quiet', target.folder, 'main:refs/heads/theirs']);
    const before = await refs();
    await expect(run({})).rejects.toMatchObject({
      kind: 'forbidden',
      message: expect.stringMatching(/would lose it: refs\/heads\/theirs\. .*--prune.*--no-prune/),
    });
    expect(await refs()).toBe(before);
    expect(await run({ prune: false })).toMatchObject({ changed: 1 });
    expect(await refs()).toBe(`${tip} refs/heads/main\n${before}`);
    await target.run(['update-ref', '-d', 'refs/heads/theirs']);

    // A value that this repository does not know is lost as well; an older one of its own is not.
    const unknown = await source.commit('Elsewhere', { README: 'elsewhere\n' });
    await source.run(['push', '--quiet', target.folder, 'main']);
    await expect(run({ prune: false })).rejects.toMatchObject({
      message: expect.stringMatching(/would lose it: refs\/heads\/main\. .*--overwrite/),
    });
    expect(await refs()).toBe(`${unknown} refs/heads/main`);
    await rig.import(repository, source.folder);
    await target.run(['update-ref', 'refs/heads/main', tip]);
    expect(await run({})).toMatchObject({ changed: 1 });
    await source.run(['commit', '--amend', '--quiet', '-m', 'Another']);
    await source.run(['push', '--quiet', '--force', target.folder, 'main']);
    expect(await run({ overwrite: true })).toMatchObject({ changed: 1 });
    expect(await refs()).toBe(`${unknown} refs/heads/main`);
  });
});

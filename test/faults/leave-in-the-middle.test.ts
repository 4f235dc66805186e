/**
 * Clients that stop in the middle, vanish or do not read: what they held (git processes, scratch folders, places in
 * queues, connections) is free again within seconds, and everybody else is served.
 */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { encodePacket, flushPacket } from '../../src/git/index.ts';
import { GitClient } from '../helpers/git-client.ts';
import {
  commitObject,
  fetchFrom,
  packOf,
  push,
  pushHead,
  RECEIVE_PACK,
  UPLOAD_PACK,
} from '../helpers/raw-git.ts';
import { closed } from '../helpers/raw-socket.ts';
import { repositoryUrl, startServer } from '../helpers/server.ts';
import { tempDir } from '../helpers/temp-dir.ts';
import { until } from '../helpers/until.ts';

type Server = Awaited<ReturnType<typeof startServer>>;

const OID = 'd'.repeat(40);
/** Seconds on a machine that has nothing else to do; more while other tests take its processors. */
const SOON_MS = 30_000;
/** A push whose pack announces more than is ever sent. */
const HALF_A_PUSH = Buffer.concat([
  pushHead([{ name: 'refs/heads/never', to: OID }]),
  Buffer.from('PACK\0\0\0\x02\0\0\x03\xe8', 'latin1'),
]);

/** The same of a pack that is too large to be waited for: git has been given what came of it. */
const HALF_A_LARGE_PUSH = Buffer.concat([
  pushHead([{ name: 'refs/heads/never', to: OID }]),
  packOf([{ type: 'blob', content: randomBytes(3 * 1024 * 1024) }]).subarray(0, 2 * 1024 * 1024),
]);
const HALVES = [
  ['a small one', HALF_A_PUSH, 0],
  ['a large one', HALF_A_LARGE_PUSH, 1],
] as const;

/** Begins a request and leaves it open. */
function begin(url: string, headers: Record<string, string>, body: Uint8Array): ClientRequest {
  const outgoing = request(url, { method: 'POST', headers, agent: false });
  outgoing.on('error', () => undefined);
  outgoing.write(body);
  return outgoing;
}

/** A v2 request for everything below a tip, answered by a process. */
function wantRequest(tip: string): Buffer {
  return Buffer.concat([
    encodePacket('command=fetch\n'),
    Buffer.from('0001'),
    encodePacket(`want ${tip}\n`),
    encodePacket('done\n'),
    flushPacket,
  ]);
}

const V2 = { ...UPLOAD_PACK, 'Git-Protocol': 'version=2' };

/** A repository too large to fit into socket buffers; returns its tip. */
async function pushLarge(server: Server, folder: string, name: string): Promise<string> {
  // Chance cannot be compressed, and git takes seconds to find out.
  const work = (await new GitClient(folder).init(`work-${name}`)).with('core.compression=0');
  const tip = await work.commit('large', { blob: randomBytes(30 * 1024 * 1024) });
  await work.run(['push', repositoryUrl(server, name), 'main']);
  return tip;
}

async function scratchFolders(server: Server): Promise<string[]> {
  const entries = await readdir(join(server.cacheFolder, 'scratch'));
  return entries.filter((entry) => !entry.startsWith('capabilities-'));
}

async function activeRequests(server: Server): Promise<number> {
  return (await server.metrics.requestsActive.get()).values[0]?.value ?? 0;
}

/** Waits until nothing of any request is left; fails after some seconds with what is. */
async function expectNothingLeft(server: Server): Promise<void> {
  await expect
    .poll(
      async () => ({
        processes: server.git.running,
        folders: await scratchFolders(server),
        requests: await activeRequests(server),
      }),
      { timeout: SOON_MS, interval: 50 },
    )
    .toEqual({ processes: 0, folders: [], requests: 0 });
}

/** Whether a push has begun. A small pack takes neither a folder nor git before all of it is here. */
async function isUnderWay(server: Server, processes: number): Promise<boolean> {
  const folders = await scratchFolders(server);
  const begun = folders.length === processes && server.git.running === processes;
  return begun && (await activeRequests(server)) === 1;
}

describe('a client that', () => {
  it.each(HALVES)('stops in the middle of its pack, %s, is disconnected', async (_size, half, processes) => {
    // Long enough for what it has begun to be seen before it is given up.
    await using server = await startServer({ flags: { 'idle-timeout': '3' } });
    const outgoing = begin(`${repositoryUrl(server, 'half')}/git-receive-pack`, RECEIVE_PACK, half);
    const cut = closed(outgoing);
    await until(() => isUnderWay(server, processes));
    await cut;
    await expectNothingLeft(server);
  });

  it('stops in the middle of its commands is disconnected', async () => {
    await using server = await startServer({ flags: { 'idle-timeout': '1' } });
    const url = `${repositoryUrl(server, 'half')}/git-receive-pack`;
    const outgoing = begin(url, RECEIVE_PACK, HALF_A_PUSH.subarray(0, 20));
    await closed(outgoing);
    await expectNothingLeft(server);
  });

  it.each(HALVES)(
    'disappears in the middle of its pack, %s, leaves nothing',
    async (_size, half, processes) => {
      await using server = await startServer();
      const outgoing = begin(`${repositoryUrl(server, 'half')}/git-receive-pack`, RECEIVE_PACK, half);
      await until(() => isUnderWay(server, processes));
      outgoing.destroy();
      await expectNothingLeft(server);
    },
  );

  it('does not read its fetch is disconnected', async () => {
    await using folder = await tempDir();
    // The push before it, which does not stop, is to be through on a busy machine, too.
    await using server = await startServer({ flags: { 'idle-timeout': '3' } });
    const tip = await pushLarge(server, folder.path, 'large');
    const outgoing = begin(`${repositoryUrl(server, 'large')}/git-upload-pack`, V2, wantRequest(tip));
    outgoing.end();
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    incoming.pause();
    incoming.on('error', () => undefined);
    expect(server.git.running).toBeGreaterThan(0);
    await expectNothingLeft(server);
    incoming.destroy();
  });

  it('disappears in the middle of a fetch leaves nothing, and others are served', async () => {
    await using folder = await tempDir();
    await using server = await startServer();
    const tip = await pushLarge(server, folder.path, 'large');
    const outgoing = begin(`${repositoryUrl(server, 'large')}/git-upload-pack`, V2, wantRequest(tip));
    outgoing.end();
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    await once(incoming, 'data');
    incoming.destroy();
    await expectNothingLeft(server);
    const clone = await new GitClient(folder.path).clone(repositoryUrl(server, 'large'), 'clone');
    expect(await clone.oidOf('HEAD')).toBe(tip);
  });
});

it('500 requests aborted at random points leave nothing behind', async () => {
  await using folder = await tempDir();
  await using server = await startServer();
  const tip = await pushLarge(server, folder.path, 'large');
  const large = repositoryUrl(server, 'large');
  const small = repositoryUrl(server, 'small');
  const kinds: readonly (() => ClientRequest)[] = [
    () => begin(`${small}/git-receive-pack`, RECEIVE_PACK, HALF_A_PUSH.subarray(0, 30)),
    () => begin(`${small}/git-receive-pack`, RECEIVE_PACK, HALF_A_PUSH),
    () => begin(`${large}/git-receive-pack`, RECEIVE_PACK, HALF_A_PUSH),
    () => begin(`${large}/git-upload-pack`, V2, wantRequest(tip).subarray(0, 40)),
    () => begin(`${large}/git-upload-pack`, V2, wantRequest(tip)),
    () => begin(`${large}/git-upload-pack`, { ...V2, 'Content-Encoding': 'gzip' }, randomBytes(50)),
  ];
  const openFiles = async () => (await readdir('/proc/self/fd')).length;
  const before = await openFiles();
  let begun = 0;
  const worker = async () => {
    while (begun < 500) {
      const at = begun++;
      const outgoing = kinds[at % kinds.length]?.();
      outgoing?.on('response', (incoming) => {
        incoming.on('error', () => undefined);
        incoming.resume();
      });
      await sleep(at % 40);
      outgoing?.destroy();
    }
  };
  await Promise.all(Array.from({ length: 20 }, worker));
  await expectNothingLeft(server);
  await expect.poll(openFiles, { timeout: SOON_MS }).toBeLessThanOrEqual(before + 5);

  // Every slot and place in a queue is free again: as many as there are can be taken at once.
  const work = new GitClient(folder.path);
  const clones = await Promise.all([1, 2, 3, 4].map((n) => work.clone(large, `clone-${n}`, '--no-checkout')));
  for (const clone of clones) expect(await clone.run(['rev-parse', 'origin/main'])).toBe(tip);
});

it('a full server answers in the form that the client can show', async () => {
  await using folder = await tempDir();
  await using server = await startServer({ flags: { 'git-concurrency': '1', 'git-queue': '0' } });
  const tip = await pushLarge(server, folder.path, 'large');
  const holding = begin(`${repositoryUrl(server, 'large')}/git-upload-pack`, V2, wantRequest(tip));
  holding.end();
  const [incoming] = (await once(holding, 'response')) as [IncomingMessage];
  incoming.on('error', () => undefined);
  incoming.pause();

  const fetched = await fetchFrom(repositoryUrl(server, 'large'), wantRequest(tip), {
    'Git-Protocol': 'version=2',
  });
  expect(fetched.status).toBe(503);
  expect(fetched.headers['retry-after']).toMatch(/^\d+$/);
  expect(fetched.text).toMatch(/too many .* at once, try again/);

  const commit = commitObject('4b825dc642cb6eb9a060e54bf8d69288fbee4904');
  const pushed = await push(
    repositoryUrl(server, 'large'),
    Buffer.concat([pushHead([{ name: 'refs/heads/other', to: OID }]), packOf([commit])]),
  );
  expect(pushed.status).toBe(200);
  expect(pushed.text).toMatch(/ng refs\/heads\/other too many .* at once, try again/);

  incoming.destroy();
  await expectNothingLeft(server);
  const work = new GitClient(folder.path);
  await work.clone(repositoryUrl(server, 'large'), 'clone', '--no-checkout');
});

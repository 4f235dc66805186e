/**
 * Issue 11, point 9: clients that send or read next to nothing hold connections, but no slot that others need. Everybody
 * else pushes and clones meanwhile; that is counted, not timed.
 */
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { GitClient } from '../helpers/git-client.ts';
import { hosted } from '../helpers/hosted.ts';
import { SeededRandom } from '../helpers/seeded-random.ts';
import { repositoryUrl, spawnServer, startServer } from '../helpers/server.ts';
import { bigPack, chunkOf, SLOW_KINDS, SlowClient, type SlowKind } from '../helpers/slow-client.ts';
import { tempDir } from '../helpers/temp-dir.ts';
import { testSeed } from '../helpers/test-seed.ts';

/** Connections from one address in the largest test. Where open files are few, CAIRN_TEST_SLOW_CONNECTIONS makes it smaller. */
const FROM_ONE = Number(process.env['CAIRN_TEST_SLOW_CONNECTIONS'] ?? 5_000);

/** Connections of one address that are let in by default. */
const LET_IN = 256;

const clients: SlowClient[] = [];

function slow(options: ConstructorParameters<typeof SlowClient>[0]): SlowClient {
  const client = new SlowClient(options);
  clients.push(client);
  return client;
}

function alive(): number {
  return clients.filter(({ closed }) => !closed).length;
}

afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
});

/** So many bytes, which no compression makes less, fit into no buffers of a connection. */
const LARGE = 8 * 2 ** 20;

/** A repository with one file. @param bytes of the file: {@link LARGE} where somebody is to clone it slowly */
async function published(
  user: GitClient,
  url: string,
  bytes = 100,
): Promise<{ author: GitClient; tip: string }> {
  const author = await user.init('author');
  await author.commit('One file', { file: randomBytes(bytes) });
  await author.addRemote(url);
  await author.run(['push', '--quiet', 'origin', 'main']);
  return { author, tip: await author.oidOf('HEAD') };
}

/** Pushes, fetches and clones: git has to run for all of them. */
async function workOn(author: GitClient, user: GitClient, url: string, name: string): Promise<void> {
  await author.commit(name, { [name]: name });
  await author.run(['push', '--quiet', 'origin', 'main']);
  const shallow = await user.clone(url, `clone-${name}`, '--depth=1');
  expect(await shallow.run(['log', '-1', '--format=%s'])).toBe(name);
}

describe('5,000 slow connections from one address and 500 from ten (issue 11, point 9)', () => {
  it('do not prevent others from pushing and cloning at default settings', async () => {
    await using folder = await tempDir();
    await using server = await spawnServer(['--log-level', 'silent'], {
      CAIRN_STORE: `file:${join(folder.path, 'store')}`,
      CAIRN_CACHE: join(folder.path, 'cache'),
    });
    const url = repositoryUrl(server, 'busy');
    const user = new GitClient(folder.path);
    const { author, tip } = await published(user, url, LARGE);
    await workOn(author, user, url, 'alone');

    const fromTen: readonly SlowKind[] = [
      'push-start',
      'push-stalled',
      'fetch',
      'fetch-gzip',
      'push-head',
      'reader',
    ];
    for (let number = 0; number < 500; number++) {
      // Few readers, so that the disk is not what this is about.
      const kind = fromTen[number % (number < 240 ? 6 : 5)] ?? 'fetch';
      slow({ kind, url, tip, number, localAddress: `127.0.1.${1 + (number % 10)}` });
    }
    const begun = clients.length;
    for (let number = 0; number < FROM_ONE; number++) {
      // Those that come after so many are turned away, whatever they would send.
      const stalls = number < 2 * LET_IN && number % 2 === 0;
      slow({
        kind: stalls ? 'push-stalled' : 'push-start',
        url,
        number,
        localAddress: '127.0.0.2',
      });
      // No faster than the system takes them: a connection that it drops is tried again after seconds only.
      if (number % 250 === 249)
        await expect.poll(() => clients.some(({ connecting }) => connecting)).toBe(false);
    }
    // Of one address no more than its share is let in.
    await expect
      .poll(() => clients.slice(begun).filter(({ closed }) => !closed).length, { timeout: 60_000 })
      .toBeLessThanOrEqual(LET_IN);

    for (let round = 0; round < 2; round++) {
      for (const client of clients) client.trickle();
      await workOn(author, user, url, `round-${round}`);
    }
    expect(clients.some(({ closed }) => !closed)).toBe(true);
    expect(await user.run(['ls-remote', url, 'main'])).toContain(await author.oidOf('HEAD'));
  });
});

describe('git slots (issue 11, point 9)', () => {
  const cairn = hosted(async () => new MemoryObjectStore(), {
    flags: { 'git-concurrency': '2', 'git-queue': '32', 'shutdown-grace': '1' },
  });

  it('are not held by pushes whose packs arrive slowly, and these succeed', async () => {
    const { url, user } = await cairn.place();
    const { author } = await published(user, url);
    const rest = bigPack().subarray(1_000);
    const begun = Array.from({ length: 6 }, (_, number) => slow({ kind: 'push-start', url, number }));
    await workOn(author, user, url, 'meanwhile');

    for (const client of begun) {
      client.socket.write(chunkOf(rest));
      client.socket.write('0\r\n\r\n');
    }
    for (const client of begun) await expect.poll(() => client.heard).toContain('unpack ok');
  });

  it('are released by pushes that stall', async () => {
    const { url, user } = await cairn.place();
    const { author } = await published(user, url);
    const stalled = Array.from({ length: 6 }, (_, number) => slow({ kind: 'push-stalled', url, number }));
    await expect.poll(() => cairn.app.git.running).toBeGreaterThan(0);

    await workOn(author, user, url, 'meanwhile');

    await sendRest(stalled);
    expect(stalled.some(({ heard }) => heard.includes('unpack ok'))).toBe(true);
  });

  it('are not kept by silent pushes if as many as allowed have released theirs', async () => {
    await using folder = await tempDir();
    // One may stand back with its git begun. A repository has three of the slots.
    await using server = await startServer({ flags: { 'git-concurrency': '4', 'shutdown-grace': '1' } });
    const url = repositoryUrl(server, 'silent');
    const user = new GitClient(folder.path);
    const { author } = await published(user, url);
    const silent: SlowClient[] = [];
    const fallSilent = async () => {
      const before = server.git.running;
      const number = silent.length;
      silent.push(slow({ kind: 'push-stalled', url, number, localAddress: `127.0.3.${1 + number}` }));
      await expect.poll(() => server.git.running).toBeGreaterThan(before);
    };
    for (let number = 0; number < 3; number++) await fallSilent();
    // One of them stands back for this, and another takes its slot.
    await workOn(author, user, url, 'first');
    while (server.git.running < 4) await fallSilent();

    await workOn(author, user, url, 'meanwhile');

    // Nobody has waited until the time limit of a silent client is over: it would have been cut off.
    expect(silent.filter(({ closed }) => closed)).toEqual([]);
    await sendRest(silent);
    expect(silent.some(({ heard }) => heard.includes('unpack the pack arrived so slowly'))).toBe(true);
  });

  it('are not held by fetches that are read slowly, and these are complete', async () => {
    const { url, user } = await cairn.place();
    const { author, tip } = await published(user, url, LARGE);
    const readers = Array.from({ length: 4 }, (_, number) => slow({ kind: 'reader', url, tip, number }));
    await expect.poll(() => readers.every(({ received }) => received > 0)).toBe(true);

    await workOn(author, user, url, 'meanwhile');
    await expect.poll(() => cairn.app.git.running).toBe(0);

    const [reader] = readers;
    const answer = await readOn(reader);
    expect(answer).toBeGreaterThan(LARGE);
  });

  it('have no leftovers afterwards', async () => {
    for (const client of clients.splice(0)) client.destroy();
    await expect.poll(() => cairn.app.git.running).toBe(0);
    const { connections, spoolBytes } = cairn.app.metrics;
    await expect.poll(async () => (await spoolBytes.get()).values[0]?.value).toBe(0);
    await expect.poll(async () => (await connections.get()).values[0]?.value).toBe(0);
  });
});

/** Has pushes that have stalled send the rest. One that would have kept others from git has been refused, in words. */
async function sendRest(stalled: readonly SlowClient[]): Promise<void> {
  for (const client of stalled) {
    client.socket.write(chunkOf(bigPack().subarray(2 ** 21)));
    client.socket.write('0\r\n\r\n');
  }
  for (const client of stalled) {
    await expect.poll(() => client.heard).toMatch(/unpack (ok|the pack arrived so slowly that it blocked)/);
  }
}

/** Reads an answer to its end. @returns how many bytes it had */
async function readOn(reader: SlowClient | undefined): Promise<number> {
  if (reader === undefined) throw new Error('there is no reader');
  const { socket } = reader;
  socket.removeAllListeners('data');
  let [size, end] = [reader.received, ''];
  socket.on('data', (chunk: Buffer) => {
    size += chunk.length;
    end = (end + chunk.toString('latin1')).slice(-16);
  });
  socket.resume();
  // A flush, and the last chunk.
  await expect.poll(() => end).toMatch(/0000\r\n0\r\n\r\n$/);
  return size;
}

describe('a client below the minimum rate (issue 11, point 9)', () => {
  const cairn = hosted(async () => new MemoryObjectStore(), {
    flags: { 'idle-timeout': '1', 'min-rate': '100KiB', 'shutdown-grace': '1' },
  });

  it('is disconnected even if it is never silent, whatever it sends', async () => {
    const { url } = await cairn.published();
    const kinds = ['push-head', 'push-start', 'fetch', 'fetch-gzip'] as const;
    const slowly = kinds.map((kind) => slow({ kind, url }));
    const trickling = setInterval(() => {
      for (const client of slowly) client.trickle();
    }, 50);
    try {
      await expect
        .poll(() => kinds.filter((_, at) => slowly[at]?.closed !== true), { message: 'still there' })
        .toEqual([]);
    } finally {
      clearInterval(trickling);
    }
  });

  it('is disconnected if it reads too slowly', async () => {
    const { url, user } = await cairn.place();
    // Through a server that has patience: on a busy machine git itself may be silent for a second in the middle of a push.
    await using patient = await startServer({ store: cairn.store });
    const { tip } = await published(user, `${patient.url}${new URL(url).pathname}`, LARGE);
    const { clientsRefused } = cairn.app.metrics;
    const before = await refusedFor(clientsRefused, 'pace');
    const client = slow({ kind: 'reader', url, tip });
    await expect.poll(() => client.received).toBeGreaterThan(0);
    await expect.poll(() => refusedFor(clientsRefused, 'pace')).toBeGreaterThan(before);
    await expect.poll(() => cairn.app.git.running).toBe(0);
    await expect.poll(async () => (await cairn.app.metrics.connections.get()).values[0]?.value).toBe(0);
  });
});

type Counted = { get(): Promise<{ values: readonly { labels: object; value: number }[] }> };

async function refusedFor(counter: Counted, limit: string): Promise<number> {
  const { values } = await counter.get();
  return values.find(({ labels }) => 'limit' in labels && labels.limit === limit)?.value ?? 0;
}

describe('limits by network address (issue 11, point 9)', () => {
  it('refuse connections with a reason, and accept other addresses', async () => {
    await using server = await startServer({
      flags: { 'max-connections-per-address': '3', 'shutdown-grace': '1' },
    });
    const url = repositoryUrl(server, 'x');
    const from = (localAddress: string) => slow({ kind: 'silent', url, localAddress });
    const first = [from('127.0.0.9'), from('127.0.0.9'), from('127.0.0.9')];
    await expect.poll(() => refusedNow(server.metrics.connections)).toBe(3);
    const fourth = from('127.0.0.9');
    await expect.poll(() => fourth.closed).toBe(true);
    expect(fourth.heard).toMatch(/^HTTP\/1\.1 503 [\s\S]*there are 3 connections from your address already/);
    expect(first.every(({ closed }) => !closed)).toBe(true);
    const other = from('127.0.0.10');
    await expect.poll(() => refusedNow(server.metrics.connections)).toBe(4);
    expect(other.closed).toBe(false);
  });

  it('close an idle connection of the address with most connections when all are taken', async () => {
    await using server = await startServer({ flags: { 'max-connections': '4', 'shutdown-grace': '1' } });
    const url = repositoryUrl(server, 'x');
    const many = Array.from({ length: 4 }, () => slow({ kind: 'silent', url, localAddress: '127.0.0.9' }));
    await expect.poll(() => refusedNow(server.metrics.connections)).toBe(4);
    const other = slow({ kind: 'silent', url, localAddress: '127.0.0.10' });
    await expect.poll(() => many.filter(({ closed }) => closed).length).toBe(1);
    expect(other.closed).toBe(false);
  });

  it('count requests by the address from a trusted proxy', async () => {
    await using folder = await tempDir();
    await using server = await startServer({
      flags: {
        'trusted-proxies': '1',
        'max-requests-per-address': '2',
        'max-connections-per-address': '1',
        'shutdown-grace': '1',
      },
    });
    const url = repositoryUrl(server, 'x');
    const user = new GitClient(folder.path);
    const { author } = await published(user, url);
    // Two have a slot, or wait for the end of the push before; a third waits.
    const held = Array.from({ length: 3 }, () => slow({ kind: 'fetch', url }));
    await expect.poll(() => refusedNow(server.metrics.connections)).toBeGreaterThanOrEqual(3);
    const other = new GitClient(folder.path).with('http.extraHeader=X-Forwarded-For: 2001:db8::1');
    expect(await other.run(['ls-remote', url, 'main'])).toContain(await author.oidOf('HEAD'));
    expect(held.every(({ closed }) => !closed)).toBe(true);
  });
});

async function refusedNow(gauge: Counted): Promise<number> {
  return (await gauge.get()).values[0]?.value ?? 0;
}

describe('slow clients of every kind, in random order (issue 11, point 9)', () => {
  it('do not stop others, and leave nothing behind', async () => {
    const seed = testSeed();
    const random = new SeededRandom(seed);
    await using folder = await tempDir();
    await using server = await startServer({
      flags: {
        'git-concurrency': '3',
        'git-queue': '16',
        'max-requests-per-address': '12',
        'shutdown-grace': '1',
      },
    });
    const url = repositoryUrl(server, 'mixed');
    const user = new GitClient(folder.path);
    const { author, tip } = await published(user, url, LARGE);
    try {
      for (let round = 0; round < 3; round++) {
        for (let at = 0; at < 30; at++) {
          const localAddress = `127.0.2.${1 + random.below(4)}`;
          slow({ kind: random.pick(SLOW_KINDS), url, tip, number: random.below(10_000), localAddress });
        }
        for (const client of clients) {
          if (random.below(3) === 0) client.trickle();
          if (random.below(10) === 0) client.destroy();
        }
        await workOn(author, user, url, `round-${round}`);
      }
      expect(alive()).toBeGreaterThan(0);
      for (const client of clients.splice(0)) client.destroy();
      await expect.poll(() => server.git.running).toBe(0);
      await expect.poll(() => refusedNow(server.metrics.connections)).toBe(0);
      await expect.poll(() => refusedNow(server.metrics.spoolBytes)).toBe(0);
      const left = async () => {
        const scratch = await readdir(join(server.cacheFolder, 'scratch'));
        return scratch.filter((name) => name.startsWith('spool-') || name.startsWith('push-'));
      };
      await expect.poll(left).toEqual([]);
    } catch (error) {
      throw new Error(`with CAIRN_TEST_SEED=${seed}`, { cause: error });
    }
  });
});

/**
 * Whatever the object store says when it fails, and whichever request meets that: no client hears anything of the inside, and
 * the log has all of it. Faults are thrown by a seed, which is in the title of each test.
 */

import { Readable } from 'node:stream';
import { Hono } from 'hono';
import { afterAll, describe, expect, it } from 'vitest';
import { readSettings } from '../../src/config/settings.ts';
import { delimiterPacket, flushPacket } from '../../src/git/index.ts';
import { AdminServer } from '../../src/http/admin-server.ts';
import { CairnError } from '../../src/lib/errors.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import type {
  GetOptions,
  GetResult,
  HeadResult,
  ListedObject,
  ListOptions,
  ObjectBody,
  ObjectStore,
  PutMode,
  PutOutcome,
} from '../../src/object-store/object-store.ts';
import { StoreRefusedError } from '../../src/object-store/store-refused.ts';
import { GitClient } from '../helpers/git-client.ts';
import { announcement, state } from '../helpers/identity.ts';
import { NostrClient, Person } from '../helpers/nostr-client.ts';
import {
  absentId,
  commitObject,
  fetchFrom,
  objectId,
  packOf,
  push,
  pushHead,
  send,
  treeObject,
} from '../helpers/raw-git.ts';
import { SeededRandom } from '../helpers/seeded-random.ts';
import { repositoryUrl, startServer } from '../helpers/server.ts';
import { tempDir } from '../helpers/temp-dir.ts';
import { lines } from '../helpers/upload-requests.ts';

const MARKERS = ['private-bucket-7f3a', '10.66.77.88', 'ECONNREFUSED', '/srv/inside-9c1e', 'prefix-of-ours'];
const INSIDE = `connect ECONNREFUSED 10.66.77.88:9000 for s3://private-bucket-7f3a/prefix-of-ours, '/srv/inside-9c1e/x'`;

/** A store that fails by chance, in every form that failures of stores have, each full of markers. */
class LeakyStore implements ObjectStore {
  /** How many of a hundred requests fail. */
  percent = 0;
  private readonly store = new MemoryObjectStore();
  private readonly random: SeededRandom;

  constructor(random: SeededRandom) {
    this.random = random;
  }

  async get(key: string, options?: GetOptions): Promise<GetResult> {
    if (this.fails()) throw this.failure();
    const result = await this.store.get(key, options);
    if (!result.found || !this.fails()) return result;
    const failure = this.failure();
    result.body.destroy();
    const body = Readable.from(
      (async function* () {
        yield Buffer.from('x');
        throw failure;
      })(),
    );
    return { ...result, body };
  }

  async head(key: string, options?: { readonly signal?: AbortSignal }): Promise<HeadResult> {
    if (this.fails()) throw this.failure();
    return this.store.head(key, options);
  }

  async put(
    key: string,
    body: ObjectBody,
    mode: PutMode,
    options?: { readonly signal?: AbortSignal },
  ): Promise<PutOutcome> {
    if (!this.fails()) return this.store.put(key, body, mode, options);
    if (this.random.below(2) === 0) throw this.failure();
    return { outcome: 'unknown', cause: this.failure() };
  }

  async *list(prefix: string, options?: ListOptions): AsyncGenerator<ListedObject> {
    if (this.fails()) throw this.failure();
    yield* this.store.list(prefix, options);
  }

  async delete(key: string, options?: { readonly signal?: AbortSignal }): Promise<void> {
    if (this.fails()) throw this.failure();
    await this.store.delete(key, options);
  }

  close(): Promise<void> {
    return this.store.close();
  }

  private fails(): boolean {
    return this.random.below(100) < this.percent;
  }

  private failure(): Error {
    const cause = Object.assign(new Error(INSIDE), { code: 'ECONNREFUSED', path: '/srv/inside-9c1e/y' });
    return this.random.pick([
      new CairnError('unavailable', INSIDE, { cause }),
      new CairnError('corrupt', INSIDE, { cause }),
      new StoreRefusedError('setting', INSIDE, { cause }),
      cause,
      new TypeError(INSIDE),
    ]);
  }
}

function expectNothingOfTheInside(heard: readonly string[]): void {
  const leaks = heard.filter((text) => MARKERS.some((marker) => text.includes(marker)));
  expect(leaks).toEqual([]);
}

describe('internals are not revealed (issue 11, point 19)', () => {
  const folder = tempDir();
  afterAll(async () => (await folder)[Symbol.asyncDispose]());

  it.each([11, 12, 13])('by git answers, pages and health, seed %i', async (seed) => {
    const random = new SeededRandom(seed);
    const store = new LeakyStore(random);
    const log: string[] = [];
    await using server = await startServer({
      store,
      flags: { 'swap-patience': '1' },
      overrides: { background: false },
      onLog: (line) => void log.push(line),
    });
    const url = repositoryUrl(server, 'watched');
    const author = await new GitClient((await folder).path).init(`work-${seed}`);
    const tip = await author.commit('first', { a: 'a\n' });
    await author.run(['push', '--quiet', url, 'main']);

    const heard: string[] = [];
    const ask = async (question: Promise<{ status: number; text: string; headers: unknown }>) => {
      // An answer that is broken off has said what it has said.
      const answer = await question.catch((error: Error) => ({
        status: 0,
        text: error.message,
        headers: {},
      }));
      heard.push(`${answer.text}${JSON.stringify(answer.headers)}`);
    };
    store.percent = 40;
    for (let round = 0; round < 12; round++) {
      const headers = random.pick([{}, { 'Git-Protocol': 'version=1' }, { 'Git-Protocol': 'version=2' }]);
      const blob = { type: 'blob', content: Buffer.from(`${seed} ${round}`) } as const;
      const tree = treeObject('b', objectId(blob));
      const commit = commitObject(objectId(tree), [], `${seed} ${round}`);
      const ref = `refs/heads/b${round}`;
      await ask(send(`${url}/info/refs?service=git-upload-pack`, { headers }));
      await ask(send(`${url}/info/refs?service=git-receive-pack`, { headers }));
      await ask(
        fetchFrom(url, Buffer.concat([lines('command=ls-refs'), delimiterPacket, flushPacket]), {
          'Git-Protocol': 'version=2',
        }),
      );
      const capabilities = random.pick(['side-band-64k', 'ofs-delta']);
      const want = random.pick([tip, tip, absentId()]);
      await ask(
        fetchFrom(url, Buffer.concat([lines(`want ${want} ${capabilities}`), flushPacket, lines('done')])),
      );
      await ask(
        fetchFrom(
          url,
          Buffer.concat([
            lines('command=fetch'),
            delimiterPacket,
            lines(`want ${want}`, 'deepen 1', 'done'),
            flushPacket,
          ]),
          { 'Git-Protocol': 'version=2' },
        ),
      );
      const able = random.pick([
        'report-status side-band-64k',
        'report-status',
        'report-status side-band-64k atomic',
      ]);
      const head = pushHead([{ name: ref, to: objectId(commit) }], { capabilities: able });
      await ask(push(url, Buffer.concat([head, packOf([commit, tree, blob])])));
      await ask(push(url, pushHead([{ name: ref, from: objectId(commit) }], { capabilities: able })));
      for (const path of ['/', '/readyz', '/healthz', '/nowhere', new URL(url).pathname]) {
        await ask(send(`${server.url}${path}`));
      }
    }
    store.percent = 0;

    expect(heard.length).toBe(12 * 12);
    expectNothingOfTheInside(heard);
    const told = heard.filter((text) =>
      /does not answer|damaged|internal error|nothing was changed/.test(text),
    );
    expect(told.length).toBeGreaterThan(10);
    expect(log.filter((line) => line.includes('private-bucket-7f3a')).length).toBeGreaterThan(10);
  });

  it.each([21, 22])('by the relay, seed %i', async (seed) => {
    const store = new LeakyStore(new SeededRandom(seed));
    const log: string[] = [];
    await using server = await startServer({
      store,
      flags: { 'swap-patience': '1', access: 'signed' },
      onLog: (line) => void log.push(line),
    });
    const owner = new Person();
    await using client = await NostrClient.connect(server.url);
    const first = announcement(server.url, owner, 'project');
    await client.publish(first);
    store.percent = 40;
    for (let round = 0; round < 8; round++) {
      const address = `30617:${owner.publicKey}:project`;
      await client.publish(announcement(server.url, owner, `project-${round}`, { grasp: round % 2 === 0 }));
      await client.publish(announcement(server.url, owner, 'project', { at: first.created_at + round + 1 }));
      await client.publish(state(owner, 'project', { 'refs/heads/main': absentId() }));
      await client.publish(owner.sign(1_621, [['a', address]], `issue ${round}`));
      await client.publish(owner.sign(5, [['a', `30617:${owner.publicKey}:project-${round}`]]));
    }
    store.percent = 0;

    expectNothingOfTheInside(client.received.map((message) => JSON.stringify(message)));
    expect(JSON.stringify(client.received)).toContain('"error: ');
    expect(log.some((line) => line.includes('private-bucket-7f3a'))).toBe(true);
  });
});

describe('the address for operators (--admin-listen) (issue 11, point 19)', () => {
  it('has metrics, and health with reasons; the public address has neither', async () => {
    const store = new LeakyStore(new SeededRandom(1));
    const log: string[] = [];
    await using server = await startServer({
      store,
      flags: { 'admin-listen': '127.0.0.1:0' },
      onLog: (line) => void log.push(line),
    });
    const admin = server.adminUrl ?? '';

    expect((await send(`${server.url}/metrics`)).status).toBe(404);
    expect((await send(`${admin}/metrics`)).text).toContain('cairn_http_requests_total');
    expect((await send(`${admin}/healthz`)).text).toBe('{"status":"ok"}');
    expect((await send(`${admin}/readyz`)).text).toBe('{"status":"ready"}');
    expect((await send(`${admin}/`)).status).toBe(404);
    store.percent = 100;
    expect(await send(`${server.url}/readyz`)).toMatchObject({
      status: 503,
      text: '{"status":"unavailable"}',
    });
    const told = await send(`${admin}/readyz`);
    expect(told.status).toBe(503);
    expect(JSON.parse(told.text)).toEqual({ status: 'unavailable', reason: INSIDE });
    store.percent = 0;
    expect((await send(`${server.url}/readyz`)).status).toBe(200);
    // Once for each change, however often it is asked.
    const said = log.map((line) => JSON.parse(line).msg).filter((msg) => /ready/.test(msg));
    expect(said).toEqual(['not ready', 'ready again']);
  });

  it('is refused at start if it is taken or invalid', async () => {
    await using first = await AdminServer.listen({ host: '127.0.0.1', port: 0 }, new Hono());
    const port = Number(new URL(first.url).port);
    await expect(AdminServer.listen({ host: '127.0.0.1', port }, new Hono())).rejects.toThrow(
      /--admin-listen: cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE/,
    );
    await expect(startServer({ flags: { 'admin-listen': `127.0.0.1:${port}` } })).rejects.toThrow(
      /--admin-listen: cannot listen/,
    );
    for (const none of ['9090', ':9090', 'localhost:', 'localhost:70000', '::1:9090']) {
      expect(() => readSettings({ 'admin-listen': none }, {})).toThrow(
        `--admin-listen is "${none}": expected <host>:<port>`,
      );
    }
    expect(readSettings({ 'admin-listen': '[::1]:9090' }, {}).adminListen).toEqual({
      host: '::1',
      port: 9090,
    });
    expect(readSettings({}, {}).adminListen).toBeUndefined();
  });
});

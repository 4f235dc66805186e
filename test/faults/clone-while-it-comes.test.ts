/**
 * A stored pack is sent while it comes from the store: from the first byte that is here, and to its end only if it is what
 * its name says. Whoever leaves in the middle has not asked in vain.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { encodePacket, flushPacket } from '../../src/git/index.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import type { GetOptions, GetResult } from '../../src/object-store/object-store.ts';
import type { PackEntry } from '../../src/repository/git/git-manifest.ts';
import { artifactKey } from '../../src/repository/keys.ts';
import { type RepositoryId, repositoryId } from '../../src/repository/repository-id.ts';
import type { App } from '../../src/server/app.ts';
import { stateOn } from '../helpers/folded.ts';
import { GitClient } from '../helpers/git-client.ts';
import { bandsOf, UPLOAD_PACK } from '../helpers/raw-git.ts';
import { OWNER, repositoryUrl, startServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const PACK = /\.pack$/;

/** Hands out packs in pieces of 64 KiB, behind a gate from the third on, and perhaps with a wrong byte. */
class SlowStore extends MemoryObjectStore {
  gate: Promise<void> = Promise.resolve();
  /** Which byte is wrong, from the end; 0 for none. */
  damaged = 0;
  reads = 0;

  override async get(key: string, options?: GetOptions): Promise<GetResult> {
    const found = await super.get(key, options);
    if (!found.found || !PACK.test(key)) return found;
    this.reads++;
    return { ...found, body: Readable.from(this.pieces(found.body), { objectMode: false }) };
  }

  private async *pieces(body: Readable): AsyncGenerator<Buffer> {
    const bytes = Buffer.concat(await body.toArray());
    const wrong = bytes.length - this.damaged;
    if (this.damaged > 0) bytes[wrong] = (bytes[wrong] ?? 0) ^ 1;
    for (let at = 0; at < bytes.length; at += 65_536) {
      if (at >= 131_072) await this.gate;
      yield bytes.subarray(at, at + 65_536);
    }
  }
}

let folder: TempDir;
let store: SlowStore;
let id: RepositoryId;
let pack: PackEntry;
let wants: readonly string[];
/** Has never seen the repository. */
let server: App;
let open: () => void;

beforeAll(async () => {
  folder = await tempDir('cairn-slow');
  store = new SlowStore();
  await using writing = await startServer({ store, overrides: { background: false } });
  id = repositoryId(OWNER, 'slow');
  const author = await new GitClient(folder.path).init('author');
  await author.commit('Random', { file: randomBytes(1_000_000) });
  await author.run(['push', '--quiet', repositoryUrl(writing, 'slow'), 'main']);
  await writing.fold(id);
  const { manifest } = await stateOn(writing, id);
  [pack] = manifest.packs as [PackEntry];
  wants = [...manifest.refs.values()];
});

afterAll(async () => {
  await server.close();
  await folder[Symbol.asyncDispose]();
});

beforeEach(async () => {
  await server?.close();
  server = await startServer({ store, overrides: { background: false } });
  store.damaged = 0;
  store.reads = 0;
  store.gate = new Promise((resolve) => {
    open = resolve;
  });
});

/** Begins a clone and returns its answer as it comes. */
async function ask(capabilities = 'ofs-delta side-band-64k no-progress'): Promise<IncomingMessage> {
  const lines = wants.map((oid, at) =>
    encodePacket(at === 0 ? `want ${oid} ${capabilities}\n` : `want ${oid}\n`),
  );
  const url = `${repositoryUrl(server, 'slow')}/git-upload-pack`;
  const outgoing = request(url, { method: 'POST', headers: UPLOAD_PACK, agent: false });
  // What becomes of the answer is seen on the answer.
  outgoing.on('error', () => undefined);
  const answered = once(outgoing, 'response');
  outgoing.end(Buffer.concat([...lines, flushPacket, encodePacket('done\n')]));
  const [incoming] = (await answered) as [IncomingMessage];
  return incoming;
}

/** Reads on until there are this many bytes. */
async function readTo(incoming: IncomingMessage, chunks: Buffer[], bytes: number): Promise<void> {
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
  while (Buffer.concat(chunks).length < bytes) await sleep(5);
}

describe('a pack that the server is downloading', () => {
  it('is sent as far as it has arrived, and the rest when it arrives', async () => {
    const answer = await ask();
    const chunks: Buffer[] = [];
    await readTo(answer, chunks, 131_072);
    expect(Buffer.concat(chunks).length).toBeLessThan(140_000);
    open();
    await once(answer, 'end');
    const { data, fatal } = bandsOf(Buffer.concat(chunks).subarray(8));
    expect(fatal).toBe('');
    const stored = await store.get(artifactKey(id, { digest: pack.pack.digest, kind: 'pack' }));
    if (!stored.found) throw new Error('no pack');
    expect(data.equals(Buffer.concat(await stored.body.toArray()))).toBe(true);
  });

  it('is requested once for any number of clients', async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => ask()));
    open();
    const packs = answers.map(
      async (answer) => bandsOf(Buffer.concat(await answer.toArray()).subarray(8)).data,
    );
    for (const data of await Promise.all(packs)) expect(data.length).toBe(pack.pack.size);
    expect(store.reads).toBe(1);
  });

  it('continues to arrive when its client leaves, and is there for the next one', async () => {
    const answer = await ask();
    const chunks: Buffer[] = [];
    await readTo(answer, chunks, 65_536);
    answer.destroy();
    const active = async () => (await server.metrics.requestsActive.get()).values[0]?.value;
    // The store has not moved: whoever has gone is let go of at once.
    while ((await active()) !== 0) await sleep(5);
    open();
    const copy = await new GitClient(folder.path).clone(repositoryUrl(server, 'slow'), 'after');
    expect(await copy.oidOf('HEAD')).toBe(wants[0]);
    expect(store.reads).toBe(1);
  });
});

describe('a pack with a wrong byte', () => {
  beforeEach(() => open());

  it('never ends: its client gets the reason', async () => {
    store.damaged = 1_000;
    const answer = Buffer.concat(await (await ask()).toArray());
    const { data, fatal } = bandsOf(answer.subarray(8));
    expect(fatal).toContain(`${pack.pack.digest}.pack: its bytes do not match its digest`);
    expect(data.length).toBeLessThanOrEqual(pack.pack.size - 20);
    expect(answer.subarray(-4).toString()).not.toBe('0000');
  });

  it('is cut off without a side-band for the reason', async () => {
    store.damaged = 1_000;
    const answer = await ask('ofs-delta');
    await expect(answer.toArray()).rejects.toThrow('aborted');
  });

  it('is reported to a git user as damaged, and served again after it is repaired', async () => {
    store.damaged = 10;
    const user = new GitClient(folder.path);
    const url = repositoryUrl(server, 'slow');
    const failed = await user.try(['clone', '--quiet', url, 'damaged']);
    expect(failed.exitCode).not.toBe(0);
    expect(failed.stderr).toContain('its bytes do not match its digest');
    store.damaged = 0;
    const copy = await user.clone(url, 'mended');
    expect(await copy.run(['fsck', '--full'])).toBe('');
  });
});

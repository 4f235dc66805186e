/**
 * Two servers over one bucket keep a pull mirror of a changing source, and one of them is killed in the middle of a run: the other one takes
 * over, nothing is lost, and nothing is done twice.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SignedRequests } from '../../src/cli/signed-requests.ts';
import { readAll } from '../../src/lib/streams.ts';
import { createSigner } from '../../src/nostr/sign.ts';
import { openS3 } from '../../src/object-store/s3/s3.ts';
import { mirrorLeaseKey } from '../../src/repository/keys.ts';
import { repositoryId } from '../../src/repository/repository-id.ts';
import { cloneWhole } from '../helpers/clone-whole.ts';
import { gate } from '../helpers/gate.ts';
import { GitClient } from '../helpers/git-client.ts';
import { type GitHttpHost, startGitHttpHost } from '../helpers/git-http-host.ts';
import { announcement, gitUrl, publish } from '../helpers/identity.ts';
import { Person } from '../helpers/nostr-client.ts';
import { startR2, type TestBucket } from '../helpers/r2.ts';
import { type ServerProcess, spawnServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const PATIENCE = { timeout: 90_000, interval: 200 };
const NAME = 'followed';

let folder: TempDir;
let bucket: TestBucket;
let host: GitHttpHost;
let author: GitClient;
const owner = new Person();
const servers = new Set<ServerProcess>();

/** What the source was asked. A run lists the refs, and asks for a pack if something is new. */
const source = {
  /** Runs that have listed the refs. */
  runs: 0,
  /** Packs that were asked for. */
  packs: 0,
  /** Requests since the last run began. */
  posts: 0,
  /** What a request for a pack waits for, and is never answered after. */
  holds: undefined as { arrived(): void; readonly until: Promise<void> } | undefined,
};

beforeAll(async () => {
  folder = await tempDir('cairn-killed-mirror');
  bucket = await startR2();
  const user = new GitClient(folder.path);
  await user.init('source.git', '--bare');
  author = await user.init('author');
  await author.addRemote(join(folder.path, 'source.git'));
  host = await startGitHttpHost(folder.path, {
    before: async ({ method }) => {
      if (method === 'GET') {
        source.runs += 1;
        source.posts = 0;
        return false;
      }
      source.posts += 1;
      // The first one lists the refs.
      if (source.posts === 1) return false;
      source.packs += 1;
      const { holds } = source;
      if (holds === undefined) return false;
      holds.arrived();
      await holds.until;
      return true;
    },
  });
});

afterAll(async () => {
  await Promise.all([...servers].map((server) => server.stop('SIGKILL')));
  await host[Symbol.asyncDispose]();
  await bucket.close();
  await folder[Symbol.asyncDispose]();
});

async function start(cache: string): Promise<ServerProcess> {
  const server = await spawnServer(
    ['--store', `s3://${bucket.bucket}/${bucket.prefix}`, '--cache', join(folder.path, cache)],
    {
      CAIRN_ACCESS: 'signed',
      CAIRN_MIRROR_ALLOW: '127.0.0.1',
      CAIRN_MIRROR_INTERVAL: '1',
      CAIRN_S3_ENDPOINT: bucket.endpoint,
      CAIRN_S3_REGION: bucket.region,
      AWS_ACCESS_KEY_ID: bucket.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: bucket.credentials.secretAccessKey,
    },
  );
  servers.add(server);
  return server;
}

/** Adds a commit to the source, and says what its refs are now. */
async function change(word: string): Promise<string> {
  await author.commit(`Write ${word}`, { [word]: `${word}\n` });
  // One ref at a time: nobody lists the half of a push.
  await author.run(['push', '--quiet', 'origin', 'main']);
  return refsAt(join(folder.path, 'source.git'));
}

const refsAt = (url: string) => author.run(['ls-remote', '--refs', url]);
const refsOf = (server: ServerProcess) => refsAt(gitUrl(server.url, owner, NAME));

/** The value of a metric of pull mirrors; 0 where it has none. */
async function metric(server: ServerProcess, name: string, ...labels: string[]): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  const wanted = [`direction="pull"`, ...labels].join(',');
  const line = text.split('\n').find((one) => one.startsWith(`${name}{${wanted}} `));
  return Number(line?.split(' ').at(-1) ?? 0);
}

const runs = (server: ServerProcess, outcome: string) =>
  metric(server, 'cairn_mirror_runs_total', `outcome="${outcome}"`);
const lag = (server: ServerProcess) => metric(server, 'cairn_mirror_lag_seconds');

/** Lets the lease of the mirror end now, as it does two minutes after its holder was killed. */
async function endLease(): Promise<void> {
  const { control, bulk } = openS3(bucket);
  const key = mirrorLeaseKey(repositoryId(owner.publicKey, NAME), 'upstream');
  const found = await control.get(key);
  if (!found.found) throw new Error('there is no lease');
  const lease = JSON.parse((await readAll(found.body, 10_000)).toString()) as { revision: number };
  const body = JSON.stringify({ ...lease, revision: lease.revision + 1, until: 0 });
  const put = await control.put(key, Buffer.from(body), { mode: 'replace', version: found.version });
  expect(put.outcome).toBe('written');
  await Promise.all([control.close(), bulk.close()]);
}

it('another server continues the mirrors of a killed one, loses nothing, and does nothing twice', async () => {
  await change('one');
  await author.run(['push', '--quiet', 'origin', 'main:refs/heads/topic']);
  const first = await start('cache-1');
  expect(await publish(first.url, announcement(first.url, owner, NAME))).toMatchObject({ accepted: true });
  const requests = new SignedRequests(first.url, createSigner(owner.secretHex), new AbortController().signal);
  const path = ['/api/v1/repositories', owner.npub, NAME, 'mirrors'].join('/');
  const address = `${host.url}/source.git`;
  await requests.send('POST', path, {
    name: 'upstream',
    direction: 'pull',
    address,
    refs: 'follow',
    every: 1,
  });
  const before = await refsAt(join(folder.path, 'source.git'));
  await expect.poll(() => refsOf(first), PATIENCE).toBe(before);
  expect(source.packs).toBe(1);

  // The first server is in the middle of a run when the second one finds the mirror, and leaves it alone.
  const arrived = gate();
  const released = gate();
  source.holds = { arrived: () => arrived.open(), until: released.opened };
  await change('two');
  await arrived.opened;
  const listed = source.runs;
  const second = await start('cache-2');
  await expect.poll(() => runs(second, 'leased'), PATIENCE).toBeGreaterThan(0);
  expect(source.runs).toBe(listed);

  await first.stop('SIGKILL');
  source.holds = undefined;
  released.open();
  await author.run(['push', '--quiet', 'origin', ':topic']);
  const after = await change('three');
  // While the lease of the dead server lasts, nobody asks the source, and everybody can see it.
  await expect.poll(() => lag(second), PATIENCE).toBeGreaterThan(5);
  const behind = await lag(second);
  expect(await refsOf(second)).toBe(before);
  expect(source.runs).toBe(listed);

  const asked = source.packs;
  await endLease();
  await expect.poll(() => refsOf(second), PATIENCE).toBe(after);
  await expect.poll(() => lag(second), PATIENCE).toBeLessThan(behind);
  expect(source.packs).toBe(asked + 1);
  expect(await runs(second, 'failed')).toBe(0);

  // Both follow again, and each change is fetched by one of them.
  const third = await start('cache-1');
  await expect.poll(() => metric(third, 'cairn_mirrors', 'condition="current"'), PATIENCE).toBe(1);
  for (const word of ['four', 'five', 'six']) {
    const refs = await change(word);
    await expect.poll(() => refsOf(second), PATIENCE).toBe(refs);
    await expect.poll(() => refsOf(third), PATIENCE).toBe(refs);
  }
  expect(source.packs).toBe(asked + 4);
  // Counted once the run is over, a moment after its publish.
  const changed = async () => (await runs(second, 'changed')) + (await runs(third, 'changed'));
  await expect.poll(changed, PATIENCE).toBe(4);
  const copy = await cloneWhole(author, gitUrl(third.url, owner, NAME), 'whole');
  expect(await copy.run(['rev-list', '--count', 'main'])).toBe('6');
}, 300_000);

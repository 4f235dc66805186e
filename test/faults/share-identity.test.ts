/** Two servers over one bucket know the same repositories, events and receipts, whichever of them was asked. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { GitClient } from '../helpers/git-client.ts';
import { announcement, eventually, gitUrl, publish, query, signedIn } from '../helpers/identity.ts';
import { Person } from '../helpers/nostr-client.ts';
import { startR2, type TestBucket } from '../helpers/r2.ts';
import { type ServerProcess, spawnServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

/** How clients reach the service, whichever server a load balancer gives them. */
const PUBLIC_URL = 'http://git.example.test';

let bucket: TestBucket;
let folder: TempDir;
let first: ServerProcess;
let second: ServerProcess;

beforeAll(async () => {
  bucket = await startR2();
  folder = await tempDir('cairn-shared');
  first = await start('cache-0');
  second = await start('cache-1');
});

afterAll(async () => {
  await Promise.all([first.stop('SIGKILL'), second.stop('SIGKILL')]);
  await bucket.close();
  await folder[Symbol.asyncDispose]();
});

function start(cache: string): Promise<ServerProcess> {
  return spawnServer(
    ['--store', `s3://${bucket.bucket}/${bucket.prefix}`, '--cache', join(folder.path, cache)],
    {
      CAIRN_ACCESS: 'signed',
      CAIRN_PUBLIC_URL: PUBLIC_URL,
      CAIRN_S3_ENDPOINT: bucket.endpoint,
      CAIRN_S3_REGION: bucket.region,
      AWS_ACCESS_KEY_ID: bucket.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: bucket.credentials.secretAccessKey,
    },
  );
}

const receiptsOf = (owner: Person, identifier: string) => ({
  kinds: [30_618],
  '#a': [`30617:${owner.publicKey}:${identifier}`],
});

it('a repository announced to both servers at once is one repository', async () => {
  const owner = new Person();
  const event = announcement(PUBLIC_URL, owner, 'both');
  const again = announcement(PUBLIC_URL, owner, 'both', { at: event.created_at - 1 });
  const answers = await Promise.all([publish(first.url, event), publish(second.url, again)]);
  expect(answers.map(({ accepted }) => accepted)).toEqual([true, true]);
  const user = await new GitClient(folder.path).init('both');
  const tip = await user.commit('Begin', { README: 'first\n' });
  const asOwner = signedIn(user, owner, gitUrl(PUBLIC_URL, owner, 'both'));
  await asOwner.run(['push', '--quiet', gitUrl(first.url, owner, 'both'), 'main']);
  expect(await user.run(['ls-remote', gitUrl(second.url, owner, 'both'), 'refs/heads/main'])).toContain(tip);
  const seen = await eventually(
    () => query(second.url, { kinds: [30_617], authors: [owner.publicKey] }),
    ([found]) => found?.id === event.id,
  );
  expect(seen.map(({ id }) => id)).toEqual([event.id]);
});

it('an event sent to one server is soon served by the other, and by a new one after its start', async () => {
  const owner = new Person();
  await publish(first.url, announcement(PUBLIC_URL, owner, 'told'));
  const issue = new Person().sign(
    1621,
    [
      ['a', `30617:${owner.publicKey}:told`],
      ['p', owner.publicKey],
    ],
    'It does not work',
  );
  await eventually(
    () => publish(first.url, issue),
    ({ accepted }) => accepted,
  );
  // It follows what the first one writes, and hears of it in no other way.
  const served = await eventually(
    () => query(second.url, { ids: [issue.id] }),
    (events) => events.length === 1,
  );
  expect(served).toHaveLength(1);

  await second.stop('SIGKILL');
  second = await start('cache-2');
  expect(await query(second.url, { ids: [issue.id] })).toHaveLength(1);
});

it('receipts are equal, whichever server got the push', async () => {
  const owner = new Person();
  await publish(first.url, announcement(PUBLIC_URL, owner, 'pushed'));
  const user = await new GitClient(folder.path).init('pushed');
  const asOwner = signedIn(user, owner, gitUrl(PUBLIC_URL, owner, 'pushed'));
  const keys = new Set<string>();
  for (const [number, server] of [first, second, first].entries()) {
    const tip = await user.commit(`Commit ${number}`, { README: `${number}\n` });
    await asOwner.run(['push', '--quiet', gitUrl(server.url, owner, 'pushed'), 'main']);
    const both = await Promise.all(
      [first, second].map((asked) =>
        eventually(
          () => query(asked.url, receiptsOf(owner, 'pushed')),
          ([event]) => event?.tags.some(([, oid]) => oid === tip) === true,
        ),
      ),
    );
    expect(both[0]?.map(({ id }) => id)).toEqual(both[1]?.map(({ id }) => id));
    expect(both[0]).toHaveLength(1);
    keys.add(both[0]?.[0]?.pubkey ?? '');
  }
  expect(keys.size).toBe(1);
});

it('two owners with one identifier have receipts of their own', async () => {
  const [one, other] = [new Person(), new Person()];
  for (const owner of [one, other]) {
    await publish(first.url, announcement(PUBLIC_URL, owner, 'same'));
    const user = await new GitClient(folder.path).init(`same-${owner.npub}`);
    await user.commit('Begin', { README: owner.npub });
    const signed = signedIn(user, owner, gitUrl(PUBLIC_URL, owner, 'same'));
    await signed.run(['push', '--quiet', gitUrl(first.url, owner, 'same'), 'main']);
  }
  const receipts = await eventually(
    () => query(first.url, { kinds: [30_618], '#d': ['same'] }),
    (events) => events.length === 2,
  );
  expect(new Set(receipts.map(({ pubkey }) => pubkey)).size).toBe(2);
});

/** Servers of Fossil repositories as processes: many pushers at once, and servers that are killed in the middle of a round. */
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ArtifactName } from '../../src/fossil/artifact-name.ts';
import type { Card } from '../../src/fossil/cards.ts';
import { readCards } from '../../src/fossil/read-cards.ts';
import { writeCards } from '../../src/fossil/write-cards.ts';
import type { ReceivedArtifact } from '../../src/repository/fossil/prepared-artifacts.ts';
import { runCommand } from '../helpers/command.ts';
import { FossilClient, noFossil } from '../helpers/fossil.ts';
import { expectWhole } from '../helpers/fossil-compare.ts';
import { checkIn, delta, lines, whole } from '../helpers/fossil-rig.ts';
import { type KillAt, spawnKillingServer } from '../helpers/killing-server.ts';
import { startR2 } from '../helpers/r2.ts';
import { OWNER, spawnServer } from '../helpers/server.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const NAME = 'stones';
const PROJECT = '7'.repeat(40);
const PUSH: Card = { card: 'push', serverCode: 'x', projectCode: PROJECT };

const urlOn = ({ url }: { readonly url: string }) => `${url}/fossil/${OWNER}/${NAME}`;

async function create(store: string, environment: Readonly<Record<string, string>> = {}): Promise<void> {
  const args = [
    'repo',
    'create',
    `${OWNER}/${NAME}`,
    '--fossil',
    '--project-code',
    PROJECT,
    '--store',
    store,
  ];
  const made = await runCommand(args, environment);
  expect(made, made.stderr).toMatchObject({ exitCode: 0 });
}

/** Sends one request. @returns the cards of the reply. Rejects if there is none */
async function send(server: { readonly url: string }, cards: readonly Card[]): Promise<readonly Card[]> {
  const response = await fetch(urlOn(server), {
    method: 'POST',
    headers: { 'content-type': 'application/x-fossil-debug' },
    body: new Uint8Array(writeCards(cards)),
  });
  expect(response.status).toBe(200);
  return [...readCards(new Uint8Array(await response.arrayBuffer()))];
}

const file = ({ name, source, payload }: ReceivedArtifact): Card => ({
  card: 'file',
  name,
  ...(source === undefined ? {} : { source }),
  payload,
  isPrivate: false,
});

/** Clones with the stock program. @returns the names of the artifacts that came */
async function cloned(
  server: { readonly url: string },
  folder: string,
  name: string,
): Promise<readonly string[]> {
  const client = new FossilClient(folder);
  const { all } = await client.try(['clone', urlOn(server), `${name}.fossil`]);
  expect(all).toContain('Clone done');
  const repository = join(folder, `${name}.fossil`);
  await expectWhole(client, repository);
  return client.artifacts(repository);
}

beforeEach((test) => test.skip(noFossil !== undefined, noFossil));

it('sixteen concurrent pushers over two server processes lose no artifact (issue 14)', async () => {
  await using folder = await tempDir('cairn-fossil');
  const bucket = await startR2();
  try {
    const store = `s3://${bucket.bucket}/${bucket.prefix}`;
    const environment = {
      CAIRN_S3_ENDPOINT: bucket.endpoint,
      CAIRN_S3_REGION: bucket.region,
      AWS_ACCESS_KEY_ID: bucket.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: bucket.credentials.secretAccessKey,
    };
    const start = (cache: string) =>
      spawnServer(['--store', store, '--cache', join(folder.path, cache)], environment);
    await using first = await start('cache-0');
    await using second = await start('cache-1');
    await create(store, environment);
    const servers = [first, second];
    const root = checkIn('root');
    const pushed = new Set<ArtifactName>([root.name]);
    const errors: Card[] = [];
    await send(first, [PUSH, file(root)]);
    const pushers = Array.from({ length: 16 }, async (_, pusher) => {
      let last = root;
      for (let round = 0; round < 4; round++) {
        const next = checkIn(`of ${pusher} in ${round}`, [last]);
        const content = whole(lines(1_000 * pusher + 10 * round, 40));
        // Each session goes on at the other server, as behind a load balancer.
        const server = servers[(pusher + round) % 2] ?? first;
        const reply = await send(server, [PUSH, file(delta(last, next)), file(content)]);
        errors.push(...reply.filter(({ card }) => card === 'error'));
        for (const { name } of [next, content]) pushed.add(name);
        last = next;
      }
    });
    await Promise.all(pushers);
    expect(errors).toEqual([]);
    for (const [at, server] of servers.entries()) {
      const name = `clone-${at}`;
      const artifacts = await cloned(server, folder.path, name);
      expect(artifacts).toEqual(expect.arrayContaining([...pushed]));
      // What is besides is a tag that the client gives the first check-in, or a cluster.
      const client = new FossilClient(folder.path);
      const repository = join(folder.path, `${name}.fossil`);
      for (const artifact of artifacts.filter((one) => !pushed.has(one as ArtifactName))) {
        const { all } = await client.try(['artifact', artifact, '-R', repository]);
        expect(all).toMatch(/^(?:T \*\S+ |M [0-9a-f]{40,64}$)/m);
      }
    }
  } finally {
    await bucket.close();
  }
});

const STEPS: readonly Pick<KillAt, 'ending' | 'moment'>[] = [
  { ending: '.bag', moment: 'before' },
  { ending: '.bag', moment: 'after' },
  { ending: '/pointer', moment: 'before' },
  { ending: '/pointer', moment: 'during' },
  { ending: '/pointer', moment: 'after' },
];

describe('a server killed during a round (issue 14)', () => {
  it.each(STEPS)(
    '$moment it writes *$ending has stored what it acknowledged, and the rest can be sent again',
    async (step) => {
      await using folder = await tempDir('cairn-fossil');
      const data = join(folder.path, 'data');
      await create(`file:${data}`);
      const artifacts = [0, 1, 2].map((round) => checkIn(`round ${round}`));
      const [acknowledged = checkIn(''), lost = checkIn('')] = artifacts;
      {
        await using killing = await spawnKillingServer(
          { data, cache: join(folder.path, 'cache') },
          { ...step, ordinal: 2 },
        );
        const reply = await send(killing, [PUSH, file(acknowledged)]);
        expect(reply.filter(({ card }) => card === 'error')).toEqual([]);
        await expect(send(killing, [PUSH, file(lost)])).rejects.toThrow();
        expect(await killing.died(60_000)).toBe('killed itself');
      }
      await using server = await spawnServer([
        '--store',
        `file:${data}`,
        '--cache',
        join(folder.path, 'cache-2'),
      ]);
      const survived = await cloned(server, folder.path, 'survivor');
      expect(survived).toContain(acknowledged.name);
      if (step.ending !== '/pointer' || step.moment === 'before') expect(survived).not.toContain(lost.name);
      if (step.ending === '/pointer' && step.moment === 'after') expect(survived).toContain(lost.name);
      await send(server, [PUSH, ...artifacts.map(file)]);
      expect(await cloned(server, folder.path, 'again')).toEqual(artifacts.map(({ name }) => name).sort());
    },
  );
});

/** Many push at once, through two servers over one bucket that know nothing of each other. */

import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ObjectStorePair } from '../../src/object-store/object-store.ts';
import { openS3 } from '../../src/object-store/s3/s3.ts';
import { type RepositoryId, repositoryId } from '../../src/repository/repository-id.ts';
import { cloneWhole } from '../helpers/clone-whole.ts';
import { type CommandResult, GitClient } from '../helpers/git-client.ts';
import {
  explainChain,
  type Link,
  type RefChange,
  readChain,
  watchPointer,
} from '../helpers/manifest-chain.ts';
import { startR2, type TestBucket } from '../helpers/r2.ts';
import {
  bandsOf,
  commitObject,
  objectId,
  packOf,
  push,
  pushHead,
  reportOf,
  send,
  treeObject,
} from '../helpers/raw-git.ts';
import { SeededRandom } from '../helpers/seeded-random.ts';
import { OWNER, repositoryUrl, type ServerProcess, spawnServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const TWO = [0, 1] as const;

let bucket: TestBucket;
let folder: TempDir;
let stores: ObjectStorePair;
let servers: readonly ServerProcess[];

beforeAll(async () => {
  bucket = await startR2();
  folder = await tempDir('cairn-race');
  stores = openS3(bucket);
  // The first one proves the store; the second one starts on it while the first one runs.
  servers = [await startOver(bucket, 'cache-0'), await startOver(bucket, 'cache-1')];
});

afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop('SIGKILL')));
  await Promise.all([stores.control.close(), stores.bulk.close()]);
  await bucket.close();
  await folder[Symbol.asyncDispose]();
});

function startOver(place: TestBucket, cache: string): Promise<ServerProcess> {
  return spawnServer(
    ['--store', `s3://${place.bucket}/${place.prefix}`, '--cache', join(folder.path, cache)],
    {
      CAIRN_S3_ENDPOINT: place.endpoint,
      CAIRN_S3_REGION: place.region,
      AWS_ACCESS_KEY_ID: place.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: place.credentials.secretAccessKey,
    },
  );
}

/** The URL of a repository on one of the two servers; pushers take turns. */
function urlOn(number: number, identifier: string): string {
  const server = servers[number % servers.length];
  if (server === undefined) throw new Error('no servers are running');
  return repositoryUrl(server, identifier);
}

/** A repository with one commit on `main`, its author, and as many commits on top of that as asked for, side by side. */
async function prepare(identifier: string, count: number) {
  const author = await new GitClient(folder.path).init(identifier);
  const base = await author.commit('Begin', { README: 'first\n' });
  await author.run(['push', '--quiet', urlOn(0, identifier), 'main']);
  const commits: string[] = [];
  for (let number = 0; number < count; number++) {
    commits.push(await author.run(['commit-tree', '-p', base, '-m', `Pusher ${number}`, `${base}^{tree}`]));
  }
  return { author, base, commits, id: repositoryId(OWNER, identifier) };
}

/**
 * Pushes at the same moment: each `git push` has been shown the refs, and stands before sending its commands, when
 * all of them are let go.
 */
async function pushTogether(
  author: GitClient,
  pushes: readonly (readonly string[])[],
): Promise<CommandResult[]> {
  const hooks = join(author.folder, '.git', 'gate');
  const waiting = join(hooks, 'waiting');
  await mkdir(waiting, { recursive: true });
  const script = `#!/bin/sh\n: > '${waiting}'/$$\nuntil test -e '${hooks}/open'; do sleep 0.05; done\n`;
  await writeFile(join(hooks, 'pre-push'), script, { mode: 0o755 });
  const running = pushes.map((args) =>
    author.try(['-c', `core.hooksPath=${hooks}`, 'push', '--porcelain', ...args]),
  );
  let ended = 0;
  for (const one of running) {
    void one.finally(() => {
      ended++;
    });
  }
  // One that ends before the gate is open has failed; its words are looked at with the others'.
  while (ended === 0 && (await readdir(waiting)).length < pushes.length) await sleep(20);
  await writeFile(join(hooks, 'open'), '');
  return Promise.all(running);
}

/** What the store holds, having been checked: every state that was seen on the way is on it, in order. */
async function settledChain(id: RepositoryId, seen: readonly string[]): Promise<Link[]> {
  const chain = await readChain(stores, id);
  const depths = seen.map((digest) => chain.findIndex((link) => link.digest === digest));
  expect(depths).not.toContain(-1);
  expect(depths).toEqual([...depths].sort((left, right) => left - right));
  return chain;
}

it('exactly one of sixteen concurrent pushes to one branch succeeds, and the others are told to fetch first', async () => {
  const { author, base, commits, id } = await prepare('one-branch', 16);
  const watched = watchPointer(stores, id);
  const answers = await pushTogether(
    author,
    commits.map((commit, number) => [urlOn(number, 'one-branch'), `${commit}:refs/heads/main`]),
  );
  const seen = await watched.stop();

  const winners = commits.filter((_, number) => answers[number]?.exitCode === 0);
  expect(winners, JSON.stringify(answers)).toHaveLength(1);
  const [winner = ''] = winners;
  for (const { exitCode, stdout } of answers) {
    if (exitCode === 0) continue;
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^!\t\S+:refs\/heads\/main\t\[remote rejected\] \(.*fetch first\)$/m);
  }
  const chain = await settledChain(id, seen);
  expect(chain.map((link) => link.manifest.refs.get('refs/heads/main'))).toEqual([base, winner]);
  for (const number of TWO) {
    const copy = await cloneWhole(
      new GitClient(folder.path),
      urlOn(number, 'one-branch'),
      `one-branch-from-${number}`,
    );
    expect(await copy.run(['rev-list', 'main'])).toBe(`${winner}\n${base}`);
  }
});

it('thirty-two concurrent pushes to thirty-two branches all succeed', async () => {
  const { author, base, commits, id } = await prepare('many-branches', 32);
  const branch = (number: number) => `refs/heads/branch-${String(number).padStart(2, '0')}`;
  const watched = watchPointer(stores, id);
  const answers = await pushTogether(
    author,
    commits.map((commit, number) => [urlOn(number, 'many-branches'), `${commit}:${branch(number)}`]),
  );
  const seen = await watched.stop();

  expect(answers.filter(({ exitCode }) => exitCode !== 0)).toEqual([]);
  const chain = await settledChain(id, seen);
  const created = commits.map((to, number): RefChange[] => [{ ref: branch(number), from: undefined, to }]);
  explainChain(chain, [[{ ref: 'refs/heads/main', from: undefined, to: base }], ...created]);
  const expected = commits.map((commit, number) => `${commit} ${branch(number)}`);
  for (const number of TWO) {
    const copy = await cloneWhole(
      new GitClient(folder.path),
      urlOn(number, 'many-branches'),
      `many-branches-from-${number}`,
    );
    const refs = await copy.run(['for-each-ref', '--format=%(objectname) %(refname)']);
    expect(refs.split('\n')).toEqual([...expected, `${base} refs/heads/main`]);
  }
});

/** What users of the third test quarrel about. */
const REFS = ['refs/heads/red', 'refs/heads/green', 'refs/heads/blue', 'refs/tags/mark'] as const;
const CLIENTS = 8;
const ROUNDS = 8;

it('concurrent creates, updates and deletes of a few refs have an order that explains every answer', async () => {
  const { base, id } = await prepare('mixed', 0);
  const watched = watchPointer(stores, id);
  const answered = (
    await Promise.all(Array.from({ length: CLIENTS }, (_, number) => pushAtRandom('mixed', number)))
  ).flat();
  const seen = await watched.stop();

  const accepted = answered.filter(({ ok }) => ok).map(({ changes }) => changes);
  const refused = answered.filter(({ ok }) => !ok);
  // Both answers have to have been given, and every kind of change carried out, or this shows nothing.
  expect(refused.length).toBeGreaterThan(0);
  const flat = accepted.flat();
  expect(flat.some(({ from }) => from === undefined)).toBe(true);
  expect(flat.some(({ to }) => to === undefined)).toBe(true);
  expect(flat.some(({ from, to }) => from !== undefined && to !== undefined)).toBe(true);
  for (const { reasons } of refused) {
    for (const reason of reasons) expect(reason).toMatch(/fetch first|atomic push failure|busy, try again/);
  }
  const chain = await settledChain(id, seen);
  const began: RefChange[] = [{ ref: 'refs/heads/main', from: undefined, to: base }];
  const order = explainChain(chain, [began, ...accepted]);
  // Only a delete may be answered `ok` without a place of its own: what it asks for was so already.
  const placeless = accepted.filter((changes) => !order.includes(changes));
  expect(placeless.flat().filter(({ to }) => to !== undefined)).toEqual([]);
  // A new object id is only ever used once, so nothing that was refused can have been let in under another name.
  const published = new Set(chain.flatMap((link) => [...link.manifest.refs.values()]));
  const refusedIds = refused.flatMap(({ changes }) =>
    changes.flatMap(({ to }) => (to === undefined ? [] : [to])),
  );
  expect(refusedIds.filter((oid) => published.has(oid))).toEqual([]);
  for (const number of TWO) {
    const copy = await cloneWhole(new GitClient(folder.path), urlOn(number, 'mixed'), `mixed-from-${number}`);
    const refs = await copy.run(['for-each-ref', '--format=%(refname) %(objectname)']);
    const last = [...(chain.at(-1)?.manifest.refs ?? [])].map((entry) => entry.join(' '));
    expect(refs.split('\n')).toEqual(last);
  }
});

interface Answered {
  readonly changes: readonly RefChange[];
  readonly ok: boolean;
  readonly reasons: readonly string[];
}

/** One user who looks at the refs and changes one or two of them at a time, in one atomic push, again and again. */
async function pushAtRandom(identifier: string, number: number): Promise<Answered[]> {
  const random = new SeededRandom(number);
  const url = urlOn(number, identifier);
  const answered: Answered[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const refs = await shownRefs(url);
    const chosen = new Set([random.pick(REFS), ...(random.fraction() < 0.3 ? [random.pick(REFS)] : [])]);
    const objects = [...chosen].map((ref) => objectsOf(`${number} ${round} ${ref}`));
    const changes = [...chosen].map((ref, at): RefChange => {
      const from = refs.get(ref);
      const deletes = from !== undefined && random.fraction() < 0.4;
      return { ref, from, to: deletes ? undefined : objects[at]?.id };
    });
    const packed = changes.flatMap(({ to }, at) => (to === undefined ? [] : (objects[at]?.objects ?? [])));
    answered.push(await pushOnce(url, changes, packed));
  }
  return answered;
}

function objectsOf(text: string) {
  const blob = { type: 'blob', content: Buffer.from(text) } as const;
  const tree = treeObject('file', objectId(blob));
  const commit = commitObject(objectId(tree), [], text);
  return { id: objectId(commit), objects: [blob, tree, commit] };
}

async function pushOnce(
  url: string,
  changes: readonly RefChange[],
  objects: Parameters<typeof packOf>[0],
): Promise<Answered> {
  const commands = changes.map(({ ref, from, to }) => ({
    name: ref,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  }));
  const head = pushHead(commands, { capabilities: 'report-status side-band-64k atomic delete-refs' });
  const pack = changes.every(({ to }) => to === undefined) ? [] : [packOf(objects)];
  const answer = await push(url, Buffer.concat([head, ...pack]));
  expect(answer.status, answer.text).toBe(200);
  expect(bandsOf(answer.body).fatal).toBe('');
  const lines = reportOf(answer).slice(1);
  expect(lines).toHaveLength(changes.length);
  const reasons = lines.filter((line) => !line.startsWith('ok '));
  expect([0, changes.length]).toContain(reasons.length);
  return { changes, ok: reasons.length === 0, reasons };
}

async function shownRefs(url: string): Promise<Map<string, string>> {
  const { text } = await send(`${url}/info/refs?service=git-receive-pack`);
  const lines = text.matchAll(/([0-9a-f]{40}) (refs\/[^\0\n]+)/g);
  return new Map([...lines].map(([, oid = '', ref = '']) => [ref, oid]));
}

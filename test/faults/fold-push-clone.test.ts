/**
 * Many push, clone and fetch while packs are folded, through two servers over one bucket. `CAIRN_TEST_MINUTES` says for
 * how long; a quarter of a minute when it does not.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ObjectStorePair } from '../../src/object-store/object-store.ts';
import { openS3 } from '../../src/object-store/s3/s3.ts';
import { repositoryId } from '../../src/repository/repository-id.ts';
import { runCommand } from '../helpers/command.ts';
import { GitClient } from '../helpers/git-client.ts';
import { type Link, readChain } from '../helpers/manifest-chain.ts';
import { startR2, type TestBucket } from '../helpers/r2.ts';
import { OWNER, repositoryUrl, type ServerProcess, spawnServer } from '../helpers/server.ts';
import { tell } from '../helpers/tell.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';
import { Cloner, type Copy, firstCommits, Pusher, type Told } from './fold-push-clone-users.ts';

const MINUTES = Number(process.env['CAIRN_TEST_MINUTES'] ?? 0.15);
const PUSHERS = 4;
const CLONERS = 2;
/** Milliseconds between two folds that somebody asks for. */
const FOLD_EVERY = 1_500;
/** Milliseconds for which more is waited for than time. */
const LONGEST_WAIT = 90_000;
/** Sixteen wait for a fold, and some arrive while it runs. */
const MOST_PACKS = 48;

let bucket: TestBucket;
let folder: TempDir;
let stores: ObjectStorePair;

beforeAll(async () => {
  bucket = await startR2();
  folder = await tempDir('cairn-busy');
  stores = openS3(bucket);
});

afterAll(async () => {
  await Promise.all([stores.control.close(), stores.bulk.close()]);
  await bucket.close();
  await folder[Symbol.asyncDispose]();
});

it.each([
  { days: 7, objects: 'wait for a week', part: 0.6, pause: 0 },
  // Who is shown a ref may come too late for it, and is told so; what is there is complete all the same. A fold that drops
  // objects gives up where refs move faster than it can look, so nobody pushes without a pause.
  { days: 0, objects: 'leave at once', part: 0.4, pause: 600 },
])(
  'nothing is lost and every clone is complete if unreachable objects $objects',
  { timeout: MINUTES * 60_000 + 240_000 },
  async ({ days, part, pause }) => {
    const environment = {
      CAIRN_STORE: `s3://${bucket.bucket}/${bucket.prefix}`,
      CAIRN_S3_ENDPOINT: bucket.endpoint,
      CAIRN_S3_REGION: bucket.region,
      AWS_ACCESS_KEY_ID: bucket.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: bucket.credentials.secretAccessKey,
      CAIRN_UNREACHABLE_GRACE: String(days),
    };
    const home = join(folder.path, `for-${days}-days`);
    const cache = (number: number) => join(folder.path, `cache-${days}-${number}`);
    // The first one proves the store; the second one starts on it while the first one runs.
    await using first = await spawnServer(['--cache', cache(0)], environment);
    await using second = await spawnServer(['--cache', cache(1)], environment);
    const name = `busy-${days}`;
    const urls = [first, second].map((server: ServerProcess) => repositoryUrl(server, name));
    const author = await new GitClient(folder.path).init(`author-${days}`);
    await author.run(['fast-import', '--quiet'], { input: firstCommits(60) });
    await author.run(['push', '--quiet', urls[0] ?? '', 'main']);

    const common = { home, urls, pause, objectsLeave: days === 0 };
    const pushers = await inParallel(PUSHERS, (number) => Pusher.start({ ...common, number }));
    const cloners = await inParallel(CLONERS, (number) => Cloner.start({ ...common, number }));
    const deadline = performance.now() + part * MINUTES * 60_000;
    let done = 0;
    // On a busy machine little may have happened by then: everybody goes on until there is something to look at.
    const isEnough = () =>
      cloners.every(({ copies, tooLate }) => copies.length > tooLate) && (days === 0 || done > 0);
    const over = () => {
      const late = performance.now() - deadline;
      return late >= LONGEST_WAIT || (late >= 0 && isEnough());
    };
    const overFor = (_answered: number, foldsDone: number) => {
      done = foldsDone;
      return over();
    };
    const [folded] = await Promise.all([
      foldAgainAndAgain(name, cache(0), environment, overFor),
      ...pushers.map((pusher) => pusher.push(over)),
      ...cloners.map((cloner) => cloner.copy(over)),
    ]);
    // And once when all is quiet, behind whatever a server may still be folding.
    const last = await foldAgainAndAgain(name, cache(0), environment, (answered) => answered > 0);

    expect([...folded.failures, ...last.failures]).toEqual([]);
    expect(pushers.flatMap(({ failures }) => failures)).toEqual([]);
    expect(cloners.flatMap(({ failures }) => failures)).toEqual([]);
    const chain = await readChain(stores, repositoryId(OWNER, name));
    const told = new Map(pushers.flatMap((pusher) => [...pusher.told]));
    const copies = cloners.flatMap((cloner) => cloner.copies);
    const folds = chain.filter(({ manifest }) => manifest.causes.some(({ kind }) => kind === 'fold'));
    const answers = [...told.values()].flat().map(({ answer }) => answer);
    const summary = {
      refsPushed: answers.filter((answer) => answer === 'ok').length,
      refsRefused: answers.filter((answer) => answer === 'refused').length,
      copies: copies.length,
      copiesTooLate: cloners.reduce((sum, { tooLate }) => sum + tooLate, 0),
      states: chain.length,
      folds: folds.length,
      foldsAskedFor: folded.done + last.done,
      packs: chain.at(-1)?.manifest.packs.map(({ kind }) => kind),
    };
    const came = tell('pushed, folded and cloned', summary);
    expect(folds.length, came).toBeGreaterThan(0);
    if (days > 0) expect(folds.length, came).toBeGreaterThan(last.done);
    expect(copies.length, came).toBeGreaterThan(summary.copiesTooLate);
    expect(summary.refsPushed, came).toBeGreaterThan(summary.refsRefused);
    expectFoldsToKeepRefs(chain);
    for (const [ref, values] of told) expectAllThere(ref, values, chain);
    for (const copy of copies) expectToHaveExisted(copy, chain, told);
    expect(summary.packs?.length).toBeLessThanOrEqual(MOST_PACKS);

    const mirrors = await Promise.all(urls.map((url, at) => mirror(url, join(home, `mirror-${at}`))));
    const refs = [...(chain.at(-1)?.manifest.refs ?? [])].map(([ref, oid]) => `${oid} ${ref}`).join('\n');
    expect(mirrors).toEqual([refs, refs]);
  },
);

function inParallel<T>(count: number, make: (number: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, number) => make(number)));
}

/**
 * Somebody asks for folds, whole ones and others, while the servers begin theirs by themselves.
 * @param over is told how many of them did not find somebody else folding, and how many made packs
 */
async function foldAgainAndAgain(
  name: string,
  cache: string,
  environment: Readonly<Record<string, string>>,
  over: (answered: number, done: number) => boolean,
): Promise<{ readonly done: number; readonly failures: readonly string[] }> {
  const failures: string[] = [];
  let [answered, done] = [0, 0];
  while (!over(answered, done)) {
    const args = ['fold', '--cache', cache, ...(answered % 2 === 0 ? [`${OWNER}/${name}`] : ['--all'])];
    const { exitCode, stdout, stderr } = await runCommand(args, environment);
    // Only one may fold at a time, and a server may have been first.
    const leased = exitCode !== 0 && stderr.includes('is folding');
    if (exitCode !== 0 && !leased) failures.push(stderr);
    if (!leased) answered++;
    if (/folded|rolled up/.test(stdout)) done++;
    await sleep(FOLD_EVERY);
  }
  return { done, failures };
}

/** Refs change by the acts of their pushers alone, and a state says which of them changed. */
function expectFoldsToKeepRefs(chain: readonly Link[]): void {
  let before: ReadonlyMap<string, string> = new Map();
  for (const { manifest } of chain) {
    const names = new Set([...before.keys(), ...manifest.refs.keys()]);
    const changed = [...names].filter((name) => before.get(name) !== manifest.refs.get(name));
    const caused = new Set(manifest.causes.flatMap(({ refs }) => refs));
    expect(changed.filter((name) => !caused.has(name))).toEqual([]);
    before = manifest.refs;
  }
}

/** The values a ref went through are those that its pusher was told of, in that order, and no others. */
function expectAllThere(ref: string, told: readonly Told[], chain: readonly Link[]): void {
  const values: (string | undefined)[] = [undefined];
  for (const { manifest } of chain) {
    const value = manifest.refs.get(ref);
    if (value !== values.at(-1)) values.push(value);
  }
  const left = told.filter(({ answer }) => answer !== 'refused');
  for (const value of values.slice(1)) {
    while (left[0]?.answer === 'unknown' && left[0].to !== value) left.shift();
    expect(left.shift()?.to, `${ref} was ${value} once`).toBe(value);
  }
  expect(
    left.filter(({ answer }) => answer === 'ok'),
    `${ref} is ${values.at(-1)}`,
  ).toEqual([]);
}

/** The refs of a copy are those of one state, and no older or newer than the time in which it was made. */
function expectToHaveExisted(
  copy: Copy,
  chain: readonly Link[],
  told: ReadonlyMap<string, readonly Told[]>,
): void {
  const existed = chain.some(
    ({ manifest: { refs } }) =>
      refs.size === copy.refs.size && [...refs].every(([name, oid]) => copy.refs.get(name) === oid),
  );
  expect(existed, 'the refs of a copy are those of a state').toBe(true);
  for (const [ref, values] of told) {
    const known = values.findLastIndex(({ answer, ended }) => answer === 'ok' && ended < copy.began);
    const possible = values.slice(Math.max(known, 0)).filter(({ began }) => began < copy.ended);
    const allowed = [...(known < 0 ? [undefined] : []), ...possible.map(({ to }) => to)];
    expect(allowed, `${ref} as it was copied`).toContain(copy.refs.get(ref));
  }
}

async function mirror(url: string, path: string): Promise<string> {
  const copy = await new GitClient('/').clone(url, path, '--mirror');
  expect(await copy.run(['fsck', '--full', '--strict', '--no-progress'])).toBe('');
  return copy.run(['for-each-ref', '--format=%(objectname) %(refname)']);
}

/**
 * The memory of all git processes together is bounded, and the bound is what the documents say: with as much as possible going on at
 * once, made to cost as much as possible, the limits of all processes never add up to more.
 */
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSettings } from '../../src/config/settings.ts';
import { repositoryId } from '../../src/repository/repository-id.ts';
import type { App } from '../../src/server/app.ts';
import { gitBudget } from '../../src/server/git-budget.ts';
import { appendDelta, CraftedPack } from '../helpers/craft-pack.ts';
import { GitClient } from '../helpers/git-client.ts';
import { announcement, gitUrl, graspUrl, publish, state, tokenFor } from '../helpers/identity.ts';
import { Person } from '../helpers/nostr-client.ts';
import {
  commitObject,
  fetchFrom,
  objectId,
  push,
  pushHead,
  type RawAnswer,
  type RawObject,
  treeObject,
} from '../helpers/raw-git.ts';
import { startServer } from '../helpers/server.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';

const MIB = 2 ** 20;
const PLACES = 3;
const FLAGS = {
  access: 'signed',
  'git-memory': '64MiB',
  'git-concurrency': String(PLACES),
  'anonymous-pushes': 'slots=1',
};

let folder: TempDir;
let server: App;
let closed: string;
let started: string;

/** A git that waits, while the gate is closed, so that all that may run at once does, and can be counted. */
async function gatedGit(): Promise<string> {
  const path = join(folder.path, 'gated-git');
  const wait = `if [ -e ${closed} ]; then echo "$$ $1" >>${started}; while [ -e ${closed} ]; do sleep 0.1; done; fi`;
  await writeFile(path, `#!/bin/sh\n${wait}\nexec git "$@"\n`);
  await chmod(path, 0o755);
  return path;
}

beforeAll(async () => {
  folder = await tempDir('cairn-sum');
  closed = join(folder.path, 'closed');
  started = join(folder.path, 'started');
  server = await startServer({
    flags: { ...FLAGS, git: await gatedGit() },
    overrides: { background: false },
  });
});

afterAll(async () => {
  await rm(closed, { force: true });
  await server.close();
  await folder[Symbol.asyncDispose]();
});

interface LimitedProcess {
  readonly name: string;
  /** Bytes that it and each of its children may have. */
  readonly limit: number;
}

/** The processes that wait at the gate, with the limits that they have. */
async function waiting(): Promise<LimitedProcess[]> {
  const lines = (await readFile(started, 'latin1').catch(() => '')).split('\n').filter((line) => line !== '');
  return Promise.all(
    lines.map(async (line) => {
      const [pid, name = ''] = line.split(' ');
      const [, soft, hard] =
        /^Max data size +(\d+) +(\d+) /m.exec(await readFile(`/proc/${pid}/limits`, 'latin1')) ?? [];
      expect(soft, `${name} may not raise its limit`).toBe(hard);
      return { name, limit: Number(soft) };
    }),
  );
}

/** Bytes of data that all git processes below this one have (VmData), as of about now. */
async function dataOfGit(): Promise<number> {
  const parents = new Map<number, number>();
  const data = new Map<number, number>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const status = await readFile(`/proc/${name}/status`, 'latin1').catch(() => '');
    const [, program] = /^Name:\s+(\S+)/m.exec(status) ?? [];
    parents.set(Number(name), Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]));
    // One that has ended and is not yet waited for has no memory.
    if (program === 'git') data.set(Number(name), Number(/^VmData:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024);
  }
  let sum = 0;
  for (const [pid, bytes] of data) {
    let at: number | undefined = pid;
    while (at !== undefined && at !== process.pid) at = parents.get(at);
    if (at === process.pid) sum += bytes;
  }
  return sum;
}

const FILE: RawObject = { type: 'blob', content: Buffer.from('a file\n') };

/** A few KB from which git makes much: 12 MiB again and again, each as a difference from the one before. */
function deepDeltas(tip: RawObject, tree: RawObject): Buffer {
  const pack = new CraftedPack().all([tip, tree, FILE]);
  let [entry, size] = [pack.whole({ type: 'blob', content: Buffer.alloc(12 * MIB) }), 12 * MIB];
  for (let at = 0; at < 12; at++) {
    entry = pack.offsetDelta(entry, appendDelta(size, Buffer.from('x')));
    size++;
  }
  return pack.bytes();
}

function manyObjects(tip: RawObject, tree: RawObject): Buffer {
  const pack = new CraftedPack().all([tip, tree, FILE]);
  for (let at = 0; at < 20_000; at++) pack.whole({ type: 'blob', content: Buffer.from(`${at}`) });
  return pack.bytes();
}

function hugeObject(tip: RawObject, tree: RawObject): Buffer {
  const pack = new CraftedPack().all([tip, tree, FILE]);
  pack.whole({ type: 'blob', content: Buffer.alloc(30 * MIB) });
  return pack.bytes();
}

describe.runIf(process.platform === 'linux')('all git processes together (issue 11, point 3)', () => {
  const owner = new Person();
  const tree = treeObject('file', objectId(FILE));
  const commit = (message: string) => commitObject(objectId(tree), [], message);
  const packs = [deepDeltas, manyObjects, hugeObject];

  async function repository(name: string): Promise<string> {
    const announced = await publish(server.url, announcement(server.url, owner, name));
    expect(announced.accepted).toBe(true);
    return gitUrl(server.url, owner, name);
  }

  it('never get more memory than documented, whatever runs at once', async () => {
    const { sum, shares, pageShares } = gitBudget(readSettings(FLAGS, {}), 16 * 2 ** 30);
    expect(sum).toBe((shares.all + shares.spare + pageShares) * 64 * MIB);

    const home = await repository('home');
    const authorized = (url: string) => ({ Authorization: tokenFor(owner, url) });
    const user = await new GitClient(folder.path).init('user');
    const base = await user.commit('Begin', { README: 'first\n' });
    await user.commit('Go on', { README: 'second\n' });
    const withToken = user.with(`http.extraHeader=Authorization: ${tokenFor(owner, home)}`);
    await withToken.run(['push', '--quiet', home, 'HEAD:main']);
    const tip = await user.oidOf('HEAD');
    const others = await Promise.all([1, 2, 3, 4, 5, 6].map((at) => repository(`other-${at}`)));

    await writeFile(closed, '');
    const answers: Promise<RawAnswer>[] = [];
    for (const [at, url] of others.entries()) {
      const made = commit(`Owner ${at}`);
      const pack = packs[at % packs.length]?.(made, tree) ?? Buffer.alloc(0);
      const head = pushHead([{ name: 'refs/heads/main', to: objectId(made) }]);
      answers.push(push(url, Buffer.concat([head, pack]), authorized(url)));
    }
    for (let at = 0; at < 6; at++) {
      const deepen = `deepen ${1_000 + at}`;
      const question = `0032want ${tip}\n${(deepen.length + 4).toString(16).padStart(4, '0')}${deepen}00000009done\n`;
      answers.push(fetchFrom(home, Buffer.from(question)));
    }
    for (let at = 0; at < 3; at++) {
      const made = commit(`Stranger ${at}`);
      const head = pushHead([{ name: `refs/nostr/${'e'.repeat(63)}${at}`, to: objectId(made) }]);
      const pack = packs[at]?.(made, tree) ?? Buffer.alloc(0);
      answers.push(push(graspUrl(server.url, owner, 'home'), Buffer.concat([head, pack])));
    }
    const fold = server.fold(repositoryId(owner.publicKey, 'home'));
    const now = Math.floor(Date.now() / 1000);
    const states = Array.from({ length: 6 }, (_, at) =>
      publish(
        server.url,
        state(owner, 'home', { 'refs/heads/main': tip, [`refs/heads/b${at}`]: base }, { at: now + at }),
      ),
    );

    // Who waits at the gate: each slot has one of those that want it, and nobody else has started git.
    const expected = PLACES + 1 + 1 + 4;
    await expect.poll(async () => (await waiting()).length, { timeout: 60_000 }).toBe(expected);
    await user.run(['ls-remote', home]);
    const processes = await waiting();
    expect(processes, 'and nobody has come after that').toHaveLength(expected);
    const limits = processes.map(({ name, limit }) => (name === 'upload-pack' ? 2 * limit : limit));
    expect(limits.reduce((all, limit) => all + limit, 0)).toBeLessThanOrEqual(sum);
    const names = processes.map(({ name }) => name).sort();
    expect(names.filter((name) => name === 'cat-file')).toHaveLength(4);
    expect(names.filter((name) => name === 'pack-objects')).toEqual(['pack-objects']);
    const shareOf = (name: string) => (name === 'pack-objects' ? 4 : name === 'index-pack' ? 3 / 4 : 1);
    for (const { name, limit } of processes) expect(limit).toBe(shareOf(name) * 64 * MIB);

    await rm(closed);
    let over = false;
    const all = Promise.allSettled([...answers, fold, ...states]).finally(() => {
      over = true;
    });
    while (!over) expect(await dataOfGit()).toBeLessThanOrEqual(sum);
    await all;

    for (const answer of await Promise.all(answers)) {
      expect(answer.status).toBe(200);
      expect(answer.text).not.toContain('too many git processes');
    }
    await expect.poll(() => server.git.running).toBe(0);
    const pushes = (await Promise.all(answers.slice(0, 6))).map(({ text }) => text);
    for (const text of pushes)
      expect(text).toMatch(/unpack ok|git index-pack needs more memory|is larger than/);
    await mkdir(join(folder.path, 'reader'));
    await new GitClient(join(folder.path, 'reader')).clone(home, 'copy', '--mirror');
  }, 240_000);
});

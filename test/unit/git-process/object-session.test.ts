import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Git } from '../../../src/git-process/git.ts';
import { ObjectSession } from '../../../src/git-process/object-session.ts';
import type { GitResult } from '../../../src/git-process/result.ts';
import { isCairnError } from '../../../src/lib/errors.ts';
import { BrowseRig } from '../../helpers/browse-rig.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';
import { testSeed } from '../../helpers/test-seed.ts';

let rig: BrowseRig;
const contents = new Map<string, Buffer>();
const SMALL = 1_000;

beforeAll(async () => {
  rig = await BrowseRig.open();
  // Sizes around a line, a pipe and a bound.
  for (const size of [0, 1, SMALL - 1, SMALL, SMALL + 1, 70_000, 300_000]) {
    const content = Buffer.alloc(size, `${size}\n`);
    const oid = await rig.client.run(['hash-object', '-w', '--stdin'], { input: content });
    contents.set(oid.trim(), content);
  }
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
});

it('an object session answers overlapping questions of all kinds, each with its own object', async () => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  const { session } = await rig.view();
  const oids = [...contents.keys(), 'f'.repeat(40), 'no id'];
  const ask = async () => {
    const oid = oids[random.below(oids.length)] ?? '';
    const content = contents.get(oid);
    const kind = random.below(3);
    if (kind === 0) {
      expect(await session.info(oid), `seed ${seed}`).toEqual(
        content === undefined ? undefined : expect.objectContaining({ type: 'blob', size: content.length }),
      );
      return;
    }
    const read = kind === 1 ? session.read(oid, SMALL) : session.readSmall(oid, SMALL);
    const answer = await read.catch((error: unknown) => {
      if (!isCairnError(error, 'too-large')) throw error;
      return 'too large';
    });
    const isLarge = content !== undefined && content.length > SMALL;
    if (isLarge) expect(answer, `seed ${seed}`).toBe('too large');
    else if (content === undefined) expect(answer, `seed ${seed}`).toBeUndefined();
    else expect(answer, `seed ${seed}`).toMatchObject({ type: 'blob', content });
  };
  for (let round = 0; round < 20; round++) await Promise.all(Array.from({ length: 20 }, ask));
});

it('an object session asks once what an object is, and reads a small commit once', async () => {
  const view = await rig.view();
  let lines: string[] = [];
  const git = {
    start: (command: Parameters<typeof view.git.start>[0]) => {
      const running = view.git.start(command);
      const write = running.stdin.write.bind(running.stdin);
      running.stdin.write = (text: string) => {
        lines.push(...text.trim().split('\n'));
        return write(text);
      };
      return running;
    },
  } as unknown as typeof view.git;
  const session = new ObjectSession(git, await view.gitDir());
  const commit = await rig.client.commit('One', { one: '1\n' });
  const [blob = ''] = contents.keys();
  for (let at = 0; at < 3; at++) {
    expect((await session.info(commit))?.type).toBe('commit');
    expect((await session.read(commit, SMALL))?.type).toBe('commit');
  }
  expect(lines).toEqual([`info ${commit}`, `contents ${commit}`]);
  lines = [];
  for (let at = 0; at < 2; at++) await session.read(blob, SMALL);
  expect(lines).toEqual([`info ${blob}`, `contents ${blob}`, `contents ${blob}`]);
  await session.close();
  await expect(session.info(blob)).rejects.toThrow('closed');
});

it('an object session that is closed fails waiting and later questions', async () => {
  const { session } = await rig.view();
  const [oid = ''] = contents.keys();
  const waiting = session.info(oid).catch((error: unknown) => isCairnError(error, 'unavailable'));
  await session.close();
  expect([true, { type: 'blob', size: 0 }]).toContainEqual(await waiting);
  await expect(session.info(oid)).rejects.toThrow('closed');
});

it('an object session finds objects by unique prefixes of their ids, unless a ref of that name points elsewhere', async () => {
  await using own = await BrowseRig.open();
  const { client } = own;
  const paths = Array.from({ length: 700 }, (_, at) => `f${at}`);
  const tip = await client.commit('Many', Object.fromEntries(paths.map((path) => [path, path])));
  const listed = await client.run(['ls-tree', '--format=%(objectname)', 'HEAD']);
  const blobs = [...new Set(listed.split('\n'))];
  const { session } = await own.view();
  const byStart = new Map<string, number>();
  for (const oid of blobs) byStart.set(oid.slice(0, 4), (byStart.get(oid.slice(0, 4)) ?? 0) + 1);
  const shared = [...byStart].find(([, count]) => count > 1)?.[0] ?? '';
  expect(await session.find(shared)).toBeUndefined();
  expect(await session.find(tip.slice(0, 12))).toMatchObject({ oid: tip, type: 'commit' });
  expect(await session.find(tip)).toMatchObject({ oid: tip });
  await client.run(['branch', 'deadbeef']);
  for (const none of ['deadbeef', 'HEAD', 'main', 'abc', `${tip}\ninfo ${tip}`, '']) {
    expect(await session.find(none), none).toBeUndefined();
  }
});

it('an object session caches small commits within its bounds until it is closed, and no files', async () => {
  const oid = await rig.client.commit('One', { a: '1' });
  const { session } = await rig.view();
  const first = await session.read(oid, SMALL);
  expect(await session.read(oid, SMALL)).toBe(first);
  expect((await session.info(oid))?.type).toBe('commit');
  await expect(session.read(oid, 10)).rejects.toMatchObject({ kind: 'too-large' });
  const [blob = ''] = contents.keys();
  expect(await session.read(blob, SMALL)).not.toBe(await session.read(blob, SMALL));
  await session.close();
  await expect(session.read(oid, SMALL)).rejects.toThrow('closed');
});

/** A git whose processes answer each question with an empty file. The output and the process itself end when they are told to. */
function emptyFiles() {
  const started: { readonly endOutput: () => void; readonly end: () => void }[] = [];
  const start = () => {
    const stdout = new PassThrough();
    let resolve: (result: GitResult) => void = () => undefined;
    const ended = new Promise<GitResult>((done) => {
      resolve = done;
    });
    const endOutput = () => void stdout.end();
    const end = () => resolve({ exitCode: 1, signal: null, cancelled: false, stderr: '' });
    started.push({ endOutput, end });
    const write = (text: string) => {
      for (const [, oid] of text.matchAll(/^contents (\S+)$/gm)) stdout.write(`${oid} blob 0\n\n`);
    };
    const stop = () => {
      endOutput();
      end();
    };
    return { stdin: { write }, stdout, stderr: new PassThrough(), ended, stop };
  };
  return { git: { start } as unknown as Git, started };
}

it('an object session answers or refuses each question, at whatever moment git ends', async () => {
  /** Lets so many things be done that wait for a promise. */
  const turns = async (count: number) => {
    for (let turn = 0; turn < count; turn++) await Promise.resolve();
  };
  const later = (milliseconds: number) =>
    new Promise((resolve) => setTimeout(resolve, milliseconds, 'nothing').unref());
  for (let first = 0; first < 8; first++) {
    for (let second = 0; second < 8; second++) {
      const { git, started } = emptyFiles();
      const session = new ObjectSession(git, '/nowhere');
      const ask = async (after: number) => {
        await turns(after);
        return session.readSmall('a'.repeat(40), SMALL).then(
          () => 'an answer',
          () => 'a refusal',
        );
      };
      expect(await ask(0)).toBe('an answer');
      started[0]?.endOutput();
      await new Promise((resolve) => setTimeout(resolve, 5));
      started[0]?.end();
      const asked = [ask(first), ask(second)].map((question) => Promise.race([question, later(30_000)]));
      expect(await Promise.all(asked), `${first} and ${second}`).not.toContain('nothing');
      await session.close();
    }
  }
});

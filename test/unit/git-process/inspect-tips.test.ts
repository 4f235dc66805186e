import { writeFileSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { QuarantinePaths } from '../../../src/git-process/commands.ts';
import { Git } from '../../../src/git-process/git.ts';
import { findDisconnected } from '../../../src/git-process/inspect-objects.ts';
import {
  inspectTips,
  type PublishedTips,
  type TipsInspection,
} from '../../../src/git-process/inspect-tips.ts';
import { GitClient } from '../../helpers/git-client.ts';
import { gitScript } from '../../helpers/git-script.ts';
import { treeObject } from '../../helpers/raw-git.ts';
import { type TempDir, tempDir } from '../../helpers/temp-dir.ts';

const signal = new AbortController().signal;
const ABSENT = 'd'.repeat(40);
const NONE = new Set<string>();

let folder: TempDir;
let paths: QuarantinePaths;
let git: Git;
const started: string[] = [];
/** Object ids by what they are. */
const ids: Record<string, string> = {};
const id = (name: string) => ids[name] ?? '';

beforeAll(async () => {
  folder = await tempDir('cairn-tips');
  const work = await new GitClient(folder.path).init('work');
  const hash = (type: string, input: string | Uint8Array) =>
    work.run(['hash-object', '-t', type, '-w', '--stdin', '--literally'], { input });
  const commit = (tree: string, ...parents: string[]) => {
    const lines = [`tree ${tree}`, ...parents.map((parent) => `parent ${parent}`)];
    return hash('commit', `${lines.join('\n')}\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nx\n`);
  };
  ids['old'] = await work.commit('Old', { a: '0\n', b: 'b\n' });
  ids['first'] = await work.commit('First', { a: '1\n' });
  ids['second'] = await work.commit('Second', { a: '2\n' });
  ids['tree'] = await work.run(['rev-parse', 'HEAD^{tree}']);
  ids['blob'] = await work.run(['rev-parse', 'HEAD:a']);
  await work.run(['tag', '-a', '-m', 'tag', 'tag']);
  ids['tag'] = await work.oidOf('tag');
  await work.run(['tag', '-a', '-m', 'tag of a tag', 'nested', 'tag']);
  ids['nested'] = await work.oidOf('nested');
  // A commit of which the tree is nowhere, one of which a file is, and one on top of what is nowhere.
  ids['no tree'] = await commit(ABSENT, id('first'));
  ids['no blob'] = await commit(await hash('tree', treeObject('f', ABSENT).content), id('first'));
  ids['no parent'] = await commit(id('tree'), ABSENT);
  ids['above'] = await commit(id('tree'), id('no tree'));
  const objects = join(folder.path, 'quarantine');
  await mkdir(objects);
  paths = { gitDir: join(work.folder, '.git'), objects };
  git = new Git({
    binary: 'git',
    home: folder.path,
    observer: { started: (name) => started.push(name), ended: () => undefined },
  });
});

beforeEach(() => {
  started.length = 0;
});

afterAll(() => folder[Symbol.asyncDispose]());

/** Asks about objects by name; `doubtful` are those that may be no commits. */
function inspect(
  names: readonly string[],
  published: PublishedTips = { likely: [id('first')] },
  doubtful: readonly string[] = [],
): Promise<TipsInspection> {
  const tips = names.map((name) => ids[name] ?? name);
  return inspectTips(git, { paths, tips, doubtful: doubtful.map(id), published, signal });
}

describe('a new tip', () => {
  it('at a commit is found complete, and a commit, by one process', async () => {
    const { disconnected, objects } = await inspect(['second']);
    expect(disconnected).toEqual(NONE);
    expect(objects).toEqual(new Map([[id('second'), { type: 'commit' }]]));
    expect(started).toEqual(['rev-list']);
  });

  it.each([
    ['blob', { type: 'blob' }],
    ['tree', { type: 'tree' }],
    ['tag', { type: 'tag', peeled: () => id('second') }],
    ['nested', { type: 'tag', peeled: () => id('second') }],
  ] as const)('that is a %s is never reported as a commit', async (name, { type, ...more }) => {
    const fact = 'peeled' in more ? { type, peeled: more.peeled() } : { type };
    for (const doubtful of [[], [name]]) {
      const { disconnected, objects } = await inspect([name, 'second'], { likely: [id('first')] }, doubtful);
      expect(disconnected).toEqual(NONE);
      expect(objects.get(id(name))).toEqual(fact);
      expect(objects.get(id('second'))).toEqual({ type: 'commit' });
    }
  });

  it('below the published tips is inspected separately', async () => {
    const { disconnected, objects } = await inspect(['old']);
    expect(disconnected).toEqual(NONE);
    expect(objects).toEqual(new Map([[id('old'), { type: 'commit' }]]));
    expect(started).toEqual(['rev-list', 'cat-file']);
  });

  it.each(['no tree', 'no blob', 'no parent', 'above', 'absent'])(
    'is not complete if something below it is missing: %s',
    async (name) => {
      const tip = ids[name] ?? ABSENT;
      expect((await inspect([tip])).disconnected).toEqual(new Set([tip]));
      const among = await inspect(['second', tip, 'tag']);
      expect(among.disconnected).toEqual(new Set([tip]));
      expect(among.objects.get(id('second'))).toEqual({ type: 'commit' });
      expect(among.objects.get(id('tag'))).toMatchObject({ type: 'tag' });
    },
  );

  it('is refused with all others if they are too many for single walks', async () => {
    const many = [...Array.from({ length: 100 }, () => id('second')), ABSENT];
    expect((await inspect(many)).disconnected).toEqual(new Set([id('second'), ABSENT]));
  });

  it('is inspected without any process if there is none', async () => {
    expect((await inspect([])).objects.size).toBe(0);
    expect(started).toEqual([]);
  });

  it('is not called incomplete when the machine is at fault, or git is ended', async () => {
    for (const last of [
      "echo 'fatal: unable to open x: Too many open files' >&2; exit 128",
      'kill -TERM $$',
    ]) {
      const binary = await gitScript(join(folder.path, 'failing'), `cat >/dev/null; ${last}`);
      const failing = new Git({ binary, home: folder.path });
      for (const all of [undefined, () => [id('first')]]) {
        const published = { likely: [id('first')], ...(all === undefined ? {} : { all }) };
        const question = { paths, tips: [id('second')], doubtful: [], published, signal };
        await expect(inspectTips(failing, question)).rejects.toMatchObject({ kind: 'unavailable' });
      }
      await expect(findDisconnected(failing, paths, [id('second')], signal)).rejects.toMatchObject({
        kind: 'unavailable',
      });
    }
  });

  it('is not called incomplete when the server stops', async () => {
    const binary = await gitScript(join(folder.path, 'slow'), 'cat >/dev/null; exec sleep 30');
    const slow = new Git({ binary, home: folder.path });
    const question = { paths, tips: [id('second')], doubtful: [], published: { likely: [] }, signal };
    const asked = inspectTips(slow, question);
    asked.catch(() => undefined);
    await expect.poll(() => slow.running).toBe(1);
    await slow.close();
    await expect(asked).rejects.toMatchObject({ kind: 'unavailable' });
  });

  it('is not inspected for a client that has left', async () => {
    const gone = AbortSignal.abort(new Error('gone'));
    const question = { paths, tips: [id('second')], doubtful: [], published: { likely: [] }, signal: gone };
    await expect(inspectTips(git, question)).rejects.toThrow('gone');
    expect(git.running).toBe(0);
  });
});

describe('the tips where a walk ends', () => {
  it('may be some of the published ones, or none, with the same answer', async () => {
    for (const likely of [[], [id('old')], [id('first')], [id('old'), id('first'), id('tag'), id('blob')]]) {
      expect((await inspect(['second'], { likely })).disconnected).toEqual(NONE);
      expect((await inspect(['no blob'], { likely })).disconnected).toEqual(new Set([id('no blob')]));
      expect((await inspect(['above'], { likely })).disconnected).toEqual(new Set([id('above')]));
    }
  });

  it('are all of them only if the likely ones do not end the walk in time', async () => {
    // Git has a second for it. A machine that was too busy for that has shown nothing, and is asked again.
    let askedAfter: number;
    do {
      askedAfter = Number.NaN;
      const began = performance.now();
      const all = () => {
        askedAfter = performance.now() - began;
        return [id('first')];
      };
      expect((await inspect(['second'], { likely: [id('first')], all })).disconnected).toEqual(NONE);
    } while (askedAfter >= 950);
    expect(askedAfter).toBeNaN();
    const slow = await slowAtFirst();
    const asked = new Set<string>();
    const question = {
      paths,
      tips: [id('second'), id('no blob')],
      doubtful: [],
      published: {
        likely: [id('old')],
        all: () => {
          asked.add('all');
          slow.speedUp();
          return [id('first'), id('old')];
        },
      },
      signal,
    };
    expect((await inspectTips(slow.git, question)).disconnected).toEqual(new Set([id('no blob')]));
    expect([...asked]).toEqual(['all']);
    expect(slow.git.running).toBe(0);
  });
});

/** A git that does not come to an end before it is told to be like any other. */
async function slowAtFirst(): Promise<{ readonly git: Git; speedUp(): void }> {
  const binary = join(folder.path, 'slow-git');
  const mark = join(folder.path, 'slow-mark');
  await writeFile(binary, `#!/bin/sh\n[ -e '${mark}' ] && exec git "$@"\nexec sleep 60\n`);
  await chmod(binary, 0o755);
  return { git: new Git({ binary, home: folder.path }), speedUp: () => writeFileSync(mark, '') };
}

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { QuarantinePaths } from '../../../src/git-process/commands.ts';
import { Git } from '../../../src/git-process/git.ts';
import { findDisconnected, inspectObjects, isFastForward } from '../../../src/git-process/inspect-objects.ts';
import { GitClient } from '../../helpers/git-client.ts';
import { type TempDir, tempDir } from '../../helpers/temp-dir.ts';

const never = new AbortController().signal;
const ABSENT = 'd'.repeat(40);

let folder: TempDir;
let paths: QuarantinePaths;
let git: Git;
let started: string[];
/** Object ids by what they are. */
const ids: Record<string, string> = {};

beforeAll(async () => {
  folder = await tempDir('cairn-inspect');
  const work = await new GitClient(folder.path).init('work');
  ids['first'] = await work.commit('First', { a: '1\n' });
  ids['second'] = await work.commit('Second', { a: '2\n' });
  ids['tree'] = await work.run(['rev-parse', 'HEAD^{tree}']);
  ids['blob'] = await work.run(['rev-parse', 'HEAD:a']);
  await work.run(['tag', '-a', '-m', 'tag', 'tag']);
  ids['tag'] = await work.oidOf('tag');
  await work.run(['tag', '-a', '-m', 'tag of a tag', 'nested', 'tag']);
  ids['nested'] = await work.oidOf('nested');
  // A commit of which the tree is nowhere, and one on top of it.
  const broken = `tree ${ABSENT}\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nbroken\n`;
  ids['broken'] = await work.run(['hash-object', '-t', 'commit', '-w', '--stdin', '--literally'], {
    input: broken,
  });
  const objects = join(folder.path, 'quarantine');
  await mkdir(objects);
  paths = { gitDir: join(work.folder, '.git'), objects };
  // Only the first commit is published.
  await work.run(['checkout', '--quiet', '--detach', 'main']);
  await work.run(['update-ref', 'refs/heads/main', ids['first']]);
  await work.run(['tag', '-d', 'tag', 'nested']);
  started = [];
  git = new Git({
    binary: 'git',
    home: folder.path,
    observer: { started: (name) => started.push(name), ended: () => undefined },
  });
});

afterAll(() => folder[Symbol.asyncDispose]());

const id = (name: string) => ids[name] ?? '';

describe('tips', () => {
  it('are found complete in one walk', async () => {
    started.length = 0;
    const tips = ['first', 'second', 'tag', 'nested', 'tree', 'blob'].map(id);
    expect(await findDisconnected(git, paths, tips, never)).toEqual(new Set());
    expect(started).toEqual(['rev-list']);
    expect(await findDisconnected(git, paths, [], never)).toEqual(new Set());
    expect(started).toHaveLength(1);
  });

  it('with missing objects are found among the others', async () => {
    const tips = [id('second'), id('broken'), ABSENT, id('tag')];
    expect(await findDisconnected(git, paths, tips, never)).toEqual(new Set([id('broken'), ABSENT]));
    expect(await findDisconnected(git, paths, [id('broken')], never)).toEqual(new Set([id('broken')]));
  });

  it('are refused together if they are too many for single walks', async () => {
    const many = [...Array.from({ length: 100 }, () => id('second')), ABSENT];
    expect(await findDisconnected(git, paths, many, never)).toEqual(new Set([id('second'), ABSENT]));
  });

  it('are not inspected for a client that has left', async () => {
    const gone = AbortSignal.abort(new Error('gone'));
    await expect(findDisconnected(git, paths, [id('second')], gone)).rejects.toThrow('gone');
    await expect(inspectObjects(git, paths, [id('second')], gone)).rejects.toThrow('gone');
    expect(git.running).toBe(0);
  });
});

describe('objects', () => {
  it('have a type, and tags are peeled completely', async () => {
    const all = [...Object.values(ids), ABSENT];
    const facts = await inspectObjects(git, paths, all, never);
    expect(facts.get(id('second'))).toEqual({ type: 'commit' });
    expect(facts.get(id('tree'))).toEqual({ type: 'tree' });
    expect(facts.get(id('blob'))).toEqual({ type: 'blob' });
    expect(facts.get(id('tag'))).toEqual({ type: 'tag', peeled: id('second') });
    expect(facts.get(id('nested'))).toEqual({ type: 'tag', peeled: id('second') });
    expect(facts.has(ABSENT)).toBe(false);
  });
});

describe('an update', () => {
  it('is a fast-forward if the new commit descends from the old one', async () => {
    const ask = (from: string, to: string) => isFastForward(git, paths, id(from), id(to), never);
    expect(await ask('first', 'second')).toBe(true);
    expect(await ask('second', 'second')).toBe(true);
    expect(await ask('second', 'first')).toBe(false);
  });

  it('between unknown objects is neither', async () => {
    const asked = isFastForward(git, paths, id('first'), ABSENT, never);
    await expect(asked).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(isFastForward(git, paths, '--all', id('first'), never)).rejects.toThrow('whole object id');
  });
});

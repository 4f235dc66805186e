/**
 * Where whatever an object in the packs links to is there, too, a push is proven by what its pack links to, and by one process.
 * Where that is not known, or not so, git walks; nothing incomplete is ever taken in.
 */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemRandom } from '../../src/lib/random.ts';
import { restore } from '../../src/maintenance/administer.ts';
import { MemoryObjectStore } from '../../src/object-store/memory.ts';
import { ArtifactStore } from '../../src/repository/artifact-store.ts';
import { type RepositoryId, repositoryId } from '../../src/repository/repository-id.ts';
import type { App } from '../../src/server/app.ts';
import { cloneWhole } from '../helpers/clone-whole.ts';
import { kindsOf, lookUp, stateOn } from '../helpers/folded.ts';
import { GitClient } from '../helpers/git-client.ts';
import {
  commitObject,
  objectId,
  packOf,
  push,
  pushHead,
  type RawObject,
  reportOf,
  treeObject,
} from '../helpers/raw-git.ts';
import { OWNER, repositoryUrl, startServer } from '../helpers/server.ts';
import { ShiftedClock } from '../helpers/shifted-clock.ts';
import { type TempDir, tempDir } from '../helpers/temp-dir.ts';
import { processesOf } from '../helpers/traced-processes.ts';

const BLOB: RawObject = { type: 'blob', content: Buffer.from('a file\n') };
const TREE = treeObject('file', objectId(BLOB));
const commitOn = (message: string, ...parents: RawObject[]) =>
  commitObject(
    objectId(TREE),
    parents.map((parent) => objectId(parent)),
    message,
  );
const ROOT = commitOn('Root');

let folder: TempDir;
let trace: string;
let clock: ShiftedClock;
let artifacts: ArtifactStore;
let app: App;
let id: RepositoryId;
let url: string;
let names = 0;

beforeAll(async () => {
  folder = await tempDir('cairn-links');
  trace = join(folder.path, 'trace');
  process.env['CAIRN_GIT_TRACE2_EVENT'] = trace;
  await mkdir(trace);
  clock = new ShiftedClock();
  const store = new MemoryObjectStore();
  artifacts = new ArtifactStore({ stores: { control: store, bulk: store }, clock, random: systemRandom });
  app = await startServer({ store, overrides: { background: false, clock } });
});

afterAll(async () => {
  delete process.env['CAIRN_GIT_TRACE2_EVENT'];
  await app.close();
  await folder[Symbol.asyncDispose]();
});

/** `main` is published, and is one commit. */
beforeEach(async () => {
  const name = `linked-${++names}`;
  id = repositoryId(OWNER, name);
  url = repositoryUrl(app, name);
  expect(await pushed('main', ROOT, [ROOT, TREE, BLOB])).toEqual(['unpack ok', 'ok refs/heads/main']);
});

/** Pushes a new branch with nothing but these objects. @returns the lines of the report */
async function pushed(branch: string, tip: RawObject, objects: readonly RawObject[]): Promise<string[]> {
  const head = pushHead([{ name: `refs/heads/${branch}`, to: objectId(tip) }]);
  return reportOf(await push(url, Buffer.concat([head, packOf(objects)])));
}

async function deleted(branch: string, tip: RawObject): Promise<void> {
  const command = { name: `refs/heads/${branch}`, from: objectId(tip) };
  expect(reportOf(await push(url, pushHead([command])))).toEqual(['unpack ok', `ok refs/heads/${branch}`]);
}

async function linked(): Promise<(boolean | undefined)[]> {
  return (await stateOn(app, id)).manifest.packs.map((entry) => entry.linked);
}

async function epoch(): Promise<string | undefined> {
  return (await stateOn(app, id)).manifest.epoch;
}

describe('a repository whose objects are all linked', () => {
  it('accepts a push with one process, and stays so through pushes and folds', async () => {
    const before = await epoch();
    const [one, two] = [commitOn('One', ROOT), commitOn('Two', ROOT)];
    expect(await processesOf(trace, () => pushed('one', one, [one]))).toBe(1);
    await app.fold(id);
    expect(await linked()).toEqual([true]);
    expect(await processesOf(trace, () => pushed('two', two, [two]))).toBe(1);
    expect(await linked()).toEqual([true, true]);
    expect(await epoch(), 'not one object has left').toBe(before);
    await cloneWhole(new GitClient(folder.path), url, `whole-${names}`);
  });

  it('accepts a branch at a commit without a ref, and refuses one at a missing object', async () => {
    const [one, two] = [commitOn('One', ROOT), commitOn('Two', ROOT)];
    await pushed('one', one, [one]);
    await deleted('one', one);
    const head = pushHead([
      { name: 'refs/heads/again', to: objectId(one) },
      { name: 'refs/heads/absent', to: objectId(two) },
      { name: 'refs/heads/file', to: objectId(BLOB) },
    ]);
    expect(reportOf(await push(url, Buffer.concat([head, packOf([])])))).toEqual([
      'unpack ok',
      'ok refs/heads/again',
      'ng refs/heads/absent missing necessary objects',
      expect.stringMatching(/^ng refs\/heads\/file .*commit/),
    ]);
    await cloneWhole(new GitClient(folder.path), url, `whole-${names}`);
  });
});

describe('shallow lines (issue 11, point 6)', () => {
  async function pushedCut(tip: RawObject, lines: readonly string[], objects: readonly RawObject[]) {
    const shallow = Buffer.from(lines.map((oid) => `0034shallow ${oid}`).join(''));
    const head = pushHead([{ name: 'refs/heads/one', to: objectId(tip) }]);
    return reportOf(await push(url, Buffer.concat([shallow, head, packOf(objects)])));
  }

  it('alone change nothing, whatever they name: a pack is linked if nothing is missing', async () => {
    const [one, two] = [commitOn('One', ROOT), commitOn('Two', ROOT)];
    const lines = [objectId(ROOT), objectId(commitOn('Nowhere'))];
    const taken = async () =>
      expect(await pushedCut(one, lines, [one])).toEqual(['unpack ok', 'ok refs/heads/one']);
    expect(await processesOf(trace, taken)).toBe(1);
    expect(await linked()).toEqual([true, true]);
    expect(await processesOf(trace, () => pushed('two', two, [two]))).toBe(1);
    await cloneWhole(new GitClient(folder.path), url, `whole-${names}`);
  });

  it('with commits of the pack change nothing either if their parents are here', async () => {
    const one = commitOn('One', ROOT);
    const two = commitOn('Two', one);
    const lines = [objectId(one), objectId(two)];
    expect(await pushedCut(two, lines, [one, two])).toEqual(['unpack ok', 'ok refs/heads/one']);
    expect(await linked()).toEqual([true, true]);
    await cloneWhole(new GitClient(folder.path), url, `whole-${names}`);
  });
});

describe('a repository whose links are not known', () => {
  it('is walked, and known again after a fold', async () => {
    await app.repositories.get(id).publisher.join({
      since: 0,
      evaluate: async (state) => {
        if (state === undefined) throw new Error('no repository');
        // As it was written when nothing was said of links.
        const { epoch: _epoch, ...rest } = state;
        const packs = rest.packs.map(({ linked: _linked, ...entry }) => entry);
        const cause = { kind: 'push', actor: null, evidence: null, refs: [] } as const;
        return { next: { ...rest, packs }, cause, result: undefined };
      },
    });
    const [one, two] = [commitOn('One', ROOT), commitOn('Two', ROOT)];
    expect(await processesOf(trace, () => pushed('one', one, [one]))).toBe(2);
    expect(await linked()).toEqual([undefined, true]);
    await app.fold(id);
    expect(await linked()).toEqual([true]);
    expect(await epoch()).toMatch(/^[0-9a-f]{32}$/);
    expect(await processesOf(trace, () => pushed('two', two, [two]))).toBe(1);
  });

  it('results from a pack that is shallow like its pusher’s clone', async () => {
    const [absent, one] = [commitOn('Absent', ROOT), commitOn('One', ROOT)];
    const cut = commitOn('Cut', absent);
    const shallow = Buffer.from(`0034shallow ${objectId(cut)}`);
    const head = pushHead([{ name: 'refs/heads/one', to: objectId(one) }]);
    const answer = await push(url, Buffer.concat([shallow, head, packOf([one, cut])]));
    expect(reportOf(answer)).toEqual(['unpack ok', 'ok refs/heads/one']);
    expect(await linked()).toEqual([true, undefined]);

    const above = commitOn('Above', cut);
    expect(await pushed('above', above, [above])).toEqual([
      'unpack ok',
      'ng refs/heads/above missing necessary objects',
    ]);
    await app.fold(id);
    expect(kindsOf((await stateOn(app, id)).manifest)).toEqual(['fold', 'unreachable']);
    expect(await linked(), 'the cut one is still there').toEqual([true, undefined]);
    expect(await pushed('above', above, [above])).toEqual([
      'unpack ok',
      'ng refs/heads/above missing necessary objects',
    ]);
    clock.advanceDays(8);
    await app.fold(id);
    expect(await linked()).toEqual([true]);
    await cloneWhole(new GitClient(folder.path), url, `whole-${names}`);
  });
});

describe('objects that are dropped', () => {
  it('had their grace period after a restore, and others may build on them until then', async () => {
    const before = await epoch();
    const [one, two] = [commitOn('One', ROOT), commitOn('Two', ROOT)];
    await pushed('one', one, [one]);
    await pushed('two', two, [two]);
    await restore(app.repositories.get(id), { artifacts, random: systemRandom }, '0');
    expect((await stateOn(app, id)).manifest.refs.size).toBe(1);
    expect(await epoch()).not.toBe(before);
    await app.fold(id);
    clock.advanceDays(6);
    await app.fold(id);
    const above = commitOn('Above', one);
    expect(await pushed('above', above, [above])).toEqual(['unpack ok', 'ok refs/heads/above']);
    await cloneWhole(new GitClient(folder.path), url, `whole-${names}`);
    clock.advanceDays(2);
    await app.fold(id);
    expect((await lookUp(app, id, objectId(one))).exitCode).toBe(0);
    clock.advanceDays(8);
    await app.fold(id);
    expect((await lookUp(app, id, objectId(two))).exitCode, 'what nobody wanted any more').not.toBe(0);
  });

  /** `old` and then `young`, which builds on it, are left behind, a few days apart. */
  async function leaveBehind(old: RawObject, young: RawObject): Promise<void> {
    await pushed('old', old, [old]);
    await deleted('old', old);
    await app.fold(id);
    clock.advanceDays(4);
    await pushed('young', young, [young]);
    await deleted('young', young);
    await app.fold(id);
    expect(kindsOf((await stateOn(app, id)).manifest)).toEqual(['fold', 'unreachable', 'unreachable']);
    expect(await linked()).toEqual([true, true, true]);
    clock.advanceDays(4);
  }

  it('wait together with the objects that build on them, and leave with them', async () => {
    const before = await epoch();
    const old = commitOn('Old', ROOT);
    const young = commitOn('Young', old);
    await leaveBehind(old, young);
    expect(await app.fold(id)).toMatchObject({ outcome: 'folded' });
    expect(kindsOf((await stateOn(app, id)).manifest)).toEqual(['fold', 'unreachable']);
    expect(await linked()).toEqual([true, true]);
    expect(await epoch()).not.toBe(before);

    const above = commitOn('Above', young);
    expect(await processesOf(trace, () => pushed('above', above, [above]))).toBe(1);
    await cloneWhole(new GitClient(folder.path), url, `whole-${names}`);
    await deleted('above', above);
    await app.fold(id);
    clock.advanceDays(8);
    await app.fold(id);
    expect(kindsOf((await stateOn(app, id)).manifest)).toEqual(['fold']);
    for (const left of [old, young, above])
      expect((await lookUp(app, id, objectId(left))).exitCode).not.toBe(0);
  });

  it('do not affect unlinked objects, and later pushes need one process again', async () => {
    const [old, young] = [commitOn('Old', ROOT), commitOn('Young', ROOT)];
    await leaveBehind(old, young);
    await app.fold(id);
    expect(kindsOf((await stateOn(app, id)).manifest)).toEqual(['fold', 'unreachable']);
    expect(await linked()).toEqual([true, true]);
    const above = commitOn('Above', young);
    expect(await processesOf(trace, () => pushed('above', above, [above]))).toBe(1);
    await cloneWhole(new GitClient(folder.path), url, `whole-${names}`);
  });
});

import { exists } from '../../../helpers/files.ts';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../../../src/lib/digest.ts';
import { type ArtifactKind, artifactKey } from '../../../../src/repository/keys.ts';
import type { PackEntry, PublishedGitState } from '../../../../src/repository/git/git-manifest.ts';
import type { ArtifactRef } from '../../../../src/repository/manifest.ts';
import { encodeManifest } from '../../../../src/repository/git/git-manifest-codec.ts';
import type { ObjectBases, ObjectsLease } from '../../../../src/repository/cache/object-bases.ts';
import { CHECKED_EVERY } from '../../../../src/repository/snapshot/folder-check.ts';
import { ID, manifestOf, oid, RepositoryRig } from '../../../helpers/repository-rig.ts';
import { type TempDir, tempDir } from '../../../helpers/temp-dir.ts';

let folder: TempDir;
let rig: RepositoryRig;
let bases: ObjectBases;

beforeEach(async () => {
  folder = await tempDir();
  rig = new RepositoryRig({ folder: folder.path, cacheBudget: 1_000 });
  await rig.cache.open();
  await rig.snapshots.open();
  bases = rig.snapshots.bases;
});

afterEach(() => folder[Symbol.asyncDispose]());

async function artifact(kind: ArtifactKind, text: string): Promise<ArtifactRef> {
  const digest = sha256(text);
  await rig.store.put(artifactKey(ID, { digest, kind }), Buffer.from(text), { mode: 'overwrite' });
  return { digest, size: text.length };
}

async function pack(name: string): Promise<PackEntry> {
  const [stored, idx] = [await artifact('pack', `${name}.pack`), await artifact('idx', `${name}.idx`)];
  return { kind: 'push', objects: 1, pack: stored, idx, rev: await artifact('rev', `${name}.rev`) };
}

function stateOf(packs: readonly PackEntry[], incarnation = '1'.repeat(32)): PublishedGitState {
  const refs = new Map([['refs/heads/main', oid('1')]]);
  const manifest = manifestOf({ packs: [...packs], refs, incarnation });
  return { version: 'v', digest: sha256(encodeManifest(manifest)), manifest };
}

async function packsIn(lease: ObjectsLease): Promise<string[]> {
  return (await readdir(join(lease.path, 'objects', 'pack'))).sort();
}

function filesOf(...entries: readonly PackEntry[]): string[] {
  const stems = entries.map(({ pack: { digest } }) => `pack-${digest.slice(0, 40)}`);
  return stems.flatMap((stem) => [`${stem}.idx`, `${stem}.pack`]).sort();
}

function digestsOf(...entries: readonly PackEntry[]): Set<string> {
  return new Set(entries.map((entry) => entry.pack.digest));
}

/** Removing goes on behind the back of whoever released. */
async function gone(path: string): Promise<void> {
  await expect.poll(() => exists(path), { interval: 5 }).toBe(false);
}

describe('the object base of a repository', () => {
  it('has the packs of a state and no refs, and grows with the next state', async () => {
    const [one, two] = [await pack('one'), await pack('two')];
    const first = await bases.acquire(ID, stateOf([one]));
    expect(await packsIn(first)).toEqual(filesOf(one));
    expect(await readFile(join(first.path, 'packed-refs'), 'utf8')).not.toContain('refs/heads');
    expect(first.packs()).toEqual(digestsOf(one));
    const second = await bases.acquire(ID, stateOf([one, two]));
    expect(second.path).toBe(first.path);
    expect(await packsIn(second)).toEqual(filesOf(one, two));
    // Git may find them from now on, whoever asked for them.
    expect(first.packs()).toEqual(digestsOf(one, two));
    expect((await bases.acquire(ID, stateOf([one]))).path).toBe(first.path);
  });

  it.each(['.', 'objects/pack', 'config', 'a pack'])('is a new folder if %s was deleted', async (what) => {
    const [one, two] = [await pack('one'), await pack('two')];
    const lost = await bases.acquire(ID, stateOf([one]));
    const place = what === 'a pack' ? join('objects', 'pack', filesOf(one)[1] ?? '') : what;
    await rm(join(lost.path, place), { recursive: true });
    rig.clock.advance(CHECKED_EVERY);
    const again = await bases.acquire(ID, stateOf([one, two]));
    expect(again.path).not.toBe(lost.path);
    expect(await packsIn(again)).toEqual(filesOf(one, two));
    rig.clock.advance(CHECKED_EVERY);
    expect((await bases.acquire(ID, stateOf([one, two]))).path).toBe(again.path);
    lost.release();
    await gone(lost.path);
    expect(await packsIn(again)).toEqual(filesOf(one, two));
  });

  it('is a new folder after a fold has replaced packs, and the old one stays while it is used', async () => {
    const [one, two, folded] = [await pack('one'), await pack('two'), await pack('folded')];
    const before = await bases.acquire(ID, stateOf([one, two]));
    const after = await bases.acquire(ID, stateOf([folded, two]));
    expect(after.path).not.toBe(before.path);
    expect(after.packs()).toEqual(digestsOf(folded, two));
    expect(before.packs()).toEqual(digestsOf(one, two));
    expect(await packsIn(before)).toEqual(filesOf(one, two));
    before.release();
    await gone(before.path);
    expect(await packsIn(after)).toEqual(filesOf(folded, two));
  });

  it('is never reused for a repository that was announced again', async () => {
    const one = await pack('one');
    const before = await bases.acquire(ID, stateOf([one]));
    const after = await bases.acquire(ID, stateOf([], '2'.repeat(32)));
    expect(after.path).not.toBe(before.path);
    expect(await packsIn(after)).toEqual([]);
  });

  it('is made once for concurrent pushes, each with the packs that it knows', async () => {
    const all = await Promise.all(Array.from({ length: 6 }, (_, at) => pack(`pack ${at}`)));
    const leases = await Promise.all(all.map((_, at) => bases.acquire(ID, stateOf(all.slice(0, at + 1)))));
    expect(new Set(leases.map(({ path }) => path)).size).toBe(1);
    expect(await packsIn(leases[0] as ObjectsLease)).toEqual(filesOf(...all));
  });

  it('lists a pack as soon as git may find it, even if others never arrive', async () => {
    const [one, two, lost] = [await pack('one'), await pack('two'), await pack('lost')];
    const before = await bases.acquire(ID, stateOf([one]));
    await rig.store.delete(artifactKey(ID, { digest: lost.idx.digest, kind: 'idx' }));
    await expect(bases.acquire(ID, stateOf([one, two, lost]))).rejects.toMatchObject({ kind: 'corrupt' });
    expect(await packsIn(before)).toEqual(expect.arrayContaining(filesOf(one, two)));
    expect([...before.packs()]).toEqual(expect.arrayContaining([...digestsOf(one, two)]));
  });

  it('reports what is missing in the store, and works after it is there', async () => {
    const [one, lost] = [await pack('one'), await pack('lost')];
    const key = artifactKey(ID, { digest: lost.idx.digest, kind: 'idx' });
    await rig.store.delete(key);
    await expect(bases.acquire(ID, stateOf([one, lost]))).rejects.toMatchObject({ kind: 'corrupt' });
    await artifact('idx', 'lost.idx');
    const lease = await bases.acquire(ID, stateOf([one, lost]));
    expect(await packsIn(lease)).toEqual(filesOf(one, lost));
  });

  it('releases its part of the cache if room is needed and nobody uses it', async () => {
    const entry = await pack('one');
    const lease = await bases.acquire(ID, stateOf([entry]));
    await rig.cache.relieve();
    expect(await packsIn(lease)).toEqual(filesOf(entry));
    lease.release();
    await rig.cache.relieve();
    await gone(lease.path);
    const again = await bases.acquire(ID, stateOf([entry]));
    expect(await packsIn(again)).toEqual(filesOf(entry));
  });
});

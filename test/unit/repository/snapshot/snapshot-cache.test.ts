import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../../../src/lib/digest.ts';
import type {
  GitManifest,
  PackEntry,
  PublishedGitState,
} from '../../../../src/repository/git/git-manifest.ts';
import { encodeManifest } from '../../../../src/repository/git/git-manifest-codec.ts';
import { type ArtifactKind, artifactKey } from '../../../../src/repository/keys.ts';
import type { ArtifactRef } from '../../../../src/repository/manifest.ts';
import { repositoryId } from '../../../../src/repository/repository-id.ts';
import { CHECKED_EVERY } from '../../../../src/repository/snapshot/folder-check.ts';
import { writeSnapshot } from '../../../../src/repository/snapshot/snapshot.ts';
import { exists } from '../../../helpers/files.ts';
import { ID, manifestOf, oid, RepositoryRig } from '../../../helpers/repository-rig.ts';
import { type TempDir, tempDir } from '../../../helpers/temp-dir.ts';
import { until } from '../../../helpers/until.ts';

let folder: TempDir;
let rig: RepositoryRig;

beforeEach(async () => {
  folder = await tempDir();
  rig = new RepositoryRig({ folder: folder.path, cacheBudget: 1_000 });
  await rig.cache.open();
  await rig.snapshots.open();
});

afterEach(() => folder[Symbol.asyncDispose]());

async function artifact(kind: ArtifactKind, text: string): Promise<ArtifactRef> {
  const digest = sha256(text);
  await rig.store.put(artifactKey(ID, { digest, kind }), Buffer.from(text), { mode: 'overwrite' });
  return { digest, size: text.length };
}

async function pack(name: string): Promise<PackEntry> {
  const [stored, idx] = [await artifact('pack', `${name}.pack`), await artifact('idx', `${name}.idx`)];
  return { kind: 'push', objects: 1, pack: stored, idx };
}

function stateWith(manifest: GitManifest): PublishedGitState {
  return { version: 'v', digest: sha256(encodeManifest(manifest)), manifest };
}

async function snapshotsOnDisk(): Promise<number> {
  return (await readdir(join(folder.path, 'snapshots'))).length;
}

describe('a snapshot', () => {
  it('holds exactly what the manifest names, packs as hard links', async () => {
    const entry: PackEntry = {
      ...(await pack('one')),
      rev: await artifact('rev', 'r'),
      bitmap: await artifact('bitmap', 'b'),
    };
    const graph = await artifact('graph', 'g');
    const manifest = manifestOf({
      head: 'refs/heads/trunk',
      refs: new Map([
        ['refs/heads/trunk', oid('1')],
        ['refs/tags/v1', oid('2')],
      ]),
      peeled: new Map([['refs/tags/v1', oid('1')]]),
      packs: [entry],
      graph,
    });
    const path = join(folder.path, 'made');
    const pinned = await writeSnapshot(rig.cache, ID, manifest, path);
    const stem = `objects/pack/pack-${entry.pack.digest.slice(0, 40)}`;
    const files = (await readdir(path, { recursive: true, withFileTypes: true }))
      .filter((found) => found.isFile())
      .map((found) => join(found.parentPath, found.name).slice(path.length + 1));
    expect(files.sort()).toEqual(
      [
        'HEAD',
        'config',
        'objects/info/commit-graph',
        'packed-refs',
        ...['pack', 'idx', 'rev', 'bitmap'].map((kind) => `${stem}.${kind}`),
      ].sort(),
    );
    expect(await readFile(join(path, 'HEAD'), 'utf8')).toBe('ref: refs/heads/trunk\n');
    expect(await readFile(join(path, 'packed-refs'), 'utf8')).toContain(
      `${oid('1')} refs/heads/trunk\n${oid('2')} refs/tags/v1\n^${oid('1')}\n`,
    );
    expect(await readFile(join(path, 'config'), 'utf8')).not.toContain('sha256');
    expect((await stat(join(path, `${stem}.pack`))).nlink).toBe(2);
    expect(pinned).toHaveLength(5);
  });

  it('of a SHA-256 repository states its format, and has longer pack names', async () => {
    const entry = await pack('one');
    const manifest = manifestOf({ objectFormat: 'sha256', packs: [entry] });
    const path = join(folder.path, 'made');
    await writeSnapshot(rig.cache, ID, manifest, path);
    expect(await readFile(join(path, 'config'), 'utf8')).toMatch(
      /repositoryformatversion = 1[\s\S]*\[extensions\]\s+objectFormat = sha256/,
    );
    expect(await exists(join(path, 'objects', 'pack', `pack-${entry.pack.digest}.pack`))).toBe(true);
  });

  it('leaves nothing behind, and nothing pinned, if an artifact is missing', async () => {
    const good = await pack('good');
    const bad = { ...(await pack('bad')), idx: { digest: sha256('absent'), size: 6 } };
    const path = join(folder.path, 'made');
    await expect(
      writeSnapshot(rig.cache, ID, manifestOf({ packs: [good, bad] }), path),
    ).rejects.toMatchObject({
      kind: 'corrupt',
      message: expect.stringContaining(sha256('absent')),
    });
    expect(await exists(path)).toBe(false);
    await rig.cache.relieve();
    const left = await readdir(join(folder.path, 'artifacts'), { recursive: true, withFileTypes: true });
    expect(left.filter((entry) => entry.isFile())).toEqual([]);
  });
});

describe('the snapshot cache', () => {
  it('makes one snapshot per manifest for concurrent and later readers', async () => {
    const state = stateWith(manifestOf({ packs: [await pack('one')] }));
    const leases = await Promise.all(Array.from({ length: 10 }, () => rig.snapshots.acquire(ID, state)));
    expect(new Set(leases.map((lease) => lease.path)).size).toBe(1);
    for (const lease of leases) lease.release();
    const later = await rig.snapshots.acquire(ID, state);
    expect(later.path).toBe(leases[0]?.path);
    later.release();
    expect(await snapshotsOnDisk()).toBe(1);
  });

  it('requests only artifacts that no earlier manifest has needed', async () => {
    const [base, tail] = [await pack('base'), await pack('tail')];
    (await rig.snapshots.acquire(ID, stateWith(manifestOf({ packs: [base] })))).release();
    rig.store.reset();
    const next = stateWith(manifestOf({ packs: [base, tail], receiptAt: 2 }));
    (await rig.snapshots.acquire(ID, next)).release();
    expect(rig.store.log.map(({ key }) => key).sort()).toEqual(
      [
        artifactKey(ID, { digest: tail.idx.digest, kind: 'idx' }),
        artifactKey(ID, { digest: tail.pack.digest, kind: 'pack' }),
      ].sort(),
    );
  });

  it('requests small artifacts before packs', async () => {
    const packs = await Promise.all(Array.from({ length: 12 }, (_, index) => pack(`${index}`)));
    (await rig.snapshots.acquire(ID, stateWith(manifestOf({ packs })))).release();
    const asked = rig.store.log.filter(({ operation }) => operation === 'get').map(({ key }) => key);
    expect(asked).toHaveLength(24);
    for (const key of asked.slice(0, 8)) expect(key).toMatch(/\.idx$/);
  });

  it('drops the snapshot of an earlier manifest when a later one is made, unless it is in use', async () => {
    const first = stateWith(manifestOf());
    const second = stateWith(manifestOf({ receiptAt: 2 }));
    const third = stateWith(manifestOf({ receiptAt: 3 }));
    const reading = await rig.snapshots.acquire(ID, first);
    const other = await rig.snapshots.acquire(ID, second);
    expect(await exists(reading.path)).toBe(true);
    reading.release();
    reading.release();
    (await rig.snapshots.acquire(ID, third)).release();
    await until(async () => !(await exists(reading.path)));
    expect(await exists(other.path), 'still read').toBe(true);
    other.release();
  });

  it('keeps the packs of a reader beyond the budget, and releases them afterwards', async () => {
    const state = stateWith(manifestOf({ packs: [await pack('x'.repeat(900))] }));
    const lease = await rig.snapshots.acquire(ID, state);
    const packFile = join(
      lease.path,
      'objects',
      'pack',
      `pack-${state.manifest.packs[0]?.pack.digest.slice(0, 40)}.pack`,
    );
    const more = await rig.cache.acquire(ID, 'pack', await artifact('pack', 'y'.repeat(900)));
    expect(await exists(packFile)).toBe(true);
    lease.release();
    const evenMore = await rig.cache.acquire(ID, 'pack', await artifact('pack', 'z'.repeat(900)));
    await until(async () => !(await exists(lease.path)));
    more.release();
    evenMore.release();
  });

  it('keeps a bounded number of unused snapshots', async () => {
    const leases = [];
    for (let index = 0; index < 80; index++) {
      const place = { ...ID, identifier: `repository ${index}` };
      leases.push(await rig.snapshots.acquire(place, stateWith(manifestOf({ receiptAt: index }))));
    }
    expect(await snapshotsOnDisk()).toBe(80);
    for (const lease of leases) lease.release();
    await until(async () => (await snapshotsOnDisk()) <= 64);
  });

  it('reports a failure to all waiting readers, and tries again for the next one', async () => {
    const entry = await pack('one');
    const state = stateWith(manifestOf({ packs: [entry] }));
    rig.store.next((call) => call.key.endsWith('.pack'), { does: 'unavailable' }, 3);
    const results = await Promise.allSettled([
      rig.snapshots.acquire(ID, state),
      rig.snapshots.acquire(ID, state),
    ]);
    for (const result of results) {
      expect(result).toMatchObject({ status: 'rejected', reason: { kind: 'unavailable' } });
    }
    expect(await snapshotsOnDisk()).toBe(0);
    (await rig.snapshots.acquire(ID, state)).release();
    expect(await snapshotsOnDisk()).toBe(1);
  });

  it.each(['.', 'objects/pack', 'HEAD', 'refs', 'packed-refs', 'the idx', 'the bitmap'])(
    'makes a snapshot again, once for all, if %s was deleted',
    async (what) => {
      const entry: PackEntry = { ...(await pack('one')), bitmap: await artifact('bitmap', 'b') };
      const state = stateWith(manifestOf({ packs: [entry] }));
      const lost = await rig.snapshots.acquire(ID, state);
      const inPacks = `objects/pack/pack-${entry.pack.digest.slice(0, 40)}`;
      const place = what.startsWith('the ') ? `${inPacks}.${what.slice('the '.length)}` : what;
      await rm(join(lost.path, place), { recursive: true });
      // It is looked at only now and then.
      const early = await rig.snapshots.acquire(ID, state);
      expect(early.path).toBe(lost.path);
      early.release();
      rig.clock.advance(CHECKED_EVERY);
      const again = await rig.snapshots.acquire(ID, state);
      expect(again.path).not.toBe(lost.path);
      expect(await readdir(join(again.path, 'objects', 'pack'))).toHaveLength(3);
      rig.clock.advance(CHECKED_EVERY);
      const later = await Promise.all([1, 2, 3].map(() => rig.snapshots.acquire(ID, state)));
      expect(later.map(({ path }) => path)).toEqual(Array(3).fill(again.path));
      // What is left of the lost one goes with its last reader, and its pins with it.
      lost.release();
      await expect.poll(snapshotsOnDisk, { interval: 5 }).toBe(1);
      for (const lease of [again, ...later]) lease.release();
      await rig.cache.relieve();
      expect(rig.cache.bytes).toBe(0);
    },
  );

  it('of one repository is no snapshot of another one with an equal manifest', async () => {
    const entry = await pack('one');
    const state = stateWith(manifestOf({ packs: [entry] }));
    const copy = repositoryId('c'.repeat(64), ID.identifier);
    // At the same time: the failure of the one that lacks its pack is not the failure of the other.
    const [failed, made] = await Promise.allSettled([
      rig.snapshots.acquire(copy, state),
      rig.snapshots.acquire(ID, state),
    ]);
    expect(failed).toMatchObject({ status: 'rejected', reason: { kind: 'corrupt' } });
    if (made.status === 'rejected') throw made.reason;
    made.value.release();
    const again = await rig.snapshots.acquire(ID, state);
    expect(again.path).toBe(made.value.path);
    again.release();
  });

  it('starts with an empty folder', async () => {
    await mkdir(join(folder.path, 'snapshots', 'left'), { recursive: true });
    await writeFile(join(folder.path, 'snapshots', 'left', 'HEAD'), '');
    await rig.snapshots.open();
    expect(await snapshotsOnDisk()).toBe(0);
  });

  it('serves readers of many manifests under pressure', async () => {
    const states: PublishedGitState[] = [];
    for (let index = 0; index < 6; index++) {
      states.push(stateWith(manifestOf({ packs: [await pack(`${index}`.repeat(400))], receiptAt: index })));
    }
    await Promise.all(
      Array.from({ length: 12 }, async () => {
        for (let turn = 0; turn < 8; turn++) {
          const state = rig.random.pick(states);
          const lease = await rig.snapshots.acquire(ID, state);
          const digest = state.manifest.packs[0]?.pack.digest ?? '';
          const bytes = await readFile(
            join(lease.path, 'objects', 'pack', `pack-${digest.slice(0, 40)}.pack`),
          );
          expect(sha256(bytes)).toBe(digest);
          lease.release();
        }
      }),
    );
  });
});

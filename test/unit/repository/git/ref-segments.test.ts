import { describe, expect, it } from 'vitest';
import { changedRefs, type RefChange, RefTable, tableOf } from '../../../../src/git/index.ts';
import { sha256 } from '../../../../src/lib/digest.ts';
import { readAll } from '../../../../src/lib/streams.ts';
import {
  type GitManifest,
  namedArtifacts,
  type PublishedGitState,
} from '../../../../src/repository/git/git-manifest.ts';
import { decodeManifest, encodeManifest } from '../../../../src/repository/git/git-manifest-codec.ts';
import { artifactFileName, artifactKey, tombstonesKey } from '../../../../src/repository/keys.ts';
import { childOf, ID, manifestOf, oid, RepositoryRig } from '../../../helpers/repository-rig.ts';

const COUNT = 20_000;

function manyRefs(count = COUNT): Map<string, string> {
  const name = (at: number) => `refs/heads/${String(at).padStart(6, '0')}`;
  return new Map(Array.from({ length: count }, (_, at) => [name(at), oid('1')] as const));
}

function withChanges(over: PublishedGitState, changes: readonly RefChange[]): Partial<GitManifest> {
  return changedRefs(over.manifest, changes);
}

/** Names of what has been written, by kind. */
function written(rig: RepositoryRig): Record<string, number> {
  const kinds: Record<string, number> = {};
  for (const { operation, key } of rig.store.log) {
    const kind = key.split('.').at(-1) ?? '';
    if (operation === 'put' && key.includes('/artifacts/')) kinds[kind] = (kinds[kind] ?? 0) + 1;
  }
  return kinds;
}

function segmentKeys(manifest: GitManifest): string[] {
  return namedArtifacts(manifest).flatMap(({ kind, ref }) =>
    kind === 'refs' ? artifactKey(ID, { ...ref, kind }) : [],
  );
}

describe('a manifest of very many refs', () => {
  it('keeps them in segments beside it, and another server reads them back', async () => {
    const rig = new RepositoryRig();
    const peeled = new Map([['refs/heads/000007', oid('7')]]);
    const { digest, manifest } = await rig.publish(manifestOf({ refs: manyRefs(), peeled }));
    expect(manifest.version).toBe(2);
    const segments = tableOf(manifest.refs)?.segments.length ?? 0;
    expect(segments).toBeGreaterThan(3);
    expect(written(rig)).toEqual({ json: 1, refs: segments });
    expect(segmentKeys(manifest)).toHaveLength(segments);
    const reader = rig.cold();
    reader.store.reset();
    const [loaded, again] = await Promise.all([1, 2].map(() => reader.manifests.load(ID, digest)));
    expect(again).toBe(loaded);
    expect(reader.store.count()).toBe(1 + segments);
    expect([...(loaded?.refs ?? [])]).toEqual([...manyRefs()]);
    expect([...(loaded?.peeled ?? [])]).toEqual([...peeled]);
    expect(encodeManifest(loaded as GitManifest).equals(encodeManifest(manifest))).toBe(true);
  });

  it('has version 1 with few refs, version 2 above 5,000, and version 1 again only well below', async () => {
    const rig = new RepositoryRig();
    let state = await rig.publish(manifestOf({ refs: manyRefs(5_000) }));
    const versions = [state.manifest.version];
    const deleteFrom = (from: number, to: number) =>
      [...manyRefs(to)].slice(from).map(([name]) => ({ name, oid: undefined }));
    for (const changes of [
      [{ name: 'refs/heads/more', oid: oid('2') }],
      deleteFrom(4_500, 5_000),
      deleteFrom(3_900, 4_500),
      [{ name: 'refs/heads/even-more', oid: oid('2') }],
    ]) {
      state = await rig.publishOver(state, withChanges(state, changes));
      versions.push(state.manifest.version);
    }
    expect(versions).toEqual([1, 2, 2, 1, 1]);
    expect([...state.manifest.refs.keys()]).toEqual([
      ...manyRefs(3_900).keys(),
      'refs/heads/even-more',
      'refs/heads/more',
    ]);
    expect(await rig.cold().manifests.load(ID, state.digest)).toEqual(state.manifest);
  });

  it('needs a small manifest for a change of one ref, and the affected segments for many', async () => {
    const rig = new RepositoryRig();
    const state = await rig.publish(manifestOf({ refs: manyRefs() }));
    rig.store.reset();
    const one = await rig.publishOver(
      state,
      withChanges(state, [{ name: 'refs/heads/000123', oid: oid('2') }]),
    );
    expect(written(rig)).toEqual({ json: 1 });
    expect(encodeManifest(one.manifest).length).toBeLessThan(10_000);
    rig.store.reset();
    const changes = Array.from({ length: 400 }, (_, at) => ({ name: `refs/heads/0001${at}`, oid: oid('3') }));
    const many = await rig.publishOver(one, withChanges(one, changes));
    expect(written(rig)).toEqual({ json: 1, refs: 1 });
    const reader = rig.cold();
    expect((await reader.manifests.load(ID, many.digest)).refs.size).toBe(many.manifest.refs.size);
    // The parent shares all segments but one with what has been loaded.
    reader.store.reset();
    await reader.manifests.load(ID, one.digest);
    expect(reader.store.count()).toBe(2);
  });

  it('is loaded only as far as needed', async () => {
    const rig = new RepositoryRig();
    const { digest } = await rig.publish(manifestOf({ refs: manyRefs() }));
    const reader = rig.cold();
    reader.store.reset();
    const manifest = await reader.manifests.load(ID, digest, 'on-demand');
    expect(reader.store.count()).toBe(1);
    expect(manifest.refs.size).toBe(COUNT);
    expect(() => manifest.refs.get('refs/heads/000001')).toThrow('before they were loaded');
    const table = tableOf(manifest.refs);
    await Promise.all(
      [1, 2].map(() => table?.ready({ names: ['refs/heads/000001'], prefixes: ['refs/tags/'] })),
    );
    expect(reader.store.count()).toBe(2);
    expect(manifest.refs.get('refs/heads/000001')).toBe(oid('1'));
    expect(await reader.manifests.load(ID, digest)).toBe(manifest);
    expect([...manifest.refs].length).toBe(COUNT);
  });

  it('reports a missing or damaged segment, and tries again after a failure', async () => {
    const rig = new RepositoryRig();
    const { digest, manifest } = await rig.publish(manifestOf({ refs: manyRefs() }));
    const [first = '', second = '', third = ''] = segmentKeys(manifest);
    const failing = rig.cold();
    failing.store.next((call) => call.key === first, { does: 'unavailable' });
    await expect(failing.manifests.load(ID, digest)).rejects.toMatchObject({ kind: 'unavailable' });
    expect((await failing.manifests.load(ID, digest)).refs.size).toBe(COUNT);

    const found = await rig.store.get(second);
    if (!found.found) throw new Error('no segment');
    const bytes = await readAll(found.body, 1e6);
    bytes[3] = bytes[3] === 0x61 ? 0x62 : 0x61;
    await rig.store.put(second, bytes, { mode: 'overwrite' });
    const damaged = { kind: 'corrupt', message: expect.stringContaining(second) };
    await expect(rig.cold().manifests.load(ID, digest)).rejects.toMatchObject(damaged);
    await rig.store.delete(second);
    await expect(rig.cold().manifests.load(ID, digest)).rejects.toMatchObject(damaged);
    await rig.store.put(third, Buffer.from('short'), { mode: 'overwrite' });
    const reader = rig.cold();
    const table = tableOf((await reader.manifests.load(ID, digest, 'on-demand')).refs);
    const where = [...manyRefs().keys()].at(-1) ?? '';
    await table?.ready({ names: [where], prefixes: [] });
    const inThird = table?.segments[2]?.summary.first ?? '';
    await expect(table?.ready({ names: [inThird], prefixes: [] })).rejects.toMatchObject({
      kind: 'corrupt',
      message: expect.stringContaining(third),
    });
  });

  it('is damaged if its segments differ from its description, or in the number of refs', async () => {
    const rig = new RepositoryRig();
    const { manifest } = await rig.publish(manifestOf({ refs: manyRefs() }));
    const text = encodeManifest(manifest).toString();
    for (const [from, to] of [
      [`"count":${COUNT}`, `"count":${COUNT + 1}`],
      ['"last":"refs/heads/0', '"last":"refs/heads/00'],
    ] as const) {
      const changed = Buffer.from(text.replace(from, to));
      const digest = sha256(changed);
      await rig.artifacts.put(ID, 'json', digest, changed);
      await expect(rig.cold().manifests.load(ID, digest)).rejects.toMatchObject({ kind: 'corrupt' });
    }
  });

  it('names the copy of a segment that was stored because the first one is condemned', async () => {
    const rig = new RepositoryRig();
    const state = await rig.publish(manifestOf({ refs: manyRefs() }));
    const { digest } = namedArtifacts(state.manifest).find(({ kind }) => kind === 'refs')?.ref ?? {
      digest: '',
    };
    const name = artifactFileName({ digest, kind: 'refs' });
    const tombstones = { version: 1, revision: 0, artifacts: { [name]: { since: 1, condemned: true } } };
    await rig.store.put(tombstonesKey(ID), Buffer.from(JSON.stringify(tombstones)), { mode: 'create' });
    // Another server, which does not know that the segments are there.
    const other = rig.cold();
    const given = await other.manifests.encode(childOf(state, { refs: manyRefs(), peeled: new Map() }));
    const stored = await other.manifests.write(ID, given);
    expect(stored.digest).not.toBe(given.digest);
    const copies = namedArtifacts(stored.manifest).filter(({ ref }) => ref.n !== undefined);
    expect(copies).toEqual([{ kind: 'refs', ref: expect.objectContaining({ digest, n: 1 }) }]);
    await rig.store.delete(artifactKey(ID, { digest, kind: 'refs' }));
    expect((await rig.cold().manifests.load(ID, stored.digest)).refs.size).toBe(COUNT);
    expect(encodeManifest(stored.manifest).equals(stored.bytes)).toBe(true);
  });

  it('lists only the first of very many changed names of one cause', async () => {
    const rig = new RepositoryRig();
    const cause = { kind: 'withdraw', actor: null, evidence: null, refs: [...manyRefs().keys()] } as const;
    const { manifest } = await rig.manifests.encode(manifestOf({ causes: [cause] }));
    expect(manifest.causes[0]?.refs).toEqual(cause.refs.slice(0, 5_000));
  });
});

describe('the refs in a manifest of version 2', () => {
  const { refs, peeled } = changedRefs(RefTable.from('sha1', manyRefs(6_000), new Map()), [
    { name: 'refs/heads/000003', oid: undefined },
    { name: 'refs/heads/000004', oid: oid('4'), peeled: oid('5') },
    { name: 'refs/heads/x"y', oid: oid('6') },
  ]);
  const text = encodeManifest({ ...manifestOf({ refs, peeled }), version: 2 }).toString();

  it('are read back', () => {
    const overlay = tableOf(decodeManifest(Buffer.from(text), 'it').refs)?.overlay;
    expect(overlay).toEqual(tableOf(refs)?.overlay);
    expect(text).toContain(
      `"overlay":{"deleted":["refs/heads/000003"],"peeled":{"refs/heads/000004":"${oid('5')}"},"set":`,
    );
  });

  it.each([
    ['a member it does not know', '"refs":{', '"refs":{"a":1,'],
    ['peeled beside it', '"policy":', '"peeled":{},"policy":'],
    ['no segments', /"segments":\[.*?\]/, '"segments":{}'],
    ['an empty segment', /"segments":\[\{"count":\d+/, '"segments":[{"count":0'],
    ['a segment that is too large', /"size":\d{6}/, '"size":999999'],
    ['a segment with its ends the wrong way round', '"first":"refs/heads/000000"', '"first":"refs/heads/9"'],
    ['a segment that begins with no ref', '"first":"refs/heads/000000"', '"first":"refs"'],
    ['a ref deleted and set', '"deleted":[', '"deleted":["refs/heads/000004",'],
    ['a deleted name that is none', '"deleted":["refs/heads/000003"', '"deleted":["refs/heads/.a"'],
    ['a name that is none', '"refs/heads/x\\"y"', '"refs/heads/x y"'],
    ['a value that is none', `:"${oid('6')}"`, `:"${oid('6').slice(1)}"`],
    ['a peeled value that is none', `:"${oid('5')}"`, ':"5"'],
    ['a peeled value of nothing', '"peeled":{"refs/heads/000004"', '"peeled":{"refs/heads/000005"'],
    ['the names of version 1', '"version":2', '"version":1'],
    ['a version to come', '"version":2', '"version":3'],
  ])('are refused for %s', (_, from, to) => {
    const changed = text.replace(from, to);
    expect(changed).not.toBe(text);
    expect(() => decodeManifest(Buffer.from(changed), 'it')).toThrow(
      expect.objectContaining({ kind: 'corrupt' }),
    );
  });
});

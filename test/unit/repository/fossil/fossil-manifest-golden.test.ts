/** What is stored for good: these bytes may never change, or what is in buckets could not be read any more. */
import { describe, expect, it } from 'vitest';
import { type ArtifactName, nameOf } from '../../../../src/fossil/artifact-name.ts';
import { sha256 } from '../../../../src/lib/digest.ts';
import { temporaryScratch } from '../../../../src/lib/scratch-files.ts';
import { newFossilState } from '../../../../src/repository/fossil/create-fossil.ts';
import { emptyFossilState, type FossilManifest } from '../../../../src/repository/fossil/fossil-manifest.ts';
import {
  decodeFossilManifest,
  encodeFossilManifest,
} from '../../../../src/repository/fossil/fossil-manifest-codec.ts';
import { NameHash } from '../../../../src/repository/fossil/name-table.ts';
import { PackBuilder } from '../../../../src/repository/fossil/pack-builder.ts';
import { flags, NO_SOURCE, PackIndex } from '../../../../src/repository/fossil/pack-index.ts';
import { FOSSIL_ID } from '../../../helpers/fossil-rig.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';

const key = (digit: string) => digit.repeat(64);
const name = (text: string, algorithm: 'sha1' | 'sha3-256' = 'sha3-256') =>
  nameOf(Buffer.from(text), algorithm);

/** A manifest with every member that the format has. */
const everything: FossilManifest = {
  version: 1,
  ...emptyFossilState('Zürich "quoted" 漢字', '2'.repeat(32), '3'.repeat(40), 'A project'),
  lifecycle: 'held',
  generation: 3,
  policy: {
    announcements: [key('a')],
    writers: [key('b')],
    protection: [{ pattern: 'refs/heads/*', rules: ['no-force'] }],
    private: true,
    readers: [key('c')],
  },
  withdrawal: { id: key('d'), at: 1_700_000_000 },
  hashPolicy: 'shun-sha1',
  artifacts: 12,
  packs: [
    {
      kind: 'fold',
      records: 11,
      pack: { digest: sha256('one'), size: 1_000 },
      index: { digest: sha256('one index'), offset: 900, size: 100 },
    },
    {
      kind: 'push',
      records: 1,
      pack: { digest: sha256('two'), size: 300, n: 3 * 2 ** 20 },
      index: { digest: sha256('two index'), offset: 200, size: 100 },
    },
  ],
  shunned: [name('one', 'sha1'), name('two')].sort(),
  passwordSeries: 4,
  causes: [
    { kind: 'push', actor: key('e'), evidence: key('f'), artifacts: 1, unversioned: 2 },
    { kind: 'shun', actor: null, evidence: null, artifacts: 0, unversioned: 0 },
  ],
  receiptAt: 1_700_000_001,
  parent: key('1'),
  depth: 7,
};

describe('a manifest of Fossil', () => {
  it('with every field has the stored bytes that it always had', () => {
    const bytes = encodeFossilManifest(everything);
    expect(sha256(bytes)).toBe('e89f25bdd81fd8c708f002ea4b4213c917b432848239962a55b56445d98d821a');
    expect(decodeFossilManifest(bytes, 'it')).toEqual(everything);
  });

  it.each<[string, (stored: Record<string, unknown>) => void, RegExp]>([
    ['another version', (stored) => (stored['version'] = 2), /version 2/],
    ['git’s', (stored) => delete stored['kind'], /repository of git/],
    ['a member more', (stored) => (stored['more'] = 1), /more/],
    ['a project code that is none', (stored) => (stored['projectCode'] = 'A'.repeat(40)), /projectCode/],
    ['shunned artifacts out of order', (stored) => (stored['shunned'] = [key('2'), key('1')]), /order/],
    ['a shunned artifact in capitals', (stored) => (stored['shunned'] = [key('A')]), /not the name/],
    [
      'an index that is not the end of its pack',
      (stored) => {
        const [pack] = stored['packs'] as { index: { offset: number } }[];
        if (pack !== undefined) pack.index.offset = 1;
      },
      /not its end/,
    ],
  ])('is refused with %s', (_, damage, message) => {
    const stored = JSON.parse(encodeFossilManifest(everything).toString()) as Record<string, unknown>;
    damage(stored);
    expect(() => decodeFossilManifest(Buffer.from(JSON.stringify(stored)), 'it')).toThrow(message);
  });

  it('has the same project code on every server', () => {
    expect(newFossilState(FOSSIL_ID, '1'.repeat(32)).projectCode).toBe(
      'aed7b07f0c0aa8f37426d550bb814ba9a767f896',
    );
  });
});

describe('a pack of artifacts', () => {
  const [full, other, cluster] = [name('full'), name('other', 'sha1'), name('cluster')];
  const absent: ArtifactName = name('absent', 'sha1');
  const build = async (seed: number) => {
    const builder = new PackBuilder(new NameHash(new SeededRandom(seed)), temporaryScratch(0));
    await builder.add(
      { name: full, flags: flags.checkIn, depth: 0, size: 10, links: [absent] },
      Buffer.from('payload one'),
    );
    await builder.add(
      { name: other, flags: flags.private, source: full, depth: 1, size: 20 },
      Buffer.from('two'),
    );
    await builder.add(
      { name: cluster, flags: flags.cluster, depth: 0, size: 30, links: [full, other, absent] },
      Buffer.from('three'),
    );
    await builder.add(
      { name: other, flags: flags.waiting, source: absent, depth: 0, size: 40 },
      Buffer.from('four'),
    );
    await builder.add(
      { name: other, flags: flags.wrong, source: absent, depth: 0, size: 0 },
      Buffer.alloc(0),
    );
    builder.addUnversioned({ name: 'a/file', time: 1_700_000_000, hash: full, size: 10 });
    builder.addUnversioned({ name: 'gone', time: 1_700_000_001, hash: undefined, size: 0 });
    const built = await builder.build();
    const bytes = Buffer.from(built.body as Uint8Array);
    return { ...built, bytes, indexBytes: bytes.subarray(built.index.offset) };
  };

  it('has the stored bytes that it always had, for any secret of the tables', async () => {
    const { bytes, digest, index } = await build(1);
    expect([digest, index]).toEqual([
      '39dcdfbda328125c40064a3236b55779fa5dca197d3183b5ae46b6915f88697c',
      { digest: '75ce390b286005f4879604a2da909a09f85cbc30ce0f4b4a2b090d87dd3e4deb', offset: 23, size: 413 },
    ]);
    expect((await build(2)).bytes).toEqual(bytes);
  });

  it('is read back', async () => {
    const index = new PackIndex((await build(1)).indexBytes);
    expect([index.records, index.names]).toEqual([5, 6]);
    expect(index.unversioned).toEqual([
      { name: 'a/file', time: 1_700_000_000, hash: full, size: 10 },
      { name: 'gone', time: 1_700_000_001, hash: undefined, size: 0 },
    ]);
    const records = Array.from({ length: 5 }, (_, at) => [
      index.flagsOf(at),
      index.depthOf(at),
      index.sizeOf(at),
      index.lengthOf(at),
      index.sourceOf(at),
    ]);
    expect(records).toEqual([
      [flags.checkIn, 0, 10, 11, NO_SOURCE],
      [flags.private, 1, 20, 3, 0],
      [flags.cluster, 0, 30, 5, NO_SOURCE],
      [flags.waiting, 0, 40, 4, 5],
      [flags.wrong, 0, 0, 0, 5],
    ]);
    expect([...index.groups()].map(([record, links]) => [record, [...links]])).toEqual([
      [0, [5]],
      [2, [0, 1, 5]],
    ]);
  });

  it('is refused if any part of its index is cut short or points outside', async () => {
    const { indexBytes } = await build(1);
    for (let end = 0; end < indexBytes.length; end++)
      expect(() => new PackIndex(indexBytes.subarray(0, end))).toThrow();
    for (let at = 0; at < indexBytes.length; at++) {
      const damaged = Buffer.from(indexBytes);
      damaged[at] = (damaged[at] ?? 0) ^ 0xff;
      // Whatever it says then, nothing outside of it is read.
      try {
        const index = new PackIndex(damaged);
        for (const [record, links] of index.groups()) {
          expect(Math.max(record, ...links)).toBeLessThan(index.names);
        }
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    }
  });
});

/** What is stored for good: these bytes may never change, or manifests that are in buckets could not be read any more. */
import { describe, expect, it } from 'vitest';
import { changedRefs } from '../../../../src/git/index.ts';
import { sha256 } from '../../../../src/lib/digest.ts';
import type { Change } from '../../../../src/repository/change.ts';
import type { GitManifest } from '../../../../src/repository/git/git-manifest.ts';
import { decodeManifest, encodeManifest } from '../../../../src/repository/git/git-manifest-codec.ts';
import { manifestOf, oid, packOf, RepositoryRig, stateOf } from '../../../helpers/repository-rig.ts';

const key = (digit: string) => digit.repeat(64);
const artifact = (name: string, n: number) => ({ digest: sha256(name), size: 7, n });

/** A manifest with every member that the format has. */
const everything: GitManifest = {
  version: 1,
  identifier: 'Zürich "quoted" 漢字',
  objectFormat: 'sha256',
  lifecycle: 'held',
  incarnation: '2'.repeat(32),
  generation: 3,
  epoch: '4'.repeat(32),
  head: 'refs/heads/ünïcode',
  refs: new Map([
    ['refs/heads/a', key('a')],
    ['refs/tags/v1', key('b')],
  ]),
  peeled: new Map([['refs/tags/v1', key('c')]]),
  packs: [
    packOf('one', { own: { objects: 1, end: 300 }, linked: true }),
    packOf('two', {
      kind: 'fold',
      objects: 12,
      pack: artifact('p', 3),
      rev: artifact('r', 1),
      bitmap: artifact('b', 1),
      tips: sha256('tips'),
      disjoint: true,
    }),
    packOf('three', { kind: 'rest' }),
    packOf('four', { kind: 'unreachable', since: 1_700_000_000 }),
    packOf('five', { kind: 'mirror' }),
  ],
  graph: artifact('g', 2),
  policy: {
    announcements: [key('5')],
    writers: [key('6'), key('7')],
    protection: [{ pattern: 'refs/heads/*', rules: ['no-delete', 'push:owner'] }],
    private: true,
    readers: [key('8')],
  },
  appliedState: { id: key('9'), author: key('6'), at: 5, refs: key('e') },
  withdrawal: { id: key('f'), at: 4 },
  strangers: {
    refs: { [key('1')]: { by: key('2'), bytes: 10, objects: 2 }, [key('3')]: { bytes: 1, objects: 1 } },
    gone: { at: 6, bytes: 20, objects: 4 },
  },
  causes: [
    { kind: 'order', actor: key('6'), evidence: key('9'), refs: ['refs/heads/a'] },
    { kind: 'fold', actor: null, evidence: null, refs: [] },
  ],
  receiptAt: 42,
  parent: key('d'),
  depth: 17,
};

/** Digests of stored manifests, by what they are. Found with the code of version 1 of the format. */
const GOLDEN = {
  everything: 'a893870956fde23e6275544a00090adfc7c39314855e7da0eedd9dd5db970147',
  held: 'be969cdddd092f3a41b4d6184731f341b786d2df4b884fcf9cb14dbacd0d36e6',
  live: 'bf27bf0ae973dfae5033e89ce3f29333023fc9ec5b51892500bb76cb0c573c53',
  withdrawn: 'a03bd78852ed01563cc574a9fcc7a0a8956af8f5448579ae68d4c490676a1275',
};

const one = { refs: new Map([['refs/heads/main', oid('e')]]) };

describe('a stored manifest', () => {
  it.each([
    ['everything', everything],
    ['held', manifestOf({ lifecycle: 'held' })],
    ['live', manifestOf({ ...one, lifecycle: 'live' })],
    ['withdrawn', manifestOf({ lifecycle: 'withdrawn', withdrawal: { id: key('f'), at: 4 } })],
  ] as const)('has the digest it always had: %s', (name, manifest) => {
    const bytes = encodeManifest(manifest);
    expect(sha256(bytes)).toBe(GOLDEN[name]);
    expect(encodeManifest(decodeManifest(bytes, name)).equals(bytes)).toBe(true);
  });

  it('has the digest that it always had, with very many refs in segments', async () => {
    const rig = new RepositoryRig();
    const name = (at: number) => `refs/heads/${String(at).padStart(6, '0')}`;
    const refs = new Map(Array.from({ length: 6_000 }, (_, at) => [name(at), oid('1')] as const));
    const peeled = new Map([[name(7), oid('7')]]);
    const first = await rig.publish(manifestOf({ refs, peeled }));
    const changes = [
      { name: name(3), oid: undefined },
      { name: name(4), oid: oid('2') },
      { name: 'refs/tags/new', oid: oid('3'), peeled: oid('4') },
    ];
    const second = await rig.publishOver(first, changedRefs(first.manifest, changes));
    expect(second.manifest.version).toBe(2);
    expect([first.digest, second.digest]).toEqual([
      '4ca1cfc584a44f10739aceb3c9445919ab5c3614b000ba0ddb44ad51e371f0f5',
      '189b07216fadf621551bf4a8f8ffbbac6c5d474e6898342c69055e53064ebc64',
    ]);
  });

  it('has the digest that it always had, when the publisher composes it from changes', async () => {
    const rig = new RepositoryRig();
    const make = (name: string): Change<GitManifest, void> => ({
      since: 0,
      evaluate: async (state) => {
        const met = state ?? stateOf();
        return {
          next: {
            ...met,
            refs: new Map([...met.refs, [name, oid('1')]]),
            packs: [...met.packs, packOf(name)],
          },
          cause: { kind: 'push', actor: key('6'), evidence: key('9'), refs: [name] },
          receiptBefore: 1_600_000_000,
          result: undefined,
        };
      },
    });
    await rig.repository.publisher.join(make('refs/heads/a'));
    await Promise.all(['b', 'c'].map((name) => rig.repository.publisher.join(make(`refs/heads/${name}`))));
    const published = await rig.cold().repository.resolve();
    expect([published?.digest, published?.manifest.parent]).toEqual([
      'ccb8160deefd5660a2e87969a4e1de87b11e22e85a0197146a625b62b4839535',
      '7c9ee786413ff99c5f5ed1f2db6e35eea58366e321be44b68d8105852823f722',
    ]);
  });
});

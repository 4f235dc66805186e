import { describe, expect, it } from 'vitest';
import { wantSetDigest } from '../../../../src/git/index.ts';
import { sha256 } from '../../../../src/lib/digest.ts';
import type { GitManifest, PackEntry, PackKind } from '../../../../src/repository/git/git-manifest.ts';
import { growthSince, noConcatenation } from '../../../../src/transfer/concatenation/growth.ts';

const oid = (name: string) => sha256(name).slice(0, 40);
const ref = (name: string) => ({ digest: sha256(name), size: 100 });

function pack(name: string, kind: PackKind = 'push', objects = 3): PackEntry {
  return { kind, objects, pack: ref(`${name}.pack`), idx: ref(`${name}.idx`) };
}

function manifestOf(...packs: PackEntry[]): GitManifest {
  return {
    version: 1,
    identifier: 'tool',
    objectFormat: 'sha1',
    lifecycle: 'live',
    incarnation: '0'.repeat(32),
    head: 'refs/heads/main',
    refs: new Map(),
    peeled: new Map(),
    packs,
    policy: { announcements: [], writers: [], protection: [], private: false, readers: [] },
    appliedState: null,
    causes: [],
    receiptAt: 1,
    parent: null,
    depth: 0,
  };
}

function wantsOf(...names: string[]) {
  const oids = names.map(oid);
  return { oids, digest: wantSetDigest(oids) };
}

describe('the growth since an answer was proved', () => {
  it('consists of the new packs, and of the newly wanted objects', () => {
    const proven = { packs: [pack('base', 'fold'), pack('one')], wants: ['main', 'v1'].map(oid) };
    const manifest = manifestOf(pack('base', 'fold'), pack('aside', 'rest'), pack('one'), pack('two'));
    expect(growthSince(proven, manifest, wantsOf('main', 'v2', 'v2'))).toEqual({
      known: [0, 2],
      added: [3],
      wantedBefore: ['main', 'v1'].map(oid),
      wanted: [oid('v2')],
      outgrown: [oid('v1')],
      wants: ['main', 'v2'].map(oid),
    });
  });

  it('is everything if nothing was proved, except objects that branches and tags do not reach', () => {
    const manifest = manifestOf(pack('a', 'fold'), pack('b', 'unreachable'), pack('c', 'mirror'));
    const growth = growthSince(noConcatenation, manifest, wantsOf('main'));
    expect(growth).toMatchObject({ known: [], added: [0, 2], wanted: [oid('main')], outgrown: [] });
  });

  it('is unknown if a proved pack is gone or has changed', () => {
    const proven = { packs: [pack('base'), pack('one')], wants: [] };
    expect(growthSince(proven, manifestOf(pack('base'), pack('two')), wantsOf())).toBeUndefined();
    const less = { ...pack('one'), own: { objects: 2, end: 80 } };
    expect(growthSince(proven, manifestOf(pack('base'), less), wantsOf())).toBeUndefined();
    expect(growthSince(proven, manifestOf(pack('base'), pack('one')), wantsOf())).toBeDefined();
  });

  it('is unknown if it is larger than the limit', () => {
    const grown = (objects: number) =>
      growthSince(
        noConcatenation,
        manifestOf(pack('a', 'push', 1_000), pack('b', 'push', objects)),
        wantsOf('m'),
      );
    expect(grown(4_000)).toBeDefined();
    expect(grown(4_001)).toBeUndefined();
    const many = Array.from({ length: 30_000 }, (_, at) => `tag ${at}`);
    expect(growthSince(noConcatenation, manifestOf(), wantsOf(...many))).toBeUndefined();
  });
});

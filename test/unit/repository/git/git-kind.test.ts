import { describe, expect, it } from 'vitest';
import { changedRefs } from '../../../../src/git/index.ts';
import { gitKind } from '../../../../src/repository/git/git-kind.ts';
import type { GitState } from '../../../../src/repository/git/git-manifest.ts';
import { childOf, manifestOf, oid, packOf, RepositoryRig, stateOf } from '../../../helpers/repository-rig.ts';

const some: GitState = stateOf({
  refs: new Map([
    ['refs/heads/main', oid('1')],
    ['refs/tags/v1', oid('2')],
  ]),
  peeled: new Map([['refs/tags/v1', oid('1')]]),
  packs: [packOf('one')],
});

describe('two git states', () => {
  it('are equal for any order of their parts and any position in the chain', () => {
    const again = stateOf({
      refs: new Map([...some.refs].reverse()),
      peeled: new Map(some.peeled),
      packs: [packOf('one')],
    });
    expect(gitKind.isSame(again, some)).toBe(true);
    const first = manifestOf(some);
    const second = childOf({ version: 'v', digest: '0'.repeat(64), manifest: first });
    expect(gitKind.isSame(second, first)).toBe(true);
  });

  it.each([
    ['another ref', { refs: new Map([...some.refs, ['refs/heads/more', oid('1')]]) }],
    ['a ref moved', { refs: new Map([...some.refs, ['refs/heads/main', oid('3')]]) }],
    ['another HEAD', { head: 'refs/heads/dev' }],
    ['another pack', { packs: [packOf('one'), packOf('two')] }],
    ['a pack that says more', { packs: [packOf('one', { linked: true })] }],
    ['another lifecycle', { lifecycle: 'held' }],
    ['other rules', { policy: { ...some.policy, private: true } }],
    ['another signed state', { appliedState: { id: '1', author: '2', at: 3, refs: '4' } }],
    ['another epoch', { epoch: '9'.repeat(32) }],
    ['a withdrawal', { withdrawal: { id: '1', at: 2 } }],
  ] satisfies [string, Partial<GitState>][])('are told apart by %s', (_what, parts) => {
    expect(gitKind.isSame({ ...some, ...parts }, some)).toBe(false);
    expect(gitKind.isSame(some, { ...some, ...parts })).toBe(false);
  });

  it('with very many refs are distinguished', async () => {
    const rig = new RepositoryRig();
    const name = (at: number) => `refs/heads/${String(at).padStart(6, '0')}`;
    const refs = new Map(Array.from({ length: 6_000 }, (_, at) => [name(at), oid('1')] as const));
    const { manifest } = await rig.publish(manifestOf({ refs }));
    const moved = { ...manifest, ...changedRefs(manifest, [{ name: name(7), oid: oid('2') }]) };
    expect(gitKind.isSame(moved, manifest)).toBe(false);
    const back = { ...moved, ...changedRefs(moved, [{ name: name(7), oid: oid('1') }]) };
    expect(gitKind.isSame(back, manifest)).toBe(true);
  });

  it('that are equal are published once: an unchanged state writes nothing', async () => {
    const rig = new RepositoryRig();
    await rig.publish(manifestOf(some));
    await rig.repository.resolve();
    rig.store.reset();
    const { committed } = await rig.repository.publisher.join({
      since: 0,
      evaluate: async (current = some) => ({
        next: { ...current, refs: new Map(current.refs) },
        cause: { kind: 'push', actor: null, evidence: null, refs: [] },
        result: undefined,
      }),
    });
    expect([committed.digest, committed.manifest?.depth]).toEqual([undefined, 0]);
    expect(rig.store.count()).toBe(0);
  });
});

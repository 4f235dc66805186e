import { describe, expect, it } from 'vitest';
import { CheckedRefs } from '../../../../src/maintenance/fold/checked-refs.ts';
import {
  afterFold,
  FoldChange,
  type FoldResult,
  restingOn,
} from '../../../../src/maintenance/fold/fold-change.ts';
import type { GitState, PublishedGitState } from '../../../../src/repository/git/git-manifest.ts';
import { INCARNATION, manifestOf, oid, packOf, stateOf } from '../../../helpers/repository-rig.ts';

const [old, older, kept, made, late] = ['old', 'older', 'kept', 'made', 'late'].map((name) =>
  packOf(name, name === 'older' ? { kind: 'unreachable' } : {}),
);
const NOW = 1_800_000_000;
const NEXT_EPOCH = 'e'.repeat(32);
const GRAPH = { digest: 'a'.repeat(64), size: 1 };
const refs = (...tips: string[]) => new Map(tips.map((tip, at) => [`refs/heads/${at}`, oid(tip)] as const));

const checked = new CheckedRefs();
await checked.add(refs('1'));

function digests(...packs: readonly (typeof old)[]): Set<string> {
  return new Set(packs.map((pack) => pack?.pack.digest ?? ''));
}

function resultOf(parts: Partial<FoldResult> = {}): FoldResult {
  return {
    incarnation: INCARNATION,
    made: [made ?? packOf('made')],
    replaced: digests(old, older),
    dropped: new Set(),
    relied: digests(kept),
    graph: undefined,
    epoch: NEXT_EPOCH,
    madeIn: INCARNATION,
    linked: new Set(),
    conserves: true,
    checked,
    ...parts,
  };
}

const packs = (...named: readonly (typeof old)[]) => named.filter((pack) => pack !== undefined);

/** Evaluates a fold on a state, which is published as it is unless something else is. */
async function evaluate(result: FoldResult, state: GitState | undefined, published = state) {
  const base: PublishedGitState | undefined = published && {
    version: '1',
    digest: 'd'.repeat(64),
    manifest: manifestOf(published),
  };
  return new FoldChange(result, 0, () => NOW).evaluate(state, base);
}

describe('a fold', () => {
  it('replaces its packs, and keeps packs that were published meanwhile', async () => {
    const state = stateOf({ packs: packs(old, kept, older, late), refs: refs('1', '2'), graph: GRAPH });
    const { next, cause, result } = await evaluate(resultOf(), state);
    expect(result).toEqual({ verdict: 'publish' });
    expect(cause).toEqual({ kind: 'fold', actor: null, evidence: null, refs: [] });
    expect(next?.packs).toEqual([made, kept, late]);
    expect(next?.refs).toBe(state.refs);
    expect(next?.epoch, 'not one object has left').toBe(state.epoch);
    expect(next).not.toHaveProperty('graph');
  });

  it('replaces the commit-graph, or keeps the old one', async () => {
    const other = { digest: 'b'.repeat(64), size: 2 };
    const state = stateOf({ packs: packs(old, kept, older), graph: GRAPH });
    expect((await evaluate(resultOf({ graph: other }), state)).next?.graph).toEqual(other);
    expect((await evaluate(resultOf({ graph: 'as it is' }), state)).next?.graph).toEqual(GRAPH);
  });

  it.each([
    ['there is no repository', undefined],
    ['it was withdrawn', stateOf({ lifecycle: 'withdrawn' })],
    ['it was announced anew', stateOf({ incarnation: '2'.repeat(32), packs: packs(old, kept, older) })],
    ['a pack that it replaces has gone', stateOf({ packs: packs(old, kept) })],
    ['a pack that it relies on has gone', stateOf({ packs: packs(old, older) })],
  ])('is dropped if %s', async (_when, state) => {
    expect(await evaluate(resultOf(), state)).toEqual({ result: { verdict: 'superseded' } });
  });

  it('records for each pack whether its links were seen to stay, by its maker or by this fold', async () => {
    const before = packs(old, older, { ...packOf('kept'), linked: true }, packOf('late'));
    const linked = digests(made);
    const conserving = (await evaluate(resultOf({ linked }), stateOf({ packs: before }))).next;
    expect(conserving?.packs.map((entry) => entry.linked)).toEqual([true, true, undefined]);
    const relied = digests(kept, late);
    const dropping = resultOf({ linked, relied, conserves: false });
    const left = (await evaluate(dropping, stateOf({ packs: before }))).next;
    expect(left?.packs.map((entry) => entry.linked)).toEqual([true, undefined, undefined]);
    const seen = resultOf({ linked: digests(made, late), relied, conserves: false });
    const looked = (await evaluate(seen, stateOf({ packs: before }))).next;
    expect(looked?.packs.map((entry) => entry.linked)).toEqual([true, undefined, true]);
  });

  it('that keeps all objects records nothing about links in another epoch', async () => {
    const state = stateOf({ packs: packs(old, kept, older), epoch: 'f'.repeat(32) });
    const { next } = await evaluate(resultOf({ linked: digests(made) }), state);
    expect(next?.packs).toEqual([made, kept]);
    expect(next?.epoch).toBe('f'.repeat(32));
  });

  it('begins an epoch if there was none', async () => {
    const { epoch: _none, ...state } = stateOf({ packs: packs(old, kept, older) });
    expect((await evaluate(resultOf(), state)).next?.epoch).toBe(NEXT_EPOCH);
  });

  it('is dropped if its packs are not published any more, whatever a batch changes in them', async () => {
    const state = stateOf({ packs: packs(old, kept, older) });
    expect(await evaluate(resultOf(), state, stateOf({ packs: packs(old) }))).toEqual({
      result: { verdict: 'superseded' },
    });
  });
});

describe('a fold that leaves objects out', () => {
  const result = resultOf({ replaced: digests(old), dropped: digests(older), conserves: false });

  it('is published alone, so that no push in its batch can depend on the dropped objects', () => {
    expect(new FoldChange(result, 0, () => NOW).alone).toBe(true);
    expect(new FoldChange(resultOf(), 0, () => NOW).alone).toBe(false);
  });

  it('is published if all refs were checked', async () => {
    const state = stateOf({ packs: packs(old, older, kept), refs: refs('1') });
    const { next } = await evaluate(result, state);
    expect(next?.packs).toEqual([made, kept]);
    expect(next?.epoch).toBe(NEXT_EPOCH);
  });

  it('is not published if a ref was not checked', async () => {
    const state = stateOf({ packs: packs(old, older, kept, late), refs: refs('1', '2') });
    expect(await evaluate(result, state)).toEqual({ result: { verdict: 'unchecked', state } });
  });

  it('is not published beside a new pack, even if the ref of that pack is gone', async () => {
    const state = stateOf({ packs: packs(old, older, kept, late), refs: refs('1') });
    expect(await evaluate(result, state)).toEqual({ result: { verdict: 'unchecked', state } });
  });

  it('needs no proof for a ref with a checked value, or for a deleted ref', async () => {
    const named = packs(old, older, kept);
    expect((await evaluate(result, stateOf({ packs: named, refs: refs('1', '1') }))).next).toBeDefined();
    expect((await evaluate(result, stateOf({ packs: named, refs: new Map() }))).next).toBeDefined();
  });

  it('is dropped if a ref was moved to a dropped object meanwhile', async () => {
    const state = stateOf({ packs: packs(old, packOf('older'), kept), refs: refs('1') });
    expect(await evaluate(result, state)).toEqual({ result: { verdict: 'superseded' } });
  });

  it('depends on the packs that existed at its check, and is dropped if one of them is gone', async () => {
    const met = stateOf({ packs: packs(old, older, kept, late), refs: refs('1', '2') });
    const later = new CheckedRefs();
    await later.add(met.refs);
    const again = restingOn({ ...result, checked: later }, afterFold(met, result));
    expect((await evaluate(again, met)).next?.packs).toEqual([made, kept, late]);
    const without = stateOf({ packs: packs(old, older, kept), refs: refs('1', '2') });
    expect(await evaluate(again, without)).toEqual({ result: { verdict: 'superseded' } });
  });
});

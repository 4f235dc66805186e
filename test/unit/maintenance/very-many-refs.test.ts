import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { cloneWants, RefTable, wantSetDigest } from '../../../src/git/index.ts';
import { BATCH } from '../../../src/lib/cooperative.ts';
import { sha256 } from '../../../src/lib/digest.ts';
import { CheckedRefs } from '../../../src/maintenance/fold/checked-refs.ts';
import { cloneTips } from '../../../src/maintenance/fold/clone-tips.ts';

const MANY = 20_000;
const some = new Map(
  Array.from({ length: MANY }, (_, at) => {
    const folder = at % 3 === 0 ? 'notes' : at % 3 === 1 ? 'heads' : 'tags';
    return [`refs/${folder}/${at}`, sha256(String(at % 15_000)).slice(0, 40)] as const;
  }),
);

/** Refs that count how often one of them was looked at. */
class CountingRefs extends Map<string, string> {
  looks = 0;

  override *[Symbol.iterator](): MapIterator<[string, string]> {
    for (const ref of super.entries()) {
      this.looks++;
      yield ref;
    }
    return undefined;
  }

  override *values(): MapIterator<string> {
    for (const [, oid] of this) yield oid;
    return undefined;
  }
}

/** @returns the most refs that were looked at between two turns of somebody else */
async function mostInATurn(refs: CountingRefs, work: Promise<unknown>): Promise<number> {
  let over = false;
  const done = work.finally(() => {
    over = true;
  });
  let [most, before] = [0, 0];
  do {
    await nextTurn();
    most = Math.max(most, refs.looks - before);
    before = refs.looks;
  } while (!over);
  await done;
  return most;
}

describe('very many refs', () => {
  it('give the same tips of a clone in slices as at once', async () => {
    const refs = new CountingRefs(some);
    const tips = cloneTips(refs);
    expect(await mostInATurn(refs, tips)).toBeLessThanOrEqual(2 * BATCH);
    expect(refs.looks).toBe(MANY);
    expect(await tips).toBe(wantSetDigest(cloneWants(some)));
    expect(await cloneTips(RefTable.from('sha1', some, new Map()).refs)).toBe(await tips);
  });

  it('are recorded as checked in slices', async () => {
    const refs = new CountingRefs(some);
    const checked = new CheckedRefs();
    expect(await mostInATurn(refs, checked.add(refs))).toBeLessThanOrEqual(2 * BATCH);
    expect(checked.covers(some)).toBe(true);
  });

  it('are checked again only where they changed', async () => {
    const table = RefTable.from('sha1', some, new Map());
    const checked = new CheckedRefs();
    await checked.add(table.refs);
    const fresh = 'f'.repeat(40);
    const moved = table.with([{ name: 'refs/heads/1', oid: fresh }]).refs;
    Object.defineProperty(moved, 'values', { value: () => expect.fail('all were looked at') });
    Object.defineProperty(moved, Symbol.iterator, { value: () => expect.fail('all were looked at') });
    expect(checked.covers(table.refs)).toBe(true);
    expect(checked.covers(moved)).toBe(false);
    await checked.add(moved);
    expect(checked.covers(moved)).toBe(true);
    expect(checked.has(fresh)).toBe(true);
  });
});

it('an empty repository has no tips', async () => {
  expect(await cloneTips(new Map([['refs/notes/x', 'a'.repeat(40)]]))).toBeUndefined();
});

import { describe, expect, it, vi } from 'vitest';
import { RefTable } from '../../../../src/git/index.ts';
import { showsObjects, tagObjects } from '../../../../src/transfer/fetch/shown-objects.ts';
import { manifestOf, oid } from '../../../helpers/repository-rig.ts';

const PEELED = oid('a');
const TAG = oid('b');

/** A manifest of its own over the same refs, as every push makes one. */
function manifestOver({ refs, peeled }: RefTable) {
  return manifestOf({ refs, peeled });
}

function tableOfMany(count: number): RefTable {
  const refs = new Map<string, string>([['refs/tags/v1', TAG]]);
  for (let at = 0; at < count; at++) refs.set(`refs/heads/${at}`, oid('c'));
  return RefTable.from('sha1', refs, new Map([['refs/tags/v1', PEELED]]));
}

describe('the set of advertised objects', () => {
  it('equals that of an advertisement for any number of refs', async () => {
    const refs = new Map([
      ['refs/heads/main', oid('c')],
      ['refs/tags/v1', TAG],
    ]);
    const few = manifestOf({ refs, peeled: new Map([['refs/tags/v1', PEELED]]) });
    for (const manifest of [few, manifestOver(tableOfMany(6_000))]) {
      expect(await showsObjects(manifest, [PEELED, TAG, oid('c')])).toBe(true);
      expect(await showsObjects(manifest, [TAG, oid('d')])).toBe(false);
      expect(await tagObjects(manifest)).toEqual([TAG]);
      expect(await showsObjects(manifest, [PEELED, TAG, oid('c')])).toBe(true);
      expect(await showsObjects(manifest, [TAG, oid('d')])).toBe(false);
    }
  });

  it('is kept for later requests, except if every push makes another manifest with very many refs', async () => {
    const table = tableOfMany(40_000);
    const looked = vi.spyOn(table, 'startingWith');
    const first = manifestOver(table);
    await Promise.all([tagObjects(first), tagObjects(first)]);
    await tagObjects(first);
    expect(looked).toHaveBeenCalledTimes(1);
    for (let others = 0; others < 10; others++) await tagObjects(manifestOver(table));
    looked.mockClear();
    await tagObjects(first);
    expect(looked).toHaveBeenCalledTimes(1);
  });
});

import { describe, expect, it } from 'vitest';
import { knownObjects } from '../../../src/transfer/inspect-objects.ts';
import { oid, stateOf } from '../../helpers/repository-rig.ts';

describe('objects', () => {
  it('that published refs name are known: branches are commits, and what peels is a tag', () => {
    const refs = new Map([
      ['refs/heads/a', oid('1')],
      ['refs/tags/annotated', oid('2')],
      ['refs/tags/light', oid('3')],
      ['refs/notes/n', oid('4')],
    ]);
    const known = knownObjects(stateOf({ refs, peeled: new Map([['refs/tags/annotated', oid('1')]]) }));
    expect([...known]).toEqual([
      [oid('1'), { type: 'commit' }],
      [oid('2'), { type: 'tag', peeled: oid('1') }],
    ]);
    expect(knownObjects(undefined).size).toBe(0);
  });
});

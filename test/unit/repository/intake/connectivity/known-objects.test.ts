import { describe, expect, it } from 'vitest';
import { RefTable } from '../../../../../src/git/index.ts';
import { knownObjects } from '../../../../../src/repository/intake/connectivity/known-objects.ts';
import { oid, stateOf } from '../../../../helpers/repository-rig.ts';

const refs = new Map([
  ['refs/heads/a', oid('1')],
  ['refs/notes/n', oid('4')],
  ['refs/tags/annotated', oid('2')],
  ['refs/tags/light', oid('3')],
]);
const peeled = new Map([['refs/tags/annotated', oid('1')]]);

describe('the types of published objects', () => {
  it.each([
    ['few refs', { refs, peeled }],
    ['very many refs', RefTable.from('sha1', refs, peeled)],
  ])('are known with %s: branches are commits, and peeled values belong to tags', (_, maps) => {
    const known = knownObjects(stateOf({ refs: maps.refs, peeled: maps.peeled }));
    expect(known.get(oid('1'))).toEqual({ type: 'commit' });
    expect(known.get(oid('2'))).toEqual({ type: 'tag', peeled: oid('1') });
    for (const unknown of ['3', '4', '5']) {
      expect(known.has(oid(unknown))).toBe(false);
      expect(known.get(oid(unknown))).toBeUndefined();
    }
  });

  it('are unknown before there is a repository', () => {
    expect(knownObjects(undefined).has(oid('1'))).toBe(false);
  });
});

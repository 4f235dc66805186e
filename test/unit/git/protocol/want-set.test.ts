import { describe, expect, it } from 'vitest';
import { cloneWants, wantSetDigest } from '../../../../src/git/index.ts';

const a = 'a'.repeat(40);
const b = 'b'.repeat(40);

describe('a set of wants', () => {
  it('has one name for any order and repetition of its ids', () => {
    expect(wantSetDigest([a, b])).toBe(wantSetDigest([b, a, b]));
    expect(wantSetDigest([a, b])).not.toBe(wantSetDigest([a]));
    expect(wantSetDigest([])).toMatch(/^[0-9a-f]{64}$/);
  });

  it('of a clone is the set of branch and tag values', () => {
    const refs = new Map([
      ['refs/heads/main', a],
      ['refs/notes/commits', 'c'.repeat(40)],
      ['refs/tags/v1', b],
      ['refs/tags/v2', b],
    ]);
    expect([...cloneWants(refs)]).toEqual([a, b]);
  });
});

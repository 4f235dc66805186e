import { describe, expect, it } from 'vitest';
import { headAfter } from '../../../src/policy/default-branch.ts';

const CASES: readonly (readonly [head: string, branches: readonly string[], after: string])[] = [
  ['main', [], 'main'],
  ['main', ['main', 'apple'], 'main'],
  ['trunk', ['trunk', 'main'], 'trunk'],
  ['main', ['zebra', 'apple'], 'apple'],
  ['trunk', ['zebra', 'master', 'main'], 'main'],
  ['trunk', ['zebra', 'master'], 'master'],
  ['trunk', ['b', 'a/b', 'a.b'], 'a.b'],
  ['trunk', ['\u{10000}', '\uffff'], '\uffff'],
];

describe('the branch of HEAD', () => {
  it.each(CASES)('%s, with the branches %j: %s', (head, branches, after) => {
    const refs = new Map(branches.map((name) => [`refs/heads/${name}`, '1'] as const));
    expect(headAfter(`refs/heads/${head}`, refs)).toBe(`refs/heads/${after}`);
  });

  it('is never a tag', () => {
    expect(headAfter('refs/heads/main', new Map([['refs/tags/a', '1']]))).toBe('refs/heads/main');
  });
});

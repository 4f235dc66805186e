import { describe, expect, it } from 'vitest';
import { mirroredRefProblem, mirrorNamespace, type PullMirror } from '../../../src/policy/mirrored-refs.ts';

const follows: PullMirror = { id: '1'.repeat(16), name: 'upstream', refs: 'follow' };
const beside: PullMirror = { id: '2'.repeat(16), name: 'fork', refs: 'namespace' };
const pullRequest = `refs/nostr/${'a'.repeat(64)}`;

describe('a ref of a pull mirror (issue 13, point 4)', () => {
  it.each([
    ['a branch', [follows], 'refs/heads/main', 'upstream'],
    ['a tag', [follows], 'refs/tags/v1', 'upstream'],
    ['any other ref', [follows], 'refs/notes/commits', 'upstream'],
    ['a ref in the namespace of a mirror', [beside], `${mirrorNamespace('fork')}heads/main`, 'refs/mirrors/'],
    ['a ref in no mirror’s namespace', [beside], 'refs/mirrors/other/heads/main', 'refs/mirrors/'],
    ['a branch, beside mirrors in namespaces', [beside, follows], 'refs/heads/main', 'upstream'],
  ])('is changed by the mirror only: %s', (_what, mirrors, ref, named) => {
    expect(mirroredRefProblem(mirrors, ref)).toMatch(/^mirrored: /);
    expect(mirroredRefProblem(mirrors, ref)).toContain(named);
  });

  it.each([
    ['without mirrors', undefined, 'refs/heads/main'],
    ['without mirrors, below refs/mirrors', undefined, 'refs/mirrors/x/heads/main'],
    ['a branch beside a mirror in a namespace', [beside], 'refs/heads/main'],
    ['the tip of a pull request', [follows], pullRequest],
  ])('is free for others: %s', (_what, mirrors, ref) => {
    expect(mirroredRefProblem(mirrors, ref)).toBeUndefined();
  });
});

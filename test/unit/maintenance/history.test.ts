import { describe, expect, it } from 'vitest';
import { findInHistory } from '../../../src/maintenance/history.ts';
import type { PublishedGitState } from '../../../src/repository/git/git-manifest.ts';
import { ID, manifestOf, RepositoryRig } from '../../helpers/repository-rig.ts';

/** A chain of states that were published at these depths, oldest first. */
async function chainOf(depths: readonly number[]) {
  const rig = new RepositoryRig();
  const states: PublishedGitState[] = [];
  for (const depth of depths) {
    const before = states.at(-1);
    const manifest = manifestOf({ depth, parent: before?.digest ?? null });
    states.push(await rig.publish(manifest, before, ID));
  }
  const newest = states.at(-1);
  if (newest === undefined) throw new Error('a chain has a state');
  const find = async (which: string) => (await findInHistory(rig.repository, newest, which)).manifest.depth;
  return { states, find };
}

describe('a state in a history', () => {
  it('is found by its depth, however great', async () => {
    const depths = [0, 1, 99_999, 100_000, 123_456, 10_000_000];
    const { find } = await chainOf(depths);
    for (const depth of depths) expect(await find(String(depth))).toBe(depth);
    for (const absent of ['2', '100001', '9999999']) await expect(find(absent)).rejects.toThrow('no state');
  });

  it('is found by its digest, or by six characters of it and more, also if these are digits', async () => {
    // Of these digests some begin with six digits: none of them is a depth here.
    const { states, find } = await chainOf(Array.from({ length: 100 }, (_, at) => at));
    const beginnings = states.map(({ digest }) => digest.slice(0, 6));
    expect(beginnings.some((text) => /^[1-9]\d{5}$/.test(text))).toBe(true);
    for (const { digest, manifest } of states) {
      expect(await find(digest.slice(0, 8))).toBe(manifest.depth);
      expect(await find(digest)).toBe(manifest.depth);
    }
    for (const text of ['', 'x', '-1', '1.5', 'abcde', 'ABCDEF', `${'a'.repeat(65)}`]) {
      await expect(find(text)).rejects.toMatchObject({ kind: 'invalid' });
    }
  });
});

import { expect, it } from 'vitest';
import { policyOf, protocolOf, scopeOf } from '../../../../src/cli/mirror/mirror-flags.ts';

it('--branch takes a list with commas, several flags, and blanks', () => {
  expect(scopeOf({ branch: ['a, b', 'c,'] }).branches).toEqual(['a', 'b', 'c']);
  expect(scopeOf({ branch: ['refs/heads/a/b,c'] }).branches).toEqual(['a/b', 'c']);
});

it.each([[['']], [[' ', ',']], [['refs/heads/']]])('--branch without a name is refused: %j', (branch) => {
  expect(() => scopeOf({ branch })).toThrow(/--branch is ".*": expected the names of branches/);
});

it('branches and mappings exclude each other', () => {
  expect(() => scopeOf({ branch: ['a'], map: ['a:b'] })).toThrow(/--branch and --map/);
  expect(() => scopeOf({ map: ['a'] })).toThrow(/not a mapping/);
});

it('both names of force mean the same', () => {
  expect([
    policyOf({}).force,
    policyOf({ force: true }).force,
    policyOf({ forceWithLease: true }).force,
  ]).toEqual([false, true, true]);
});

it('sizes may have units, and counts are whole numbers', () => {
  const { limits } = policyOf({ maxPackBytes: '2GiB', targetMaxPackBytes: '512', targetMaxRefUpdates: '10' });
  expect(limits).toEqual({ maxPackBytes: 2 ** 31, targetMaxPackBytes: 512, targetMaxRefUpdates: 10 });
  for (const wrong of ['', '0', '-1', 'x', '1.5MiB']) {
    expect(() => policyOf({ maxPackBytes: wrong })).toThrow(/--max-pack-bytes/);
  }
  for (const wrong of ['0', '1.5', 'x', '-2']) {
    expect(() => policyOf({ targetMaxRefUpdates: wrong })).toThrow(/--target-max-ref-updates/);
  }
});

it('protocols have the names of git-sync, and v0', () => {
  expect(['auto', 'v0', 'v1', 'v2'].map((protocol) => protocolOf({ protocol }))).toEqual(['auto', 0, 1, 2]);
  expect(protocolOf({})).toBe('auto');
  for (const protocol of ['2', 'V2', 'v3', '__proto__'])
    expect(() => protocolOf({ protocol })).toThrow(/--protocol/);
});

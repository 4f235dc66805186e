/** What git may have of a machine's memory (issue 11, point 3). */
import { describe, expect, it } from 'vitest';
import { type GitSettings, gitBudget } from '../../../src/server/git-budget.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
/** What the server needs beside git. */
const SERVER = 640 * MIB;

const UNSET: GitSettings = {
  gitMemory: undefined,
  gitConcurrency: undefined,
  anonymousPushes: { slots: 2 },
};

describe('by default', () => {
  it.each([2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128, 512])(
    'all git processes together fit beside the server on a machine with %i GiB (issue 11, point 3)',
    (gib) => {
      const { memory, sum, shares, pageShares, warning } = gitBudget(UNSET, gib * GIB);
      expect(sum).toBe((shares.all + shares.spare + pageShares) * memory);
      expect(sum).toBeLessThanOrEqual(gib * GIB - SERVER);
      expect(warning).toBeUndefined();
    },
  );

  it.each([
    [2, 4, 35],
    [8, 8, 120],
    [24, 24, 194],
    [128, 32, 854],
  ])('a machine with %i GiB has %i slots, and %i MiB for a process', (gib, slots, mib) => {
    const { concurrency, memory } = gitBudget(UNSET, gib * GIB);
    expect([concurrency, memory / MIB]).toEqual([slots, mib]);
  });

  it('more memory never means fewer slots, or less memory for one fold', () => {
    let before = gitBudget(UNSET, GIB);
    for (let gib = 2; gib <= 256; gib++) {
      const now = gitBudget(UNSET, gib * GIB);
      expect(now.concurrency).toBeGreaterThanOrEqual(before.concurrency);
      expect(now.sum).toBeGreaterThanOrEqual(before.sum);
      before = now;
    }
  });

  it('a machine that is too small is reported, and a server starts anyway', () => {
    const { concurrency, memory, warning } = gitBudget(UNSET, GIB);
    expect([concurrency, memory]).toEqual([4, 32 * MIB]);
    expect(warning).toContain('this machine has 1 GiB for everything');
    expect(warning).toContain('A server should have 2 GiB');
  });
});

describe('the settings of an operator', () => {
  it('stay, and are counted: the documented sum of processes times --git-memory', () => {
    const set = { ...UNSET, gitMemory: 128 * MIB, gitConcurrency: 8 };
    const { memory, concurrency, sum, warning } = gitBudget(set, 16 * GIB);
    expect([memory, concurrency]).toEqual([128 * MIB, 8]);
    // 2 for each of 8 slots and of 2 for strangers, 2 stalled pushes, 4 for a fold, 4 to spare; 4 states, 2 tips, 1 proof; 14 for pages.
    expect(sum).toBe((2 * (8 + 2) + 2 + 4 + 4 + 4 + 2 + 1 + 14) * 128 * MIB);
    expect(warning).toBeUndefined();
  });

  it('are reported with figures if they are too much for the machine', () => {
    const set = { ...UNSET, gitMemory: GIB, gitConcurrency: 32 };
    const { memory, concurrency, warning } = gitBudget(set, 2 * GIB);
    expect([memory, concurrency]).toEqual([GIB, 32]);
    expect(warning).toContain(
      '--git-concurrency 32 and --git-memory 1 GiB let git take 115 GiB (115 times 1 GiB)',
    );
    expect(warning).toContain('this machine has 2 GiB');
  });

  it('determine the missing setting: fewer slots for large processes, less memory for many slots', () => {
    expect(gitBudget({ ...UNSET, gitMemory: GIB }, 24 * GIB).concurrency).toBe(4);
    expect(gitBudget({ ...UNSET, gitMemory: 256 * MIB }, 24 * GIB).concurrency).toBe(15);
    const many = gitBudget({ ...UNSET, gitConcurrency: 100 }, 24 * GIB);
    expect(many.sum).toBeLessThanOrEqual(18 * GIB);
    expect(many.warning).toBeUndefined();
  });

  it('leave room for the git of mirrors beside pushes and fetches (issue 13, point 4)', () => {
    const set = { ...UNSET, gitMemory: 128 * MIB, gitConcurrency: 8 };
    const with3 = gitBudget({ ...set, mirrors: { on: true, concurrency: 3 } }, 16 * GIB);
    const off = gitBudget({ ...set, mirrors: { on: false, concurrency: 3 } }, 16 * GIB);
    expect(with3.shares.all - off.shares.all).toBe(6);
    expect(off.shares.all).toBe(gitBudget(set, 16 * GIB).shares.all);
  });

  it('without anonymous pushes need no slots for strangers', () => {
    const set = { gitMemory: 128 * MIB, gitConcurrency: 8 };
    const some = gitBudget({ ...set, anonymousPushes: { slots: 3 } }, 16 * GIB);
    const none = gitBudget({ ...set, anonymousPushes: undefined }, 16 * GIB);
    expect(some.shares.all - none.shares.all).toBe(6);
  });
});

import { describe, expect, it } from 'vitest';
import {
  dueAt,
  nextInterval,
  nextTurn,
  retryAfter,
  type Turns,
} from '../../../../src/mirror/kept/schedule.ts';

describe('the schedule of a mirror (issue 13, point 4)', () => {
  it('spreads runs by a tenth of the interval', () => {
    expect(nextInterval(1_000, 0)).toBe(900);
    expect(nextInterval(1_000, 0.5)).toBe(1_000);
    expect(nextInterval(1_000, 0.999)).toBe(1_100);
    expect(nextInterval(1, 0)).toBe(1);
  });

  it('doubles the pause after each failure, up to an hour', () => {
    const pauses = [1, 2, 3, 7, 8, 50, 5_000].map((failures) => retryAfter(60, failures, 'unavailable', 0.5));
    expect(pauses).toEqual([30, 60, 120, 1_920, 3_600, 3_600, 3_600]);
  });

  it('waits longer if a person must act first, up to a day', () => {
    const pauses = [1, 2, 8, 50].map((failures) => retryAfter(60, failures, 'unauthenticated', 0.5));
    expect(pauses).toEqual([900, 1_800, 86_400, 86_400]);
  });

  it('never waits longer than the interval of a rarely run mirror', () => {
    expect(retryAfter(86_400, 30, 'unavailable', 0.5)).toBe(86_400);
  });

  it('spreads tries by a quarter', () => {
    expect(retryAfter(60, 2, 'busy', 0)).toBe(45);
    expect(retryAfter(60, 2, 'busy', 0.999)).toBe(75);
  });
});

describe('the date of the next run', () => {
  const NOW = 1_000_000;
  const date = (every: number, due: number, failures = 0) =>
    dueAt(
      {
        every,
        progress: {
          due,
          failures,
          lastRun: null,
          lastSuccess: null,
          lastError: null,
          mirrored: null,
          behindSince: null,
        },
      },
      NOW,
    );

  it.each([60, 900, 30 * 86_400])('is the one that a run has set, every %d s', (every) => {
    for (const fraction of [0, 0.999]) {
      const next = NOW + nextInterval(every, fraction);
      expect(date(every, next)).toBe(next);
      for (const failures of [1, 5, 40]) {
        for (const kind of ['unavailable', 'forbidden'] as const) {
          const again = NOW + retryAfter(every, failures, kind, fraction);
          expect(date(every, again, failures)).toBe(again);
        }
      }
    }
  });

  it('may be an hour later, if the clock of another server is ahead', () => {
    expect(date(60, NOW + 3_600)).toBe(NOW + 3_600);
  });

  it('is now if no run can have set it by a right clock', () => {
    expect(date(60, NOW + 2 * 3_600)).toBe(NOW);
    expect(date(60, NOW + 365 * 86_400, 3)).toBe(NOW);
  });
});

describe('the next mirror to run', () => {
  const turns = (running: Record<string, number>, started: Record<string, number> = {}): Turns => ({
    most: 2,
    running: (name) => running[name] ?? 0,
    lastStarted: (name) => started[name] ?? 0,
  });
  const candidate = (owner: string, due: number, repository = `${owner}/one`) => ({ owner, repository, due });

  it('is none before one is due', () => {
    expect(nextTurn([candidate('a', 11)], 10, turns({}))).toBeUndefined();
  });

  it('belongs to an owner without running mirrors, however long others have waited', () => {
    const next = nextTurn([candidate('many', 1), candidate('few', 9)], 10, turns({ many: 1 }));
    expect(next?.owner).toBe('few');
  });

  it('belongs to no owner with a full share of the slots, in any repository', () => {
    const candidates = [candidate('many', 1), candidate('many', 1, 'many/two')];
    expect(nextTurn(candidates, 10, turns({ many: 2 }))).toBeUndefined();
  });

  it('rotates among owners, so that one with many repositories does not delay others', () => {
    const candidates = [candidate('many', 1), candidate('many', 2, 'many/two'), candidate('few', 9)];
    expect(nextTurn(candidates, 10, turns({}, { many: 5, few: 4 }))?.owner).toBe('few');
    expect(nextTurn(candidates, 10, turns({}, { many: 5, few: 6 }))?.owner).toBe('many');
  });

  it('rotates among the repositories of an owner', () => {
    const candidates = [candidate('a', 1), candidate('a', 9, 'a/two')];
    expect(nextTurn(candidates, 10, turns({}, { 'a/one': 5, 'a/two': 4 }))?.repository).toBe('a/two');
  });

  it('is the one that has been due longest within a repository', () => {
    expect(nextTurn([candidate('a', 5), candidate('a', 3)], 10, turns({}))?.due).toBe(3);
  });
});

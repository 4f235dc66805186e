import { describe, expect, it } from 'vitest';
import { nextInterval, nextTurn, retryAfter, type Turns } from '../../../../src/mirror/kept/schedule.ts';

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

  it('waits longer where a person has to change something first, up to a day', () => {
    const pauses = [1, 2, 8, 50].map((failures) => retryAfter(60, failures, 'unauthenticated', 0.5));
    expect(pauses).toEqual([900, 1_800, 86_400, 86_400]);
  });

  it('never waits longer than the interval of a mirror that seldom runs', () => {
    expect(retryAfter(86_400, 30, 'unavailable', 0.5)).toBe(86_400);
  });

  it('spreads tries by a quarter', () => {
    expect(retryAfter(60, 2, 'busy', 0)).toBe(45);
    expect(retryAfter(60, 2, 'busy', 0.999)).toBe(75);
  });
});

describe('whose turn it is', () => {
  const turns = (running: Record<string, number>, started: Record<string, number> = {}): Turns => ({
    most: 2,
    running: (name) => running[name] ?? 0,
    lastStarted: (name) => started[name] ?? 0,
  });
  const candidate = (repository: string, due: number) => ({ repository, due });

  it('is nobody’s before something is due', () => {
    expect(nextTurn([candidate('a', 11)], 10, turns({}))).toBeUndefined();
  });

  it('goes to a repository of which none runs, however long others have waited', () => {
    const next = nextTurn([candidate('many', 1), candidate('few', 9)], 10, turns({ many: 1 }));
    expect(next?.repository).toBe('few');
  });

  it('goes to no repository that has its part of the places', () => {
    expect(nextTurn([candidate('many', 1)], 10, turns({ many: 2 }))).toBeUndefined();
  });

  it('goes round the repositories, so that one with many mirrors holds up no other', () => {
    const candidates = [candidate('many', 1), candidate('many', 2), candidate('few', 9)];
    expect(nextTurn(candidates, 10, turns({}, { many: 5, few: 4 }))?.repository).toBe('few');
    expect(nextTurn(candidates, 10, turns({}, { many: 5, few: 6 }))?.repository).toBe('many');
  });

  it('goes to what has been due longest, within a repository', () => {
    expect(nextTurn([candidate('a', 5), candidate('a', 3)], 10, turns({}))?.due).toBe(3);
  });
});

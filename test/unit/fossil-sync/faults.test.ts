import { describe, expect, it } from 'vitest';
import { FAULT_SITES, type FaultSite, faultFires } from '../../../src/fossil-sync/faults.ts';
import { NO_OBSERVER, observerOf, runWithin } from '../../../src/fossil-sync/observer.ts';
import { SeededFaults } from '../../helpers/seeded-faults.ts';

const SITES = Object.keys(FAULT_SITES) as FaultSite[];

describe('fault sites (issue 14, deliverable 6)', () => {
  it('never fire without a checker', () => {
    expect(SITES.filter((site) => faultFires(undefined, site))).toEqual([]);
  });

  it('each draw from a stream of their own', () => {
    const [first = SITES[0], second = SITES[1]] = SITES;
    if (first === undefined || second === undefined) throw new Error('there are no sites');
    const alone = new SeededFaults(7);
    const beside = new SeededFaults(7);
    const decisions = Array.from({ length: 200 }, () => alone.fires(first, 0.5));
    const mixed = Array.from({ length: 200 }, (_, at) => {
      for (let more = 0; more < at % 3; more++) beside.fires(second, 0.5);
      return beside.fires(first, 0.5);
    });
    expect(mixed).toEqual(decisions);
  });

  it('are counted, and stop when they are switched off', () => {
    const faults = new SeededFaults(1);
    for (let draw = 0; draw < 1_000; draw++) for (const site of SITES) faultFires(faults, site);
    expect(faults.silent()).toEqual([]);
    faults.enabled = false;
    expect(SITES.filter((site) => faultFires(faults, site))).toEqual([]);
  });
});

describe('the observer (issue 14, deliverable 6)', () => {
  it('is complete if only some functions are given, and runs work inside what it returns', async () => {
    const seen: string[] = [];
    const observer = observerOf({
      requestStarted:
        ({ operation }) =>
        (work) => {
          seen.push(`began ${operation}`);
          return work().finally(() => seen.push('ended'));
        },
    });
    const start = { operation: 'pull', repository: 'a/b', user: undefined } as const;
    const value = await runWithin(observer.requestStarted(start), async () => {
      seen.push('worked');
      return 1;
    });
    expect(value).toBe(1);
    expect(seen).toEqual(['began pull', 'worked', 'ended']);
    expect(observerOf(undefined)).toBe(NO_OBSERVER);
    expect(await runWithin(NO_OBSERVER.requestStarted(start), async () => 2)).toBe(2);
  });
});

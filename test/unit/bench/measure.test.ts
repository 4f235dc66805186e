import { afterEach, describe, expect, it, vi } from 'vitest';
import { CurveBook } from '../../../bench/curves.ts';
import { failedRow, measureGroup, median, percentile, summarize } from '../../../bench/measure.ts';
import type { Contest, RowGroup } from '../../../bench/rows/row.ts';
import { Stage } from '../../../bench/stage.ts';

const pairs = [
  { cairn: { wall: 0.01, rss: 2 ** 20 }, reference: { wall: 0.04, rss: 0 } },
  { cairn: { wall: 0.03, rss: 3 * 2 ** 20 }, reference: { wall: 0.03, rss: 0 } },
  { cairn: { wall: 0.02, rss: 2 * 2 ** 20 }, reference: { wall: 0.05, rss: 0 } },
];

describe('median', () => {
  it('is the middle value, or the mean of the two middle values, in any order', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([10, 1, 2, 4])).toBe(3);
    expect(median([7])).toBe(7);
    expect(median([])).toBeNaN();
  });
});

describe('percentile', () => {
  it('is the smallest value that a share of all values does not exceed, in any order', () => {
    const values = Array.from({ length: 200 }, (_, at) => 200 - at);
    expect(percentile(values, 0.99)).toBe(198);
    expect(percentile(values, 1)).toBe(200);
    expect(percentile([3, 1, 2], 0.5)).toBe(2);
    expect(percentile([7], 0.01)).toBe(7);
    expect(percentile([], 0.99)).toBeNaN();
  });
});

describe('summarize', () => {
  it('compares medians, and shows the spread of the pairs', () => {
    const { row, spread } = summarize({ name: 'a/file', unit: 'ms', value: 'wall' }, pairs);
    expect(row).toEqual({
      name: 'a/file',
      unit: 'ms',
      cairn: 20,
      reference: 40,
      ratio: 0.5,
      goal: null,
      bound: 'ratio',
      met: null,
    });
    expect(spread).toEqual([0.25, 1]);
  });

  it('compares a goal with the ratio', () => {
    const spec = { name: 'a/file', unit: 's', value: 'wall' } as const;
    expect(summarize({ ...spec, goal: 0.5 }, pairs).row.met).toBe(true);
    expect(summarize({ ...spec, goal: 0.49 }, pairs).row.met).toBe(false);
  });

  it('compares a goal for memory with the largest of Cairn’s own values', () => {
    const spec = { name: 'a-rss/file', unit: 'MiB', value: 'rss' } as const;
    const { row, spread } = summarize({ ...spec, goal: 3 }, pairs);
    expect(row).toMatchObject({ cairn: 3, reference: 0, ratio: null, goal: 3, met: true });
    expect(spread).toBeNull();
    expect(summarize({ ...spec, goal: 2.9 }, pairs).row.met).toBe(false);
  });

  it('shows only Cairn’s value if there is no reference', () => {
    const alone = pairs.map(({ cairn }, at) => ({ cairn: { ...cairn, rate: [900, 1_100, 1_000][at] ?? 0 } }));
    const spec = { name: 'a/file', unit: 'events/s', value: 'rate', alone: true } as const;
    expect(
      summarize(
        spec,
        alone.map((pair) => ({ ...pair, reference: {} })),
      ),
    ).toEqual({
      row: {
        name: 'a/file',
        unit: 'events/s',
        cairn: 1_000,
        reference: null,
        ratio: null,
        goal: null,
        bound: 'least',
        met: null,
      },
      spread: null,
    });
  });

  it('compares a goal for a rate with Cairn’s own value, as a minimum', () => {
    const rates = [40, 60, 55].map((rate) => ({ cairn: { rate }, reference: {} }));
    const spec = { name: 'a/file', unit: 'pushes/s', value: 'rate', alone: true } as const;
    expect(summarize({ ...spec, goal: 55 }, rates).row).toMatchObject({ bound: 'least', met: true });
    expect(summarize({ ...spec, goal: 56 }, rates).row.met).toBe(false);
  });

  it('compares a goal for a time alone with Cairn’s own value, or with the largest one if asked', () => {
    const spec = { name: 'a/file', unit: 'ms', value: 'wall', alone: true, goal: 25 } as const;
    expect(summarize(spec, pairs).row).toMatchObject({ cairn: 20, bound: 'most', met: true });
    expect(summarize({ ...spec, worst: true }, pairs).row).toMatchObject({ cairn: 30, met: false });
  });

  it('takes the fewest requests of all runs, since others only add to them', () => {
    const counts = [6, 5, 7].map((requests) => ({ cairn: { requests }, reference: {} }));
    const spec = { name: 'a/s3', unit: 'requests', value: 'requests', alone: true, goal: 5 } as const;
    expect(summarize(spec, counts).row).toMatchObject({ cairn: 5, bound: 'most', met: true });
    expect(summarize({ ...spec, goal: 4 }, counts).row.met).toBe(false);
  });

  it('refuses a row whose value was not measured', () => {
    expect(() => summarize({ name: 'a/file', unit: 's', value: 'cpu' }, pairs)).toThrow(/measures no cpu/);
  });
});

describe('failedRow', () => {
  it('has no values, and misses its goal', () => {
    expect(failedRow({ name: 'a/file', unit: 's', value: 'wall', goal: 1 }).row).toMatchObject({
      cairn: null,
      ratio: null,
      met: false,
    });
    expect(failedRow({ name: 'a/file', unit: 's', value: 'wall' }).row.met).toBeNull();
  });
});

describe('measureGroup', () => {
  function recording(contest: (log: string[]) => Contest): { group: RowGroup; log: string[] } {
    const log: string[] = [];
    return { log, group: { rows: [], runs: 9, warmUps: 1, prepare: async () => contest(log) } };
  }

  it('alternates the two sides and discards the warm-up', async () => {
    await using stage = await openStage();
    const { group, log } = recording((seen) => ({
      cairn: async (run) => ({ value: seen.push(`cairn ${run}`) }),
      reference: async (run) => ({ value: seen.push(`reference ${run}`) }),
      close: async () => void seen.push('closed'),
    }));
    const measured = await measureGroup(group, stage.stage, 2);
    expect(log).toEqual([
      'cairn 0',
      'reference 0',
      'cairn 1',
      'reference 1',
      'cairn 2',
      'reference 2',
      'closed',
    ]);
    expect(measured).toEqual({
      pairs: [
        { cairn: { value: 3 }, reference: { value: 4 } },
        { cairn: { value: 5 }, reference: { value: 6 } },
      ],
      curves: [],
    });
  });

  it('returns the curves that were measured during preparation', async () => {
    await using stage = await openStage();
    const book = new CurveBook('refs');
    book.note('cairn', 'push', { at: 10, seconds: 0.1 });
    book.note('reference', 'push', { at: 10, seconds: 0.2 });
    book.note('cairn', 'push', { at: 100, seconds: 0.3 });
    const { group } = recording(() => ({ cairn: async () => ({ value: 1 }), curves: book.curves }));
    expect((await measureGroup(group, stage.stage, 1)).curves).toEqual([
      {
        server: 'cairn',
        operation: 'push',
        over: 'refs',
        points: [
          { at: 10, seconds: 0.1 },
          { at: 100, seconds: 0.3 },
        ],
      },
      { server: 'reference', operation: 'push', over: 'refs', points: [{ at: 10, seconds: 0.2 }] },
    ]);
  });

  it('measures Cairn alone if there is no reference', async () => {
    await using stage = await openStage();
    const { group, log } = recording((seen) => ({
      cairn: async (run) => ({ value: seen.push(`cairn ${run}`) }),
    }));
    expect((await measureGroup(group, stage.stage, 2)).pairs).toEqual([
      { cairn: { value: 2 }, reference: {} },
      { cairn: { value: 3 }, reference: {} },
    ]);
    expect(log).toEqual(['cairn 0', 'cairn 1', 'cairn 2']);
  });

  describe('on a slow machine', () => {
    afterEach(() => {
      vi.useRealTimers();
    });
    const slow = (seconds: number) =>
      recording((seen) => ({
        cairn: async (run) => {
          vi.advanceTimersByTime(seconds * 1000);
          return { value: seen.push(`cairn ${run}`) };
        },
        reference: async () => ({ value: 1 }),
      })).group;

    it('makes fewer pairs, but at least one, unless their number was given', async () => {
      await using stage = await openStage();
      vi.useFakeTimers({ toFake: ['performance'] });
      const pairsOf = async (group: RowGroup, runs?: number) =>
        (await measureGroup(group, stage.stage, runs)).pairs;
      expect(await pairsOf(slow(1))).toHaveLength(9);
      expect(await pairsOf(slow(40))).toHaveLength(3);
      expect(await pairsOf(slow(300))).toHaveLength(1);
      expect(await pairsOf(slow(300), 3)).toHaveLength(3);
    });
  });

  it('closes the contest when a run fails', async () => {
    await using stage = await openStage();
    const { group, log } = recording((seen) => ({
      cairn: async () => Promise.reject(new Error('refused')),
      reference: async () => ({}),
      close: async () => void seen.push('closed'),
    }));
    await expect(measureGroup(group, stage.stage, 1)).rejects.toThrow('refused');
    expect(log).toEqual(['closed']);
  });
});

async function openStage() {
  const stage = await Stage.open();
  return { stage, [Symbol.asyncDispose]: () => stage.close() };
}

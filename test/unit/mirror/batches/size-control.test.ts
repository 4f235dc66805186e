import { describe, expect, it } from 'vitest';
import {
  ASSUMED_LIMIT,
  afterLongPack,
  afterTakenPack,
  firstControl,
  hasTooManyObjects,
  type LongPack,
  lastResort,
  packsLeft,
  type SizeControl,
  splitFactor,
  tooLong,
  withFirstStride,
} from '../../../../src/mirror/batches/size-control.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

const usual: SizeControl = { budget: 100 * MIB, limit: undefined, objectBytes: 750, stride: 64 };

describe('the first budget', () => {
  it.each<[string, Parameters<typeof firstControl>[0], number, number | undefined]>([
    ['is assumed when nothing is known', {}, ASSUMED_LIMIT, undefined],
    ['is what was given', { given: 3 * MIB }, 3 * MIB, 3 * MIB],
    [
      'is half of what the target states',
      { refused: { sent: 8 * MIB, stated: 100 * MIB } },
      50 * MIB,
      100 * MIB,
    ],
    ['is what was sent until the refusal', { refused: { sent: 8 * MIB } }, 8 * MIB, undefined],
    ['is assumed when nothing was sent', { refused: { sent: 0 } }, ASSUMED_LIMIT, undefined],
    ['is never more than assumed', { refused: { sent: 3 * GIB } }, ASSUMED_LIMIT, undefined],
    ['is never more than the source may send', { given: 3 * GIB, maxPackBytes: GIB }, GIB, 3 * GIB],
    ['is given, whatever was refused', { given: 4 * MIB, refused: { sent: 9 } }, 4 * MIB, 4 * MIB],
  ])('%s', (_, limits, budget, limit) => {
    expect(firstControl(limits)).toMatchObject({ budget, limit });
  });
});

describe('the first stride', () => {
  it.each<[string, number, number, number | undefined, number]>([
    ['is nothing to go on for no stops', 100 * MIB, 0, undefined, 1],
    ['is everything that fits', 100 * MIB, 1_000, undefined, 1_000],
    ['divides what does not, in packs of equal size', 100 * MIB, 16_000, undefined, 1_600],
    ['rounds the number of packs up', 100 * MIB, 1_601, undefined, 801],
    ['is everything when each stop would be a pack: the header will tell', 64 * 1024, 500, undefined, 500],
    ['follows a projection', 100 * MIB, 1_000, 500 * MIB, 100],
    ['is one at least', 100, 10, 500 * MIB, 1],
  ])('%s', (_, budget, stops, projected, stride) => {
    const control = firstControl({ given: budget });
    expect(withFirstStride(control, stops, projected).stride).toBe(stride);
  });

  it('is used to estimate the number of remaining packs', () => {
    expect(packsLeft({ ...usual, stride: 3 }, 10)).toBe(4);
    expect(packsLeft({ ...usual, stride: Number.POSITIVE_INFINITY }, 10)).toBe(1);
    expect(packsLeft(usual, 0)).toBe(0);
  });
});

describe('the header of a pack', () => {
  it.each<[string, number, number, boolean]>([
    ['of few objects passes', 750, 1_000, false],
    ['of as many as fit passes', 1024, 102_400, false],
    ['of more is too long', 1024, 102_401, true],
    ['is judged by what objects were found to be', 200_000, 1_000, true],
    ['of none passes', 750, 0, false],
  ])('%s', (_, objectBytes, objects, isTooLong) => {
    expect(hasTooManyObjects({ ...usual, objectBytes }, objects)).toBe(isTooLong);
  });
});

describe('a pack on its way', () => {
  it.each<[string, number, [bytes: number, objects: number, total: number], number | undefined]>([
    ['goes on without a bound', Number.POSITIVE_INFINITY, [900 * GIB, 1, 10], undefined],
    ['goes on below the floor, whatever it projects', 100 * MIB, [8 * MIB - 1, 1, 1_000], undefined],
    ['goes on while it projects less than the budget', 100 * MIB, [20 * MIB, 500, 1_000], undefined],
    ['is broken off when it projects more', 100 * MIB, [20 * MIB, 100, 1_000], 200 * MIB],
    [
      'is broken off at 95 % of the budget',
      100 * MIB,
      [95 * MIB, 999, 1_000],
      Math.round((95 * MIB * 1_000) / 999),
    ],
    ['goes on just below', 100 * MIB, [95 * MIB - 100_000, 1_000, 1_000], undefined],
    ['is broken off there without an object that came whole', 100 * MIB, [95 * MIB, 0, 1_000], 95 * MIB],
    ['goes on without an object that came whole', 100 * MIB, [60 * MIB, 0, 1_000], undefined],
    ['is broken off with a small budget as well', 1_000, [950, 1, 2], 1_900],
    ['goes on below the floor with a small budget', 1_000, [949, 1, 2_000], undefined],
  ])('%s', (_, budget, [bytes, objects, total], projected) => {
    expect(tooLong(budget, { bytes, objects, total })).toBe(projected);
  });
});

describe('after a pack was too long', () => {
  it.each<[string, LongPack, number, number | undefined]>([
    ['the budget is what was sent', { sent: 80 * MIB }, 80 * MIB, undefined],
    [
      'the budget is what the target states, though less was sent',
      { sent: 8 * MIB, stated: 50 * MIB },
      50 * MIB,
      50 * MIB,
    ],
    [
      'the budget is what the target states, though more was sent',
      { sent: 80 * MIB, stated: 50 * MIB },
      50 * MIB,
      50 * MIB,
    ],
    ['the budget never grows', { sent: 800 * MIB }, 100 * MIB, undefined],
    ['the budget stays when we broke it off', { sent: 30 * MIB, projected: 900 * MIB }, 100 * MIB, undefined],
    ['the budget stays when nothing was sent', { sent: 0 }, 100 * MIB, undefined],
  ])('%s', (_, pack, budget, limit) => {
    expect(afterLongPack(usual, pack)).toMatchObject({ budget, limit });
  });

  it('a stated limit only goes down', () => {
    const control = { ...usual, limit: 60 * MIB };
    expect(afterLongPack(control, { sent: 1, stated: 90 * MIB }).limit).toBe(60 * MIB);
    expect(afterLongPack(control, { sent: 1, stated: 30 * MIB }).limit).toBe(30 * MIB);
  });

  it.each<[string, LongPack, number]>([
    ['objects are twice as long as they were', { sent: 1_000_000, objects: 100 }, 20_000],
    ['objects are not shorter than was thought', { sent: 1_000_000, objects: 100_000 }, 750],
    ['an object that did not come whole counts as one', { sent: 5_000_000, objects: 0 }, 10_000_000],
    ['nothing is learnt where nobody counts', { sent: 5_000_000 }, 750],
  ])('%s', (_, pack, objectBytes) => {
    expect(afterLongPack(usual, pack).objectBytes).toBe(objectBytes);
  });

  it.each<[string, number, LongPack, number]>([
    ['twice for a pack that was refused early', 100, { sent: 40 }, 2],
    ['four times for one that was cut at the limit', 100, { sent: 100 }, 4],
    ['four times from 90 % on', 100, { sent: 90 }, 4],
    ['by how much longer it was', 100, { sent: 1_000 }, 40],
    ['twice what it projects', 100, { sent: 50, projected: 1_000 }, 20],
    ['twice at least', 100, { sent: 1, projected: 90 }, 2],
  ])('the range is split %s', (_, budget, pack, factor) => {
    expect(splitFactor(budget, pack)).toBe(factor);
  });

  it.each<[number, LongPack, number]>([
    [64, { sent: 40 * MIB }, 16],
    [64, { sent: 10 * MIB, projected: 400 * MIB }, 8],
    [3, { sent: 10 * MIB, projected: 400 * MIB }, 1],
    [2, { sent: 10 * MIB, projected: 101 * MIB }, 1],
    [1, { sent: 100 * MIB }, 1],
  ])('a stride of %i is shortened by at least one, and is never 0', (stride, pack, next) => {
    expect(afterLongPack({ ...usual, stride }, pack).stride).toBe(next);
  });
});

describe('after a pack was taken', () => {
  it.each<[string, number, [bytes: number, stops: number], number]>([
    ['a stride stays above half of the budget', 10, [50 * MIB, 10], 10],
    ['a stride grows to aim at half of the budget', 10, [25 * MIB, 10], 20],
    ['a stride hardly grows just below', 10, [49 * MIB, 10], 10],
    ['a stride grows eight times at most', 10, [MIB, 10], 80],
    ['a stride grows after an empty pack', 10, [0, 10], 80],
    ['a stride is never shorter for the few stops at the end of it', 10, [MIB, 1], 50],
    ['a stride of everything stays', Number.POSITIVE_INFINITY, [MIB, 4], Number.POSITIVE_INFINITY],
  ])('%s', (_, stride, [bytes, stops], next) => {
    expect(afterTakenPack({ ...usual, stride }, { bytes, objects: 0, stops }).stride).toBe(next);
  });

  it('halves the estimate of an object at most, towards the measured size', () => {
    const control = { ...usual, objectBytes: 8_000 };
    const pack = { bytes: 1_000_000, objects: 2_000, stops: 1 };
    const next = afterTakenPack(control, pack);
    expect(next.objectBytes).toBe(4_000);
    expect(afterTakenPack({ ...next, objectBytes: 700 }, pack).objectBytes).toBe(625);
  });
});

it('a pack that cannot be made smaller may be as large as the stated limit, or any size without one', () => {
  const most = lastResort({ ...usual, limit: 1_000 });
  expect(tooLong(most, { bytes: 1_000, objects: 1, total: 2 })).toBeUndefined();
  expect(tooLong(most, { bytes: 1_001, objects: 1, total: 2 })).toBe(2_002);
  expect(lastResort(usual)).toBe(Number.POSITIVE_INFINITY);
});

it('a chain of any length ends in strides of one under any refusals', () => {
  let control = withFirstStride(firstControl({ given: GIB }), 1_000_000);
  let rounds = 0;
  for (; control.stride > 1; rounds++) control = afterLongPack(control, { sent: 1 });
  expect(rounds).toBeLessThanOrEqual(20);
});

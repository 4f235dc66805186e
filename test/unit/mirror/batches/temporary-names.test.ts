import { expect, it } from 'vitest';
import { TemporaryNames } from '../../../../src/mirror/batches/temporary-names.ts';
import { isTemporary } from '../../../../src/mirror/plan/ref-scope.ts';
import { ManualClock } from '../../../helpers/manual-clock.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';

const HOUR = 3_600;
const namesAt = (clock: ManualClock, seed: number) =>
  new TemporaryNames({ clock, random: new SeededRandom(seed) });

it('a temporary name contains its run, so a run recognizes its own refs', () => {
  const clock = new ManualClock();
  const [one, two] = [namesAt(clock, 1), namesAt(clock, 2)];
  const name = one.of(0);
  expect(name).toMatch(/^refs\/cairn-mirror\/\d+-[0-9a-f]{16}-1$/);
  expect(isTemporary(name)).toBe(true);
  expect(one.of(0)).toBe(name);
  expect(one.of(1)).not.toBe(name);
  expect([one.isOwn(name), two.isOwn(name)]).toEqual([true, false]);
  one.replace(0);
  expect(one.of(0)).not.toBe(name);
  expect(one.isOwn(name)).toBe(true);
});

it('a temporary ref is left over after hours; an active run renames its refs before that', async () => {
  const clock = new ManualClock();
  const [one, two] = [namesAt(clock, 1), namesAt(clock, 2)];
  const first = one.of(0);
  await clock.advance(2 * HOUR);
  expect(two.isLeftOver(first)).toBe(false);
  const renewed = one.of(0);
  expect(renewed).not.toBe(first);
  await clock.advance(5 * HOUR);
  expect([two.isLeftOver(first), two.isLeftOver(renewed)]).toEqual([true, false]);
});

it('a temporary ref from a clock that was far ahead is left over, too', () => {
  const clock = new ManualClock();
  const [one, two] = [namesAt(clock, 1), namesAt(clock, 2)];
  clock.set(5 * HOUR);
  const soon = one.of(0);
  clock.set(365 * 24 * HOUR);
  const later = one.of(1);
  clock.set(-(365 * 24 + 5) * HOUR);
  expect([two.isLeftOver(soon), two.isLeftOver(later), one.isOwn(later)]).toEqual([false, true, true]);
});

it.each(['refs/cairn-mirror/1', 'refs/cairn-mirror/a/b', 'refs/cairn-mirror/1-2-3'])(
  '%s is a name that no run gives, so it is left over',
  (name) => {
    const names = namesAt(new ManualClock(), 1);
    expect([names.isOwn(name), names.isLeftOver(name)]).toEqual([false, true]);
  },
);

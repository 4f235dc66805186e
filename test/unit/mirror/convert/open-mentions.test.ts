import { expect, it } from 'vitest';
import { OpenMentions } from '../../../../src/mirror/convert/open-mentions.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';

const isBefore = (a: number, b: number) => a < b;

it('the youngest open mention is found each time, without reading the message again', () => {
  const done = new Set<number>();
  const mentions = new OpenMentions();
  expect(mentions.remember(1, [5, 9, 5, 7], isBefore)).toBe(9);
  done.add(9);
  expect(mentions.next(1, (node) => done.has(node))).toBe(7);
  done.add(7).add(5);
  expect(mentions.next(1, (node) => done.has(node))).toBeUndefined();
  expect(mentions.remember(2, [], isBefore)).toBeUndefined();
  expect(mentions.next(3, () => false)).toBeUndefined();
});

it('a message with many mentions is read once, for any order of conversion', () => {
  const random = new SeededRandom(3);
  const left = new Set(Array.from({ length: 500 }, (_, at) => at + 10));
  const mentions = new OpenMentions();
  let awaited = mentions.remember(1, [...left], isBefore);
  let waits = 0;
  while (awaited !== undefined) {
    waits += 1;
    expect(awaited).toBe(Math.max(...left));
    left.delete(awaited);
    // Others may be converted as well meanwhile.
    for (const one of left) if (random.fraction() < 0.01) left.delete(one);
    awaited = mentions.next(1, (node) => !left.has(node));
  }
  expect(left.size).toBe(0);
  expect(waits).toBeGreaterThan(50);
});

it('the memory of mentions is bounded', () => {
  const mentions = new OpenMentions(4);
  expect(mentions.remember(1, [10, 11, 12], isBefore)).toBe(12);
  expect(mentions.remember(2, [20, 21, 22, 23], isBefore)).toBe(23);
  expect(mentions.next(2, () => false)).toBeUndefined();
  expect(mentions.next(1, () => false)).toBe(11);
  expect(mentions.remember(2, [20, 21, 22, 23], isBefore)).toBe(23);
  expect(mentions.next(2, () => false)).toBe(22);
});

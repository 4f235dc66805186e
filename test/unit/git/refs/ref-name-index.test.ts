import { describe, expect, test } from 'vitest';
import {
  directoryFileConflict,
  directoryFileConflicts,
  RefNameIndex,
} from '../../../../src/git/refs/ref-name-index.ts';
import { processorTime } from '../../../helpers/processor-time.ts';

describe('directory/file conflicts', () => {
  const refs = new RefNameIndex([
    'refs/heads/main',
    'refs/heads/a/b/c',
    'refs/heads/a.b',
    'refs/heads/x\u{1f600}/y',
  ]);

  test.each([
    ['refs/heads/a', 'refs/heads/a/b/c'],
    ['refs/heads/a/b', 'refs/heads/a/b/c'],
    ['refs/heads/main/x', 'refs/heads/main'],
    ['refs/heads/main/x/y/z', 'refs/heads/main'],
    ['refs/heads/a/b/c/d', 'refs/heads/a/b/c'],
    ['refs/heads', 'refs/heads/a.b'],
    ['refs/heads/x\u{1f600}', 'refs/heads/x\u{1f600}/y'],
  ])('%s conflicts with %s', (name, expected) => {
    expect(directoryFileConflict(name, refs)).toBe(expected);
  });

  test.each([
    'refs/heads/main',
    'refs/heads/a/b/d',
    'refs/heads/mai',
    'refs/heads/main2',
    'refs/heads/a.',
    'refs/tags/main',
  ])('%s causes no conflict', (name) => {
    expect(directoryFileConflict(name, refs)).toBeUndefined();
  });

  test('all conflicts are found, each once', () => {
    const changing = new RefNameIndex([
      'refs/heads/b/1',
      'refs/heads/b/2',
      'refs/heads/b/3',
      'refs/heads/bb',
    ]);
    changing.add('refs/heads/b/4/x');
    changing.add('refs/heads');
    changing.delete('refs/heads/b/2');
    expect([...directoryFileConflicts('refs/heads/b', changing)]).toEqual([
      'refs/heads',
      'refs/heads/b/4/x',
      'refs/heads/b/1',
      'refs/heads/b/3',
    ]);
  });

  test('nothing conflicts in an empty repository', () => {
    expect(directoryFileConflict('refs/heads/a/b', new RefNameIndex([]))).toBeUndefined();
  });

  test('deletes remove conflicts and creates add them', () => {
    const changing = new RefNameIndex(['refs/heads/a']);
    expect(directoryFileConflict('refs/heads/a/b', changing)).toBe('refs/heads/a');
    changing.delete('refs/heads/a');
    changing.delete('refs/heads/never-there');
    expect(changing.has('refs/heads/a')).toBe(false);
    expect(directoryFileConflict('refs/heads/a/b', changing)).toBeUndefined();
    changing.add('refs/heads/a/b');
    changing.add('refs/heads/a/b');
    expect(directoryFileConflict('refs/heads/a', changing)).toBe('refs/heads/a/b');
    changing.delete('refs/heads/a/b');
    expect(directoryFileConflict('refs/heads/a', changing)).toBeUndefined();
    changing.add('refs/heads/a');
    expect(changing.has('refs/heads/a')).toBe(true);
    expect(changing.firstBelow('refs/')).toBe('refs/heads/a');
  });
});

test('the index agrees with a plain set after thousands of changes', () => {
  const name = (number: number) => `refs/heads/${number % 7}/${number % 500}/${number}`;
  const start = Array.from({ length: 2000 }, (_, number) => name(number));
  const plain = new Set(start);
  const index = new RefNameIndex(start.toReversed());
  for (let step = 0; step < 6000; step += 1) {
    const changed = name((step * 7919) % 5000);
    if (step % 3 === 0) {
      plain.delete(changed);
      index.delete(changed);
    } else {
      plain.add(changed);
      index.add(changed);
    }
  }
  for (let number = 0; number < 5000; number += 1) {
    expect(index.has(name(number))).toBe(plain.has(name(number)));
  }
  for (let group = 0; group < 3500; group += 11) {
    const directory = `refs/heads/${group % 7}/${group}/`;
    const below = [...plain].filter((candidate) => candidate.startsWith(directory));
    if (below.length === 0) expect(index.firstBelow(directory)).toBeUndefined();
    else expect(below).toContain(index.firstBelow(directory));
  }
});

test('10,000 creates into 100,000 refs take a fraction of the time of full scans', () => {
  const old = Array.from({ length: 100_000 }, (_, number) => `refs/heads/old/${number}`);
  const names = Array.from({ length: 10_000 }, (_, number) => `refs/heads/new/${(number * 7919) % 10_000}`);
  const index = new RefNameIndex(old);
  const started = processorTime();
  for (const name of names) {
    if (directoryFileConflict(name, index) !== undefined) throw new Error('there is none');
    index.add(name);
  }
  const taken = processorTime() - started;
  expect(directoryFileConflict('refs/heads/new', index)).toMatch(/^refs\/heads\/new\//);
  // Scanning takes far longer, bisecting some 50 ms. What one scan takes is measured on the same machine.
  const scan = (name: string) => {
    const began = processorTime();
    if (old.some((other) => other.startsWith(name))) throw new Error('there is none');
    return processorTime() - began;
  };
  const quickest = Math.min(...names.slice(0, 50).map(scan));
  expect(taken).toBeLessThan((quickest * names.length) / 4);
});

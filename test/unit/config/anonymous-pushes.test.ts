import { describe, expect, it } from 'vitest';
import { readSettings } from '../../../src/config/settings.ts';

const read = (text?: string) =>
  readSettings(text === undefined ? {} : { 'anonymous-pushes': text }, {}).anonymousPushes;
const DEFAULT = { bytes: 512 * 2 ** 20, objects: 400_000, refs: 1_000, slots: 2, object: 2 ** 24 };

describe('--anonymous-pushes (issue 11, point 8)', () => {
  it('is on with limits by default, can be off, and takes missing limits from the defaults', () => {
    expect(read()).toEqual(DEFAULT);
    expect(read('on')).toEqual(DEFAULT);
    expect(read('off')).toBeUndefined();
    expect(read('refs=20')).toEqual({ ...DEFAULT, refs: 20 });
    expect(read('bytes=1MiB, objects=10, refs=2, slots=1, object=1MiB')).toEqual({
      bytes: 2 ** 20,
      objects: 10,
      refs: 2,
      slots: 1,
      object: 2 ** 20,
    });
  });

  it('accepts the earlier name of a limit', () => {
    expect(read('places=3')).toEqual({ ...DEFAULT, slots: 3 });
  });

  it.each([
    ['', 'expected on, off or limits such as'],
    ['yes', 'expected on, off or limits such as'],
    ['bytes=1MiB,bytes=2MiB', 'expected on, off or limits such as'],
    ['bits=1', 'expected on, off or limits such as'],
    ['bytes=many', 'bytes: expected a size'],
    ['bytes=0', 'bytes: '],
    ['refs=-1', 'refs: expected a whole number'],
    ['slots=0', 'slots: '],
    ['slots=1,places=2', 'expected on, off or limits such as'],
  ])('refuses %s', (text, reason) => {
    expect(() => read(text)).toThrow(reason);
  });
});

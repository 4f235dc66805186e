import { describe, expect, it } from 'vitest';
import { placeOfKey, readEntry } from '../../../../src/object-store/file/file-layout.ts';

const SEGMENTS = ['a', 'A', 'a@', 'a+', '=', '@', '%41', '.x', '...', 'n'.repeat(80), 'n'.repeat(81)];

function pathOf(key: string): string {
  const { folders, file } = placeOfKey(key);
  return [...folders, file].join('/');
}

/** What a listing makes of the path of a key. */
function readBack(key: string): string {
  const { folders, file } = placeOfKey(key);
  const entries = [...folders.map((name) => readEntry(name, true)), readEntry(file, false)];
  return entries.map((entry) => entry?.text ?? '<unreadable>').join('');
}

const keys = SEGMENTS.flatMap((first) => [first, ...SEGMENTS.map((second) => `${first}/${second}`)]);

describe('the path of a key on disk', () => {
  it('keeps the readable parts of a key readable', () => {
    expect(pathOf('v1/repos/ab12/pointer')).toBe('v1/repos/ab12/pointer@');
    expect(pathOf(`v1/artifacts/${'0'.repeat(64)}-12.pack`)).toBe(`v1/artifacts/${'0'.repeat(64)}-12.pack@`);
  });

  it('differs for every key, also on file systems that ignore case', () => {
    const paths = new Set(keys.map((key) => pathOf(key).toLowerCase()));
    expect(paths.size).toBe(keys.length);
  });

  it('is converted back to the key', () => {
    for (const key of keys) expect(readBack(key)).toBe(key);
  });

  it('never leaves the root and never has a name that is too long for a file system', () => {
    for (const key of [`${'n'.repeat(80)}../x`, `${'n'.repeat(160)}../..a`, '%'.repeat(1024), '.a/.b']) {
      for (const name of pathOf(key).split('/')) {
        expect(name.startsWith('.')).toBe(false);
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
      }
      expect(readBack(key)).toBe(key);
    }
  });

  it('is not recognized in the file of another program', () => {
    expect(readEntry('notes.txt', false)).toBeUndefined();
    expect(readEntry('UPPER@', false)).toBeUndefined();
    expect(readEntry('%zz', true)).toBeUndefined();
  });
});

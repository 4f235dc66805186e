import { describe, expect, it } from 'vitest';
import {
  algorithmOf,
  isNameOf,
  isNameOfInSteps,
  nameOf,
  parseArtifactName,
} from '../../../src/fossil/artifact-name.ts';
import { HASHED_AT_ONCE } from '../../../src/lib/hash-in-steps.ts';

const CONTENT = Buffer.from('abc');
const SHA1 = 'a9993e364706816aba3e25717850c26c9cd0d89d';
const SHA3 = '3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532';

describe('the name of an artifact', () => {
  it.each([
    [SHA1, 'sha1'],
    [SHA3, 'sha3-256'],
  ] as const)('%s is the hash of its content', (text, algorithm) => {
    const name = parseArtifactName(text);
    if (name === undefined) throw new Error('no name');
    expect(algorithmOf(name)).toBe(algorithm);
    expect(nameOf(CONTENT, algorithm)).toBe(text);
    expect(isNameOf(name, CONTENT)).toBe(true);
    expect(isNameOf(name, Buffer.from('abd'))).toBe(false);
  });

  it.each(['', SHA1.toUpperCase(), SHA1.slice(1), `${SHA3}0`, `${SHA1}\n`, 'g'.repeat(40), '0'.repeat(50)])(
    'is not %j',
    (text) => {
      expect(parseArtifactName(text)).toBeUndefined();
    },
  );
});

describe('the name of a large artifact', () => {
  it.each(['sha1', 'sha3-256'] as const)('is checked in steps of bounded size (%s)', (algorithm) => {
    const content = Buffer.alloc(3 * HASHED_AT_ONCE + 1, 'content');
    const name = nameOf(content, algorithm);
    const other = nameOf(content.subarray(1), algorithm);
    for (const [given, right] of [
      [name, true],
      [other, false],
    ] as const) {
      const work = isNameOfInSteps(given, content);
      let steps = 0;
      let last = work.next();
      for (; !last.done; last = work.next()) steps++;
      expect([steps, last.value]).toEqual([4, right]);
    }
  });
});

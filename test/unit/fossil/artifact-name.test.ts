import { describe, expect, it } from 'vitest';
import { algorithmOf, isNameOf, nameOf, parseArtifactName } from '../../../src/fossil/artifact-name.ts';

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

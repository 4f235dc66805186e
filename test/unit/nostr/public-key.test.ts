import { npubEncode, nsecEncode } from 'nostr-tools/nip19';
import { expect, test } from 'vitest';
import { formatNpub, isPublicKey, parsePublicKey } from '../../../src/nostr/public-key.ts';
import { alice } from './authors.ts';

const hex = alice.publicKey;
const npub = npubEncode(hex);

test('a public key is read as hex and as npub, and written as npub', () => {
  expect(parsePublicKey(hex)).toBe(hex);
  expect(parsePublicKey(npub)).toBe(hex);
  expect(formatNpub(hex)).toBe(npub);
  expect(isPublicKey(hex)).toBe(true);
});

test('keys are read and written in the same way however many were before', () => {
  for (let round = 0; round < 2; round++) {
    for (let at = 1; at <= 1_500; at++) {
      const key = at.toString(16).padStart(64, '0');
      const written = npubEncode(key);
      if (formatNpub(key) !== written || parsePublicKey(written) !== key) throw new Error(`${key} differs`);
    }
  }
});

test.each([
  ['nothing', ''],
  ['hex in upper case', hex.toUpperCase()],
  ['short hex', hex.slice(1)],
  ['a compressed key', `02${hex}`],
  ['hex with a line break', `${hex}\n`],
  ['an npub with a typing error', npub.replace(/.$/, (last) => (last === 'q' ? 'p' : 'q'))],
  ['an npub cut short', npub.slice(0, -1)],
  ['an npub alone', 'npub1'],
  ['a secret key', nsecEncode(Uint8Array.from(Buffer.from(alice.secretKey, 'hex')))],
  ['a name', 'alice'],
])('%s is refused as a public key', (_what, text) => {
  expect(parsePublicKey(text)).toBeUndefined();
  expect(isPublicKey(text)).toBe(false);
});

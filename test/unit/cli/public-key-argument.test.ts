import { describe, expect, it } from 'vitest';
import { publicKeyArgument } from '../../../src/cli/public-key-argument.ts';
import { formatNpub } from '../../../src/nostr/public-key.ts';

describe('a public key on the command line', () => {
  const npub = formatNpub('a'.repeat(64));

  it('is an npub or hex', () => {
    expect(publicKeyArgument(npub)).toBe('a'.repeat(64));
    expect(publicKeyArgument('a'.repeat(64))).toBe('a'.repeat(64));
  });

  it.each([
    ['an npub with a wrong character', `${npub.slice(0, -1)}${npub.endsWith('q') ? 'p' : 'q'}`],
    ['an npub that is too short', npub.slice(0, -3)],
  ])('%s is refused with its type', (_, text) => {
    expect(() => publicKeyArgument(text)).toThrow('is not a valid npub: a character is wrong or missing');
  });

  it('a secret key is not repeated', () => {
    expect(() => publicKeyArgument('nsec1abcdef')).toThrow(/^this is a secret key/);
  });

  it('any other text is refused', () => {
    expect(() => publicKeyArgument('alice')).toThrow('"alice" is neither an npub nor a public key');
  });
});

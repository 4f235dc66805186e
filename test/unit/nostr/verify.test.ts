import { createHash } from 'node:crypto';
import { verifyEvent } from 'nostr-tools/pure';
import { describe, expect, test } from 'vitest';
import { type NostrEvent, serializeEvent } from '../../../src/nostr/event.ts';
import { createSigner } from '../../../src/nostr/sign.ts';
import { loadVerifier } from '../../../src/nostr/verify.ts';
import { alice, author, bob } from './authors.ts';

const verifier = await loadVerifier();

/** nostr-tools on a copy without its mark. */
function holdsByNostrTools(event: NostrEvent): boolean {
  return verifyEvent({
    ...(JSON.parse(JSON.stringify(event)) as NostrEvent),
    tags: event.tags as string[][],
  });
}

const event = alice.sign({ kind: 30_617, tags: [['d', 'project']], content: 'grüße \u{1f600}\n"\\' });
const other = bob.sign({ kind: 30_617, tags: [['d', 'project']], content: 'grüße \u{1f600}\n"\\' });
const large = alice.sign({ kind: 1, content: 'x'.repeat(600_000) });
const huge = alice.sign({ kind: 1, content: '\u0001'.repeat(1_000_000) });
const flip = (hex: string, at: number) =>
  hex.slice(0, at) + (hex[at] === '0' ? '1' : '0') + hex.slice(at + 1);

describe('verification', () => {
  test.each<[string, NostrEvent, boolean]>([
    ['a valid event', event, true],
    ['a valid event of somebody else', other, true],
    ['a tampered id', { ...event, id: flip(event.id, 10) }, false],
    ['a tampered id, last digit', { ...event, id: flip(event.id, 63) }, false],
    ['a tampered signature', { ...event, sig: flip(event.sig, 10) }, false],
    ['a tampered signature, second half', { ...event, sig: flip(event.sig, 127) }, false],
    ['a signature of zeros', { ...event, sig: '0'.repeat(128) }, false],
    ['a signature beyond the field', { ...event, sig: 'f'.repeat(128) }, false],
    ['the pubkey of somebody else', { ...event, pubkey: bob.publicKey }, false],
    ['the signature of somebody else', { ...event, sig: other.sig }, false],
    ['id and signature of another event', { ...event, id: other.id, sig: other.sig }, false],
    ['tampered content', { ...event, content: 'x' }, false],
    ['tampered tags', { ...event, tags: [['d', 'projecT']] }, false],
    ['another kind', { ...event, kind: 30_618 }, false],
    ['another time', { ...event, created_at: event.created_at + 1 }, false],
    ['a short id', { ...event, id: event.id.slice(0, 62) }, false],
    ['an empty id', { ...event, id: '' }, false],
    ['an empty signature', { ...event, sig: '' }, false],
    ['a signature with more behind it', { ...event, sig: `${event.sig}00` }, false],
    ['a large event', large, true],
    ['a large event, tampered', { ...large, sig: flip(large.sig, 3) }, false],
    ['an event larger than the memory of the module', huge, true],
    ['one such, tampered', { ...huge, sig: flip(huge.sig, 3) }, false],
  ])('%s', (_what, candidate, expected) => {
    expect(holdsByNostrTools(candidate)).toBe(expected);
    expect(verifier.verify(candidate)).toBe(expected);
    // Whatever it was shown, it still knows good from bad.
    expect(verifier.verify(event)).toBe(true);
  });

  test('refuses a pubkey that is no point of the curve, with a correct id', () => {
    const pubkey = 'f'.repeat(64);
    const forged = { ...event, pubkey };
    const id = createId({ ...forged, pubkey });
    expect(holdsByNostrTools({ ...forged, id })).toBe(false);
    expect(verifier.verify({ ...forged, id })).toBe(false);
  });

  test('ignores the mark by which nostr-tools trusts an event', () => {
    const signed = createSigner(alice.secretKey).sign({ kind: 1, created_at: 1, tags: [], content: 'a' });
    const marked = { ...signed };
    verifyEvent(marked as unknown as Parameters<typeof verifyEvent>[0]);
    marked.content = 'b';
    expect(verifyEvent(marked as unknown as Parameters<typeof verifyEvent>[0])).toBe(true);
    expect(verifier.verify(marked)).toBe(false);
  });

  test('leaves the event unchanged', () => {
    const frozen = Object.freeze({
      ...event,
      tags: Object.freeze(event.tags.map((tag) => Object.freeze([...tag]))),
    });
    expect(verifier.verify(frozen)).toBe(true);
    expect(Reflect.ownKeys(frozen)).toEqual(Reflect.ownKeys(event));
  });

  test('agrees with nostr-tools on events of many authors, every third one changed', () => {
    for (let number = 1; number <= 40; number += 1) {
      const signed = author(number).sign({ kind: number, content: `${number}` });
      const candidate = number % 3 === 0 ? { ...signed, sig: flip(signed.sig, number * 3) } : signed;
      expect(verifier.verify(candidate)).toBe(number % 3 !== 0);
    }
  });
});

/** The id by the letter of NIP-01. */
function createId(candidate: NostrEvent): string {
  return createHash('sha256').update(serializeEvent(candidate)).digest('hex');
}

import { expect, it } from 'vitest';
import { sha256 } from '../../../src/lib/digest.ts';
import { verifySchnorr } from '../../../src/nostr/bip340.ts';
import { fitsObject, parseGitSignature } from '../../../src/nostr/git-signature.ts';
import { createSigner } from '../../../src/nostr/sign.ts';

it('signatures of the library over ids of events are verified, and changed ones are not', () => {
  for (let at = 1; at <= 8; at++) {
    const signer = createSigner(sha256(`key ${at}`));
    const event = signer.sign({ kind: 1, created_at: at, tags: [], content: 'x' });
    expect(verifySchnorr(event.id, event.pubkey, event.sig)).toBe(true);
    const other = event.id.replace(/./, (digit) => (digit === '0' ? '1' : '0'));
    expect(verifySchnorr(other, event.pubkey, event.sig)).toBe(false);
    const swapped = event.sig.slice(64) + event.sig.slice(0, 64);
    expect(verifySchnorr(event.id, event.pubkey, swapped)).toBe(false);
    expect(verifySchnorr(event.id, createSigner(sha256('other')).publicKey, event.sig)).toBe(false);
  }
});

it('the test vectors of BIP-340 have the stated results', () => {
  const message = '243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89';
  const key = 'dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659';
  const good =
    '6896bd60eeae296db48a229ff71dfe071bde413e6d43f917dc8dcf8c78de33418906d11ac976abccb20b091292bff4ea897efcb639ea871cfa95f6de339e4b0a';
  expect(verifySchnorr(message, key, good)).toBe(true);
  // Not on the curve; an odd y; a negated s; too large an r, s or key.
  const offCurve = 'eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34';
  expect(verifySchnorr(message, offCurve, good)).toBe(false);
  const odd =
    'fff97bd5755eeea420453a14355235d382f6472f8568a18b2f057a14602975563cc27944640ac607cd107ae10923d9ef7a73c643e166be5ebeafa34b1ac553e2';
  expect(verifySchnorr(message, key, odd)).toBe(false);
  const field = 'fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f';
  const order = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141';
  expect(verifySchnorr(message, key, field + good.slice(64))).toBe(false);
  expect(verifySchnorr(message, key, good.slice(0, 64) + order)).toBe(false);
  expect(verifySchnorr(message, field, good)).toBe(false);
});

it('a malformed signature of a Nostr key is refused, for any armour', () => {
  const armour = (json: string) =>
    `-----BEGIN SIGNED MESSAGE-----\n${Buffer.from(json).toString('base64')}\n-----END SIGNED MESSAGE-----`;
  const [pk, sig] = ['a'.repeat(64), 'b'.repeat(128)];
  const good = `{"v":1,"pk":"${pk}","sig":"${sig}","t":5}`;
  expect(parseGitSignature(armour(good))).toEqual({ publicKey: pk, signature: sig, time: 5, binding: '' });
  const owned = `{"v":1,"pk":"${pk}","sig":"${sig}","t":5,"oa":["o","c","s"]}`;
  expect(parseGitSignature(armour(owned))?.binding).toBe('o:c:s:');
  for (const bad of [
    good.replace('1', '2'),
    good.replace('"t":5', '"t":5.0'),
    good.replace('"t":5', '"t":-5'),
    good.replace('"t":5', '"t":5,"x":1'),
    good.replace(':', ': '),
    owned.replace('"c"', '1'),
    'null',
    '[1]',
    '\xff',
    '{',
  ]) {
    expect(parseGitSignature(armour(bad)), bad).toBeUndefined();
  }
  expect(parseGitSignature(`${armour(good)}\n\n`)).toBeUndefined();
  expect(fitsObject({ publicKey: pk, signature: sig, time: 5, binding: '' }, Buffer.from('x'))).toBe(false);
});

import { nsecEncode } from 'nostr-tools/nip19';
import { generateSecretKey, getPublicKey, verifyEvent } from 'nostr-tools/pure';
import { beforeAll, describe, expect, test } from 'vitest';
import { formatKeyFile, parseKeyFile } from '../../../src/nostr/key-file.ts';
import { loadSecp256k1, maxWasmBytes } from '../../../src/nostr/secp256k1.ts';
import { isSecretKey } from '../../../src/nostr/secret-key.ts';
import { createSigner } from '../../../src/nostr/sign.ts';
import { alice } from './authors.ts';

const ORDER = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141';
const template = {
  kind: 30_618,
  created_at: 12,
  tags: [
    ['d', 'x'],
    ['HEAD', 'ref: refs/heads/main'],
  ],
  content: '',
};

describe('a signer', () => {
  test('makes events that nostr-tools accepts, with the seven fields only', () => {
    const signer = createSigner(alice.secretKey);
    const event = signer.sign(template);
    expect(signer.publicKey).toBe(alice.publicKey);
    expect(event).toMatchObject({ ...template, pubkey: alice.publicKey });
    expect(Reflect.ownKeys(event).toSorted()).toEqual(
      ['content', 'created_at', 'id', 'kind', 'pubkey', 'sig', 'tags'].toSorted(),
    );
    expect(verifyEvent(JSON.parse(JSON.stringify(event)))).toBe(true);
  });

  test('makes the same id every time', () => {
    const ids = new Set([1, 2, 3].map(() => createSigner(alice.secretKey).sign(template).id));
    expect(ids.size).toBe(1);
  });

  test('copies its template: neither changes the other later', () => {
    const tags = [['d', 'x']];
    const event = createSigner(alice.secretKey).sign(Object.freeze({ ...template, tags }));
    tags[0]?.push('more');
    expect(event.tags).toEqual([['d', 'x']]);
  });

  test.each(['', '0'.repeat(64), ORDER, 'f'.repeat(64), `${alice.secretKey}00`, 'g'.repeat(64)])(
    'refuses the key "%s"',
    (key) => {
      expect(() => createSigner(key)).toThrow(/^a secret key is 64/);
      expect(isSecretKey(key)).toBe(false);
    },
  );

  test('accepts every number on the curve', () => {
    expect(isSecretKey('1'.padStart(64, '0'))).toBe(true);
    expect(isSecretKey(`${ORDER.slice(0, -1)}0`)).toBe(true);
    for (let round = 0; round < 100; round += 1) {
      const secret = generateSecretKey();
      const hex = Buffer.from(secret).toString('hex');
      expect(isSecretKey(hex)).toBe(true);
      expect(createSigner(hex).publicKey).toBe(getPublicKey(secret));
    }
  });
});

describe('a signer with the WebAssembly library', () => {
  let library: Awaited<ReturnType<typeof loadSecp256k1>>;
  beforeAll(async () => {
    library = await loadSecp256k1();
  });

  /** BIP-340, default signing without auxiliary randomness, worked out by an implementation of its own (noble-curves). */
  test('makes the signatures of BIP-340, with the same bytes every time and on every server', async () => {
    const secret = '3'.padStart(64, '0');
    const event = createSigner(secret, library).sign({
      kind: 1,
      created_at: 2,
      tags: [],
      content: 'é "\\\n',
    });
    expect(event.id).toBe('5084351a3ca0a412b1bc5ca7f5d38e6274c768ceebed7e16cb11ad1a24420e95');
    expect(event.sig).toBe(
      'f4735937525c53158a85077b114f3ccd1d09215afdcad65ae9acfc534722d7e3081fef51ce0d7c192d923357fbe87387d30e8d3f0dc73ddcf2fe59899149c78f',
    );
    expect(createSigner(secret, await loadSecp256k1()).sign(event)).toEqual(event);
    createSigner(alice.secretKey, library).sign(template);
    expect(createSigner(secret, library).sign(event)).toEqual(event);
  });

  test('makes events of any size that nostr-tools accepts', () => {
    const signer = createSigner(alice.secretKey, library);
    for (const content of ['', 'ünïcödé', 'x'.repeat(maxWasmBytes - 1_000), 'y'.repeat(maxWasmBytes + 1)]) {
      const event = signer.sign({ ...template, content });
      expect(event.id).toBe(createSigner(alice.secretKey).sign({ ...template, content }).id);
      expect(Reflect.ownKeys(event)).toHaveLength(7);
      expect(verifyEvent(JSON.parse(JSON.stringify(event)))).toBe(true);
    }
  });
});

describe('a key file', () => {
  const secret = 'd5f1c0fb4c9b3a5e8a2f0b3c6d7e8f90123456789abcdef0123456789abcdef0';
  const nsec = nsecEncode(Uint8Array.from(Buffer.from(secret, 'hex')));

  test('is read back', () => {
    expect(parseKeyFile(formatKeyFile(secret))).toBe(secret);
    expect(formatKeyFile(secret)).toMatch(/^# .*npub1[^\n]*\nnsec1[^\n]*\n$/);
  });

  test.each([
    ['nsec', nsec],
    ['nsec with a line break', `${nsec}\n`],
    ['nsec with Windows line breaks', `# key\r\n${nsec}\r\n`],
    ['hex', secret],
    ['hex in upper case', secret.toUpperCase()],
    ['comments and empty lines', `# a\n\n  ${nsec}  \n# b\n`],
  ])('%s', (_what, text) => {
    expect(parseKeyFile(text)).toBe(secret);
  });

  test.each([
    ['empty', '', 'has no key'],
    ['comments only', '# nothing\n\n', 'has no key'],
    ['two keys', `${nsec}\n${nsec}\n`, 'more than one line'],
    ['an npub', 'npub10xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqpkge6d', 'a public key (npub)'],
    [
      'an encrypted key',
      'ncryptsec1qgg9947rlpvqu76pj5ecreduf9jxhselq2nae2kghhvd5g7dgjtcxfqtd67p9',
      'encrypted key',
    ],
    [
      'an nsec with a typing error',
      nsec.replace(/.$/, (last) => (last === 'q' ? 'p' : 'q')),
      'wrong, missing or added',
    ],
    ['an nsec cut short', nsec.slice(0, -4), 'wrong, missing or added'],
    ['zero', '0'.repeat(64), 'not a valid secret key'],
    ['the order of the curve', ORDER, 'not a valid secret key'],
    ['short hex', secret.slice(1), 'neither an nsec nor 64 hex'],
    ['words', 'correct horse battery staple', 'neither an nsec nor 64 hex'],
    ['a PEM file', '-----BEGIN PRIVATE KEY-----', 'neither an nsec nor 64 hex'],
  ])('%s is refused without showing it', (_what, text, reason) => {
    const message = messageOfThrown(() => parseKeyFile(text));
    expect(message).toContain(reason);
    for (const line of text.split('\n').filter((part) => part.length > 20))
      expect(message).not.toContain(line);
  });
});

function messageOfThrown(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error('nothing was thrown');
}

import { createHmac } from 'node:crypto';
import { verifyEvent } from 'nostr-tools/pure';
import { describe, expect, test } from 'vitest';
import { attestationTemplate, repositorySecret } from '../../../src/nostr/repository-key.ts';
import { isSecretKey } from '../../../src/nostr/secret-key.ts';
import { createSigner } from '../../../src/nostr/sign.ts';
import { alice, bob } from './authors.ts';

const service = 'a0'.repeat(32);
const hmac = (key: Uint8Array | string, ...data: (Uint8Array | string)[]) => {
  const hash = createHmac('sha256', key);
  for (const part of data) hash.update(part);
  return hash.digest();
};

describe('the key of a repository', () => {
  test('is HKDF as in RFC 5869: extract, then one round of expand', () => {
    const extracted = hmac('cairn repository key v1', Buffer.from(service, 'hex'));
    const info = Buffer.concat([Buffer.from(alice.publicKey, 'hex'), Buffer.from([0]), Buffer.from('grüße')]);
    const expected = hmac(extracted, info, Buffer.from([1])).toString('hex');
    expect(repositorySecret(service, alice.publicKey, 'grüße')).toBe(expected);
  });

  test('never changes, so that old receipts keep their author', () => {
    expect(repositorySecret(service, alice.publicKey, 'project')).toBe(
      'f80f2de7aa4fce36c46f6a5525c87c17055ebfa31bcad1983428695ef27d48dd',
    );
  });

  test('differs by service, owner and identifier', () => {
    const keys = [
      repositorySecret(service, alice.publicKey, 'project'),
      repositorySecret('a1'.repeat(32), alice.publicKey, 'project'),
      repositorySecret(service, bob.publicKey, 'project'),
      repositorySecret(service, alice.publicKey, 'project2'),
      repositorySecret(service, alice.publicKey, '\u0000project'),
      repositorySecret(service, alice.publicKey, ''),
    ];
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys.every(isSecretKey)).toBe(true);
  });

  test('skips a number that is no valid key', () => {
    const counters: number[] = [];
    const derive = (_secret: Uint8Array, _salt: string, info: Uint8Array) => {
      const counter = info[32] ?? 0;
      counters.push(counter);
      return Buffer.alloc(32, [0, 0xff, 7][counter]);
    };
    expect(repositorySecret(service, alice.publicKey, 'project', derive)).toBe('07'.repeat(32));
    expect(counters).toEqual([0, 1, 2]);
    expect(() => repositorySecret(service, alice.publicKey, 'x', () => Buffer.alloc(32))).toThrow(
      '256 tries',
    );
  });
});

test('the service attests the key in one event per repository', () => {
  const key = createSigner(repositorySecret(service, alice.publicKey, 'a:b')).publicKey;
  const event = createSigner(service).sign(attestationTemplate(alice.publicKey, 'a:b', key, 1_700_000_000));
  expect(verifyEvent(JSON.parse(JSON.stringify(event)))).toBe(true);
  expect(event).toMatchObject({ kind: 30_078, created_at: 1_700_000_000 });
  expect(event.tags).toEqual(
    expect.arrayContaining([
      ['d', `cairn/receipts/${alice.publicKey}:a:b`],
      ['a', `30617:${alice.publicKey}:a:b`],
      ['p', key],
    ]),
  );
  expect(createSigner(service).sign(attestationTemplate(alice.publicKey, 'a:b', key, 1_700_000_000)).id).toBe(
    event.id,
  );
});

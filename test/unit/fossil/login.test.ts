import { describe, expect, it } from 'vitest';
import {
  cookieLogin,
  hasNonceInSteps,
  loginCard,
  loginSecret,
  loginSignature,
  nonceOf,
  verifyLogin,
} from '../../../src/fossil/login.ts';
import { readCards } from '../../../src/fossil/read-cards.ts';
import { writeCards } from '../../../src/fossil/write-cards.ts';

const PROJECT = 'f5a41f4ba37a8a9594b7691eaffbc7ac756bacd7';

/** What Fossil 2.21 sent as alice with the password "secret". */
const CAPTURED = `login alice c6da427417f782ba6370b2ff77f7d83f92c7831b 1cc936958eb393a501d900e33453e6dcf1d08d0c
pragma client-version 22100 20230226 192424
pragma uv-hash 41bcdc123f5c429c7c5b16b6f67bd90e2e11c1e2
# 5250B1B53D7CD07A78778AF7EB6B1B03C091AD56
`;

describe('a login', () => {
  it('of the stock client is accepted with its password only, and for its message only', () => {
    const reader = readCards(Buffer.from(CAPTURED));
    const card = reader.next();
    if (card?.card !== 'login') throw new Error('no login card');
    const rest = Buffer.from(reader.rest);
    expect(verifyLogin(card, rest, loginSecret(PROJECT, 'alice', 'secret'))).toBe(true);
    expect(verifyLogin(card, rest, loginSecret(PROJECT, 'alice', 'Secret'))).toBe(false);
    expect(verifyLogin(card, rest, loginSecret('x', 'alice', 'secret'))).toBe(false);
    expect(verifyLogin(card, rest.subarray(1), loginSecret(PROJECT, 'alice', 'secret'))).toBe(false);
  });

  it('of Cairn’s client equals that of the stock client', () => {
    const line = CAPTURED.slice(0, CAPTURED.indexOf('\n') + 1);
    const rest = Buffer.from(CAPTURED.slice(line.length));
    expect(writeCards([loginCard('alice', loginSecret(PROJECT, 'alice', 'secret'), rest)]).toString()).toBe(
      line,
    );
  });

  it('with the right nonce and a wrong signature, or the reverse, is refused', () => {
    const secret = loginSecret(PROJECT, 'a', 'b');
    const bytes = Buffer.from('pull x y\n');
    const card = loginCard('a', secret, bytes);
    expect(verifyLogin({ ...card, signature: loginSignature(card.nonce, 'x') }, bytes, secret)).toBe(false);
    expect(verifyLogin({ ...card, signature: '' }, bytes, secret)).toBe(false);
    const other = nonceOf(Buffer.from('push x y\n'));
    const stolen = { ...card, nonce: other, signature: loginSignature(other, secret) };
    expect(verifyLogin(stolen, bytes, secret)).toBe(false);
    expect(verifyLogin({ ...card, nonce: card.nonce.toUpperCase() }, bytes, secret)).toBe(false);
  });

  it('reads 40 hex digits as the secret itself, as stock clients do', () => {
    expect(loginSecret(PROJECT, 'a', 'AB'.repeat(20))).toBe('ab'.repeat(20));
  });
});

describe('a login in a cookie', () => {
  const nonce = 'c'.repeat(40);
  const signature = 'd'.repeat(40);

  it('is read like a login card', () => {
    expect(cookieLogin(`a=b; x-f-l-c=login+b%5Cs%C3%A4+${nonce}+${signature}`)).toEqual({
      card: 'login',
      user: 'b ä',
      nonce,
      signature,
    });
    expect(cookieLogin(undefined)).toBeUndefined();
    expect(cookieLogin('a=b; c')).toBeUndefined();
  });

  it.each([
    `x-f-l-c=login+a+${nonce}`,
    `x-f-l-c=logout+a+${nonce}+${signature}`,
    `x-f-l-c=login+a+${nonce}+${signature}+x`,
    'x-f-l-c=',
    `x-f-l-c=login+%zz+${nonce}+${signature}`,
    `x-f-l-c=login+a+${nonce}+${signature}; x-f-l-c=login+a+${nonce}+${signature}`,
  ])('is refused if it is %s', (header) => {
    expect(() => cookieLogin(header)).toThrow(/login cookie is malformed|multiple login cards/);
  });
});

it('the nonce of a large message is computed in steps of bounded size', () => {
  const bytes = Buffer.alloc(1_000_000, 'igot\n');
  const card = loginCard('alice', 'secret', bytes);
  for (const [message, right] of [
    [bytes, true],
    [bytes.subarray(1), false],
  ] as const) {
    const work = hasNonceInSteps(card, message);
    let steps = 0;
    let last = work.next();
    for (; !last.done; last = work.next()) steps++;
    expect([steps, last.value]).toEqual([4, right]);
  }
});

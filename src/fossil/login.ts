import { createHash, timingSafeEqual } from 'node:crypto';
import { type Cooperative, cooperate } from '../lib/cooperative.ts';
import { type Bytes, FileBytes } from '../lib/file-bytes.ts';
import { HASHED_AT_ONCE, hashInSteps } from '../lib/hash-in-steps.ts';
import type { LoginCard } from './cards.ts';
import { FossilSyntaxError } from './syntax-error.ts';
import { defossilize } from './tokens.ts';

/**
 * How a client proves a password. The nonce is the hash of the bytes that follow the line of the card, so that a card
 * that was listened to signs no other message. The same message again is accepted.
 */

/** Stock clients take a password of this form for the secret itself. */
const SECRET_FORM = /^[0-9a-fA-F]{40}$/;

/** Cookie in which clients of version 2.27 and newer send the card to servers of version 2.27 and newer. */
const COOKIE = 'x-f-l-c';

/** What a server keeps of a password: 40 hex digits that are no use in another project. */
export function loginSecret(projectCode: string, user: string, password: string): string {
  if (SECRET_FORM.test(password)) return password.toLowerCase();
  return sha1(Buffer.from(`${projectCode}/${user}/${password}`));
}

/** The nonce for the bytes after the line of a login card. */
export function nonceOf(bytes: Uint8Array): string {
  return sha1(bytes);
}

/** The signature of a nonce. */
export function loginSignature(nonce: string, secret: string): string {
  return sha1(Buffer.from(nonce + secret));
}

/** Whether the nonce of a card is the one of these bytes: everything after its line; for a card in a cookie the whole message. */
export function hasNonceOf(card: LoginCard, bytes: Uint8Array): boolean {
  return isSame(card.nonce, nonceOf(bytes));
}

/** As {@link hasNonceOf}, for a message of any size. Others run while a large one is hashed. */
export async function hasNonce(card: LoginCard, bytes: Bytes): Promise<boolean> {
  if (!(bytes instanceof FileBytes)) return cooperate(hasNonceInSteps(card, bytes));
  const hash = createHash('sha1');
  await bytes.inPieces((piece) => hash.update(piece));
  return isSame(card.nonce, hash.digest('hex'));
}

/** As {@link hasNonceOf}, with a pause after each step: the hash of a large message takes a tenth of a second. */
export function* hasNonceInSteps(card: LoginCard, bytes: Uint8Array): Cooperative<boolean> {
  if (bytes.length <= HASHED_AT_ONCE) return hasNonceOf(card, bytes);
  const hash = createHash('sha1');
  yield* hashInSteps(hash, bytes);
  return isSame(card.nonce, hash.digest('hex'));
}

/** Whether a card was signed with a secret. Takes as long for a wrong signature as for a right one. */
export function isSignedWith(card: LoginCard, secret: string): boolean {
  return isSame(card.signature, loginSignature(card.nonce, secret));
}

/** Whether a card was made with a secret and for just these bytes: {@link hasNonceOf} and {@link isSignedWith}. */
export function verifyLogin(card: LoginCard, bytes: Uint8Array, secret: string): boolean {
  return hasNonceOf(card, bytes) && isSignedWith(card, secret);
}

/** The card that goes before a message. */
export function loginCard(user: string, secret: string, bytes: Uint8Array): LoginCard {
  const nonce = nonceOf(bytes);
  return { card: 'login', user, nonce, signature: loginSignature(nonce, secret) };
}

/**
 * The login card of a `Cookie` header: `x-f-l-c=login+USER+NONCE+SIGNATURE`, the card as it travels, encoded like a form.
 * @returns undefined if there is none. Throws {@link FossilSyntaxError} if it is malformed or there are several
 */
export function cookieLogin(header: string | undefined): LoginCard | undefined {
  const values = (header ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${COOKIE}=`))
    .map((pair) => pair.slice(COOKIE.length + 1));
  const [value] = values;
  if (value === undefined) return undefined;
  if (values.length > 1) throw new FossilSyntaxError('invalid', 'multiple login cards');
  const [login, user, nonce, signature, ...more] = value.split('+').map(decoded);
  const isWhole = login === 'login' && user !== undefined && nonce !== undefined && signature !== undefined;
  if (!isWhole || more.length > 0) throw new FossilSyntaxError('invalid', 'the login cookie is malformed');
  return { card: 'login', user: defossilize(user), nonce, signature };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw new FossilSyntaxError('invalid', `the login cookie is malformed: ${String(error)}`);
  }
}

function sha1(bytes: Uint8Array): string {
  return createHash('sha1').update(bytes).digest('hex');
}

function isSame(given: string, right: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}

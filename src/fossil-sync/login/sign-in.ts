import type { LoginCard } from '../../fossil/cards.ts';
import { isSignedWith, loginSecret } from '../../fossil/login.ts';
import { keysOfUser } from './fossil-user.ts';
import { isSamePassword, type PasswordScope, type ProjectPasswords } from './project-passwords.ts';

/** What the sender of a request shows to prove who it is. */
export type Presented =
  /** A login card, and the bytes that its nonce must cover. */
  /** `isOfMessage`: whether the nonce is that of the message, see `hasNonce`. */
  | { readonly kind: 'card'; readonly card: LoginCard; readonly isOfMessage: boolean }
  /** HTTP Basic, as with `fossil clone -B USER:PASSWORD`. */
  | { readonly kind: 'basic'; readonly user: string; readonly password: string };

/** Who the sender of a request is. `refused`: what was shown does not hold, for this reason. */
export type SignIn =
  | { readonly is: 'anonymous' }
  | { readonly is: 'key'; readonly key: string; readonly user: string }
  | { readonly is: 'refused'; readonly why: 'wrong' | 'expired' | 'revoked' };

/** Users of stock Fossil who need no password. */
const NOBODY: ReadonlySet<string> = new Set(['nobody', 'anonymous']);

export interface SignInOptions {
  readonly passwords: ProjectPasswords;
  readonly scope: PasswordScope;
  /** The code that the client makes its secret with. */
  readonly projectCode: string;
  /** Keys that have rights in the repository. Only these have passwords. */
  readonly keys: Iterable<string>;
  /** Seconds since 1970. */
  readonly now: number;
}

/** Finds out who sends a request. Takes no request of the store. */
export function signIn(presented: Presented | undefined, options: SignInOptions): SignIn {
  if (presented === undefined) return { is: 'anonymous' };
  const { passwords, scope, projectCode, keys, now } = options;
  const user = presented.kind === 'card' ? presented.card.user : presented.user;
  if (presented.kind === 'card' && NOBODY.has(user)) return { is: 'anonymous' };
  // A card of another message proves nothing, whatever it is signed with.
  if (presented.kind === 'card' && !presented.isOfMessage) {
    return { is: 'refused', why: 'wrong' };
  }
  const matches = (password: string) =>
    presented.kind === 'card'
      ? isSignedWith(presented.card, loginSecret(projectCode, user, password))
      : isSamePassword(presented.password, password);
  let why: 'wrong' | 'expired' | 'revoked' = 'wrong';
  for (const key of keysOfUser(user, keys)) {
    const verdict = passwords.judge(scope, key, matches, now);
    if (verdict === 'valid') return { is: 'key', key, user };
    if (verdict !== 'wrong') why = verdict;
  }
  return { is: 'refused', why };
}

/** The user and password of an `Authorization` header; undefined if it is not HTTP Basic. */
export function readBasic(authorization: string | undefined): Presented | undefined {
  const [, encoded] = /^basic +([A-Za-z0-9+/=]+)$/i.exec(authorization ?? '') ?? [];
  if (encoded === undefined) return undefined;
  const [, user, password] =
    /^([^:]*):([\s\S]*)$/.exec(Buffer.from(encoded, 'base64').toString('utf8')) ?? [];
  if (user === undefined || password === undefined) return undefined;
  return { kind: 'basic', user, password };
}

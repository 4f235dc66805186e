import type { Clock } from '../lib/clock.ts';
import { encodeToken, tokenTemplate } from '../nostr/nip98.ts';
import type { Signer } from '../nostr/sign.ts';
import type { Secrets } from './secrets.ts';

/** What shows a remote who asks. */
export type Credentials =
  | { readonly kind: 'bearer'; readonly token: string }
  /** A token is a password for most hosts. `git` is the user name if none is given. */
  | { readonly kind: 'basic'; readonly userName?: string; readonly password: string }
  /** Signs a token for each request (NIP-98). */
  | { readonly kind: 'nostr'; readonly signer: Signer };

/** The user name where a host needs any, and none is known. */
export const defaultUserName = 'git';

/**
 * The credentials in the user part of a URL.
 * @returns undefined without a password, or with an empty one
 */
export function credentialsOf(url: URL): Credentials | undefined {
  const password = decoded(url.password);
  if (password === '') return undefined;
  const userName = decoded(url.username);
  return { kind: 'basic', password, ...(userName === '' ? {} : { userName }) };
}

/** The value of the `Authorization` header. @param repositoryUrl the URL of the repository, without user, query and fragment */
export function authorizationOf(
  credentials: Credentials,
  repositoryUrl: string,
  clock: Clock,
  secrets: Secrets,
): string {
  switch (credentials.kind) {
    case 'bearer':
      secrets.add(credentials.token);
      return `Bearer ${credentials.token}`;
    case 'basic':
      return basicAuthorization(credentials.userName ?? defaultUserName, credentials.password, secrets);
    case 'nostr': {
      const event = credentials.signer.sign(tokenTemplate(repositoryUrl, Math.floor(clock.now() / 1000)));
      const token = encodeToken(event);
      secrets.add(token);
      return `Nostr ${token}`;
    }
  }
}

/** The value of the header for a user name and a password (RFC 7617). */
export function basicAuthorization(userName: string, password: string, secrets: Secrets): string {
  secrets.add(password, userName);
  return `Basic ${Buffer.from(`${userName}:${password}`).toString('base64')}`;
}

/**
 * Whether credentials that were meant for one URL may be sent to another: to the same scheme, host and port, and from http to
 * https on the usual ports of the same host. Never to another host, not even a part of the same domain.
 */
export function mayCarryCredentials(meantFor: URL, to: URL): boolean {
  return meantFor.origin === to.origin || isUpgrade(meantFor, to);
}

/** From http to https on the usual ports of the same host. */
export function isUpgrade(from: URL, to: URL): boolean {
  const bothUsual = from.port === '' && to.port === '';
  return from.protocol === 'http:' && to.protocol === 'https:' && bothUsual && from.hostname === to.hostname;
}

/** The decoded part of a URL; as it is, if it cannot be decoded. */
export function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

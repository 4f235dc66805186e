/**
 * Reads the token from an `Authorization` header. It comes with the scheme `Nostr <token>` (NIP-98), or as the password of
 * Basic with any user name: git before 2.46 can send nothing else.
 */
import { isUtf8 } from 'node:buffer';
import { type EventLimits, type NostrEvent, parseEvent } from './event.ts';

export type HttpCredential =
  | { readonly kind: 'none' }
  /** A credential that is not a token: the reason is for the client. */
  | { readonly kind: 'unusable'; readonly reason: string }
  /** An event that claims to be a token. Neither its signature nor its tags are checked yet. */
  | { readonly kind: 'token'; readonly event: NostrEvent };

/** A token has a URL, a method, and perhaps a hash and a date: far less than this. */
const tokenLimits: EventLimits = {
  maxTags: 16,
  maxTagElements: 8,
  maxContentBytes: 1_024,
  maxBytes: 4_096,
};

/** Characters of base64; Node refuses more than 16 KiB of headers anyway. */
const maxTokenLength = 12 * 1_024;

/** @param header the value of the `Authorization` header; undefined when there is none */
export function readCredential(header: string | undefined): HttpCredential {
  if (header === undefined || header.trim() === '') return { kind: 'none' };
  const [, scheme = '', rest = ''] = /^\s*(\S+)\s*(.*?)\s*$/s.exec(header) ?? [];
  if (scheme.toLowerCase() === 'nostr') return readToken(rest);
  if (scheme.toLowerCase() === 'basic') return readBasic(rest);
  return unusable('this server takes the Authorization schemes Nostr and Basic');
}

function readBasic(encoded: string): HttpCredential {
  const pair = decodeBase64(encoded);
  // The user name ends at the first colon and may be anything (RFC 7617); base64 has no colons.
  const colon = pair?.indexOf(':') ?? -1;
  if (pair === undefined || colon === -1)
    return unusable('the Basic credential is not base64 of user and password');
  return readToken(pair.slice(colon + 1));
}

function readToken(text: string): HttpCredential {
  const json = text.length > maxTokenLength ? undefined : decodeBase64(text);
  const value = json === undefined ? undefined : parseJson(json);
  if (value === undefined) {
    return unusable(
      'the password or token is not a signed Nostr event in base64; is the credential helper set up?',
    );
  }
  const event = parseEvent(value, tokenLimits);
  return event.ok
    ? { kind: 'token', event: event.value }
    : unusable(`the token is not a Nostr event: ${event.reason}`);
}

/** Decodes standard and URL-safe base64 of UTF-8, padded or not. Node decodes both, but would skip other characters. */
function decodeBase64(text: string): string | undefined {
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64');
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // It is not a token; the reason does not matter.
    return undefined;
  }
}

function unusable(reason: string): HttpCredential {
  return { kind: 'unusable', reason };
}

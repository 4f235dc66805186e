import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Digest } from '../../lib/digest.ts';

/** What a clone goes on from: a published state, and when it was pinned. */
export interface ClonePin {
  readonly digest: Digest;
  /** Seconds since 1970. */
  readonly since: number;
}

/** Signs and reads the cookies of one repository. */
export interface CookieSeal {
  /** The secret shared by all servers over one store. */
  readonly key: Uint8Array;
  /** The repository and its incarnation: a cookie of another one is invalid. */
  readonly scope: string;
}

const FORM = /^cairn1\.([0-9a-f]{64})\.([0-9]{1,12})\.([0-9a-f]{64})$/;

/**
 * The cookie that pins a clone to a state, so that any server can send its next page. It is signed: a digest that somebody
 * made up, or found in the store, might name a state that was never published, or one of another repository.
 */
export function clonePinCookie({ digest, since }: ClonePin, seal: CookieSeal): string {
  return `cairn1.${digest}.${since}.${sign(digest, since, seal)}`;
}

/** The pin of a cookie. @returns undefined if it is not one that this repository gave */
export function readClonePin(cookie: string | undefined, seal: CookieSeal): ClonePin | undefined {
  const [, digest, seconds, signature] = FORM.exec(cookie ?? '') ?? [];
  if (digest === undefined || seconds === undefined || signature === undefined) return undefined;
  const since = Number(seconds);
  const right = Buffer.from(sign(digest, since, seal), 'hex');
  if (!timingSafeEqual(Buffer.from(signature, 'hex'), right)) return undefined;
  return { digest: digest as Digest, since };
}

function sign(digest: string, since: number, { key, scope }: CookieSeal): string {
  return createHmac('sha256', key).update(`fossil clone\0${scope}\0${digest}\0${since}`).digest('hex');
}

/**
 * Signatures of commits and tags by Nostr keys (NIP-GS, a draft): a small JSON document in the armour that git has for X.509,
 * which other programs do not take for something else.
 */
import { sha256 } from '../lib/digest.ts';
import { verifySchnorr } from './bip340.ts';
import { isPublicKey } from './public-key.ts';

export interface GitSignature {
  /** Who signed, in hex. */
  readonly publicKey: string;
  readonly signature: string;
  /** When, as the signer says; seconds. */
  readonly time: number;
  /** Separator between the time and the signed data. */
  readonly binding: string;
}

const ARMOUR =
  /^-----BEGIN SIGNED MESSAGE-----\n([A-Za-z0-9+/]{1,4094}={0,2})\n-----END SIGNED MESSAGE-----\n?$/;
const MOST_BYTES = 2_048;
const LATEST = 0xffff_ffff;

/**
 * Reads a signature. As the draft says, there is one form for each content: anything else in the JSON is refused.
 * @param armour as written in the commit
 * @returns undefined if it is not a signature of a Nostr key
 */
export function parseGitSignature(armour: string): GitSignature | undefined {
  const encoded = ARMOUR.exec(armour)?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const value = text.length > MOST_BYTES ? undefined : parseJson(text);
  if (typeof value !== 'object' || value === null) return undefined;
  const { v, pk, sig, t, oa } = value as Record<string, unknown>;
  if (v !== 1 || typeof pk !== 'string' || !isPublicKey(pk)) return undefined;
  if (typeof sig !== 'string' || !/^[0-9a-f]{128}$/.test(sig)) return undefined;
  if (typeof t !== 'number' || !Number.isInteger(t) || t < 0 || t > LATEST) return undefined;
  const owner = oa === undefined ? undefined : readOwner(oa);
  if (oa !== undefined && owner === undefined) return undefined;
  const canonical = { v, pk, sig, t, ...(owner === undefined ? {} : { oa: owner }) };
  if (JSON.stringify(canonical) !== text) return undefined;
  const binding = owner === undefined ? '' : `${owner.join(':')}:`;
  return { publicKey: pk, signature: sig, time: t, binding };
}

/** Whether it is the signer's over these bytes. */
export function fitsObject({ publicKey, signature, time, binding }: GitSignature, content: Buffer): boolean {
  const head = Buffer.from(`nostr:git:v1:${time}:${binding}`);
  return verifySchnorr(sha256(Buffer.concat([head, content])), publicKey, signature);
}

/** By whom the signer was authorized: it is part of what is signed, and not checked here. */
function readOwner(value: unknown): string[] | undefined {
  const words: unknown[] = Array.isArray(value) ? value : [];
  return words.length === 3 ? words.filter((word) => typeof word === 'string').slice(0, 3) : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: an X.509 signature, most likely.
    return undefined;
  }
}

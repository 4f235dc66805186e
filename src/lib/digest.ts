import crypto, { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Cooperative } from './cooperative.ts';
import { HASHED_AT_ONCE, hashInSteps } from './hash-in-steps.ts';

/** SHA-256 in 64 lower-case hex characters: the name of every artifact. */
export type Digest = string;

const LENGTH = 64;

/** True for 64 lower-case hex characters. */
export function isDigest(text: string): text is Digest {
  return text.length === LENGTH && isHex(text);
}

/** True for lower-case hex characters and nothing else: a loop is several times as fast as a regular expression. */
export function isHex(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (!((code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66))) return false;
  }
  return true;
}

/** Node.js has it from 20.12 on. It makes no object for each hash, which costs as much as the hash of a small content. */
const hashAtOnce: typeof crypto.hash | undefined = crypto.hash;

/** The hash of bytes, or of the UTF-8 of a string, in lower-case hex. */
export function hashHex(
  algorithm: 'md5' | 'sha1' | 'sha256' | 'sha3-256',
  data: string | Uint8Array,
): string {
  return hashAtOnce?.(algorithm, data) ?? createHash(algorithm).update(data).digest('hex');
}

/** SHA-256 of bytes, or of the UTF-8 of a string. */
export function sha256(data: string | Uint8Array): Digest {
  return hashHex('sha256', data);
}

/** SHA-256 of bytes, with a pause after each step: that of a large object takes hundreds of milliseconds. */
export function* sha256InSteps(data: Uint8Array): Cooperative<Digest> {
  if (data.length <= HASHED_AT_ONCE) return sha256(data);
  const hash = createHash('sha256');
  yield* hashInSteps(hash, data);
  return hash.digest('hex');
}

/** SHA-256 of a file, read as a stream. */
export async function sha256OfFile(path: string): Promise<Digest> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

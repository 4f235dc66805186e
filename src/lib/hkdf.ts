import { hkdfSync } from 'node:crypto';

/**
 * Derives a key from a secret: HKDF with SHA-256 (RFC 5869).
 * @param salt and @param info separate uses: other values give an unrelated key
 * @param length bytes, at most 8,160
 */
export function hkdfSha256(secret: Uint8Array, salt: string, info: Uint8Array, length: number): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, salt, info, length));
}

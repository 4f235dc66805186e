import { sha256 } from '../../lib/digest.ts';
import { CairnError } from '../../lib/errors.ts';
import type { VersionToken } from '../object-store.ts';

/**
 * The line before the body in every object file: version token and body length, always 64 bytes. Header and body
 * share one file, so that one rename publishes both.
 */
export const HEADER_BYTES = 64;

const HEADER = /^cairn-object 1 ([0-9a-f]{32}) ([0-9]{15})\n$/;

export interface ObjectHeader {
  readonly version: VersionToken;
  /** Length of the body in bytes. */
  readonly size: number;
}

/** @param header its version must have 32 hex digits */
export function encodeHeader(header: ObjectHeader): Buffer {
  return Buffer.from(`cairn-object 1 ${header.version} ${String(header.size).padStart(15, '0')}\n`, 'latin1');
}

/**
 * The version of an object whose file has no header. Its key names its bytes (`FileRange.final`), so the token is derived
 * from the key.
 * @param size bytes
 */
export function bareVersion(key: string, size: number): VersionToken {
  return sha256(Buffer.from(`${size} ${key}`, 'latin1')).slice(0, 32);
}

/**
 * @param bytes the beginning of an object file
 * @param path the file, for the error
 * @throws CairnError `corrupt` when it is not an object file
 */
export function decodeHeader(bytes: Buffer, path: string): ObjectHeader {
  const [, version, size] = HEADER.exec(bytes.toString('latin1', 0, HEADER_BYTES)) ?? [];
  if (version === undefined || size === undefined) {
    throw new CairnError('corrupt', `${path} is damaged: it does not begin as an object file does`);
  }
  return { version, size: Number(size) };
}

/** The beginning of a pack that comes in: its header, and for a pack without objects all of it. */
import { createHash } from 'node:crypto';
import {
  encodePackHeader,
  hexLength,
  type PackHeader,
  packHeaderLength,
  parsePackHeader,
} from '../../../git/index.ts';
import { messageOf } from '../../../lib/errors.ts';
import type { PackSource } from '../pack-source.ts';

const MISSING = 'the pack is missing or cut short';

/** Reads the pack's header and gives it back. Returns what is wrong with it, if something is. */
export async function readPackHeader(source: PackSource): Promise<PackHeader | string> {
  const read = await readUpTo(source, packHeaderLength);
  source.unread(read);
  try {
    return parsePackHeader(read) ?? MISSING;
  } catch (error) {
    return messageOf(error);
  }
}

/**
 * Reads a pack without objects to its end, and all that follows it. Such a pack is its header and the header's checksum, in
 * either object format.
 * @returns what is wrong with it, if something is
 */
export async function readEmptyPack(source: PackSource): Promise<string | undefined> {
  const formats = ['sha1', 'sha256'] as const;
  const header = encodePackHeader(0);
  const longest = packHeaderLength + hexLength('sha256') / 2;
  const read = await readUpTo(source, longest + 1);
  await source.drain();
  const whole = (format: (typeof formats)[number]) =>
    Buffer.concat([header, createHash(format).update(header).digest()]);
  if (formats.some((format) => whole(format).equals(read))) return undefined;
  const begun = formats.some((format) => whole(format).subarray(0, read.length).equals(read));
  const followed = formats.some((format) => read.subarray(0, whole(format).length).equals(whole(format)));
  if (begun) return MISSING;
  return followed ? 'bytes follow the end of the pack' : 'the checksum of the pack is wrong';
}

/** Reads until there are `length` bytes or more, or the source ends. */
async function readUpTo(source: PackSource, length: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  while (size < length) {
    const chunk = await source.next();
    if (chunk === undefined) break;
    chunks.push(chunk);
    size += chunk.length;
  }
  return Buffer.concat(chunks, size);
}

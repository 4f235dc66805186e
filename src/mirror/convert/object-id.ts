import { createHash } from 'node:crypto';

/** The raw SHA-256 id of an object. @param type as git names it */
export function objectId(type: string, content: Buffer): Buffer {
  return createHash('sha256').update(`${type} ${content.length}\0`).update(content).digest();
}

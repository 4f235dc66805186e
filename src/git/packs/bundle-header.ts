import type { ObjectFormat } from '../object-id.ts';

/**
 * Encodes the header of a bundle without prerequisites (gitformat-bundle); the pack follows it. SHA-1 repositories use
 * version 2. Others use version 3, which names the object format.
 * @param refs name and object id of each ref, in the order to list them
 */
export function encodeBundleHeader(
  format: ObjectFormat,
  refs: Iterable<readonly [name: string, oid: string]>,
): Buffer {
  const lines = format === 'sha1' ? ['# v2 git bundle'] : ['# v3 git bundle', `@object-format=${format}`];
  for (const [name, oid] of refs) lines.push(`${oid} ${name}`);
  return Buffer.from(`${lines.join('\n')}\n\n`);
}

import type { ObjectFormat } from './object-id.ts';

/**
 * What comes before the pack in a bundle without prerequisites (gitformat-bundle): version 2, and version 3 where the
 * object format has to be named.
 * @param refs name and object id of each ref, as they will be listed
 */
export function encodeBundleHeader(
  format: ObjectFormat,
  refs: Iterable<readonly [name: string, oid: string]>,
): Buffer {
  const lines = format === 'sha1' ? ['# v2 git bundle'] : ['# v3 git bundle', `@object-format=${format}`];
  for (const [name, oid] of refs) lines.push(`${oid} ${name}`);
  return Buffer.from(`${lines.join('\n')}\n\n`);
}

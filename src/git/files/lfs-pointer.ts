/** The pointer in git to a large file of Git LFS. */
export interface LfsPointer {
  /** SHA-256 of the file, in hex. */
  readonly oid: string;
  /** Bytes of the file. */
  readonly size: number;
}

/** Pointers are smaller than this (Git LFS, docs/spec.md). */
export const LFS_POINTER_SIZE = 1_024;

const VERSION = /^version https:\/\/(?:git-lfs\.github\.com|hawser\.github\.com)\/spec\/v1\n/;

/** @returns undefined for a file that is no pointer */
export function parseLfsPointer(content: Buffer): LfsPointer | undefined {
  if (content.length >= LFS_POINTER_SIZE) return undefined;
  const text = content.toString('latin1');
  const [, oid] = /^oid sha256:([0-9a-f]{64})\r?$/m.exec(text) ?? [];
  const [, size] = /^size (\d{1,15})\r?$/m.exec(text) ?? [];
  return VERSION.test(text) && oid !== undefined && size !== undefined
    ? { oid, size: Number(size) }
    : undefined;
}

import { type Digest, sha256 } from '../lib/digest.ts';

/**
 * Names a set of wants, whatever their order and however often each is named: the SHA-256 of its ids, sorted, one a line.
 * @param oids object ids in hex
 */
export function wantSetDigest(oids: Iterable<string>): Digest {
  return sha256([...new Set(oids)].sort().join('\n'));
}

/** True for branches and tags: what a clone asks for. */
export function isCloned(ref: string): boolean {
  return ref.startsWith('refs/heads/') || ref.startsWith('refs/tags/');
}

/**
 * What a clone of everything wants: the values of all branches and tags, each once.
 * @param refs every ref of a repository
 */
export function cloneWants(refs: Iterable<readonly [name: string, oid: string]>): Set<string> {
  const wants = new Set<string>();
  for (const [name, oid] of refs) {
    if (isCloned(name)) wants.add(oid);
  }
  return wants;
}

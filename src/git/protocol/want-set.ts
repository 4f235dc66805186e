import { type Digest, sha256 } from '../../lib/digest.ts';
import { isBranchOrTag } from '../refs/ref-name.ts';

/**
 * A digest of a set of wants: the SHA-256 of its ids, sorted, one a line, each once.
 * @param oids object ids in hex
 */
export function wantSetDigest(oids: Iterable<string>): Digest {
  return sha256([...new Set(oids)].sort().join('\n'));
}

/** True for branches and tags: the refs that a clone asks for. */
export function isCloned(ref: string): boolean {
  return isBranchOrTag(ref);
}

/**
 * The wants of a full clone: the values of all branches and tags, each once.
 * @param refs all refs of a repository
 */
export function cloneWants(refs: Iterable<readonly [name: string, oid: string]>): Set<string> {
  const wants = new Set<string>();
  for (const [name, oid] of refs) {
    if (isCloned(name)) wants.add(oid);
  }
  return wants;
}

/** A large set of wants whose {@link wantSetDigest} is computed part by part. */
export class SortedWants {
  /** By the first two digits. */
  private readonly parts = new Map<string, Set<string>>();

  add(oid: string): void {
    const beginning = oid.slice(0, 2);
    const part = this.parts.get(beginning);
    if (part === undefined) this.parts.set(beginning, new Set([oid]));
    else part.add(oid);
  }

  get isEmpty(): boolean {
    return this.parts.size === 0;
  }

  /** The text whose SHA-256 is {@link wantSetDigest}, in up to 256 parts. */
  *text(): Generator<string, undefined> {
    let before = '';
    for (const [, part] of [...this.parts].sort(([a], [b]) => (a < b ? -1 : 1))) {
      yield before + [...part].sort().join('\n');
      before = '\n';
    }
    return undefined;
  }
}

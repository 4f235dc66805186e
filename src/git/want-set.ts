import { type Digest, sha256 } from '../lib/digest.ts';
import { isBranchOrTag } from './refs/ref-name.ts';

/**
 * Names a set of wants, whatever their order and however often each is named: the SHA-256 of its ids, sorted, one a line.
 * @param oids object ids in hex
 */
export function wantSetDigest(oids: Iterable<string>): Digest {
  return sha256([...new Set(oids)].sort().join('\n'));
}

/** True for branches and tags: what a clone asks for. */
export function isCloned(ref: string): boolean {
  return isBranchOrTag(ref);
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

/** Wants of which there may be very many, so that {@link wantSetDigest} is worked out part by part. */
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

  /** The text of which {@link wantSetDigest} is the SHA-256, in up to 256 parts. */
  *text(): Generator<string, undefined> {
    let before = '';
    for (const [, part] of [...this.parts].sort(([a], [b]) => (a < b ? -1 : 1))) {
      yield before + [...part].sort().join('\n');
      before = '\n';
    }
    return undefined;
  }
}

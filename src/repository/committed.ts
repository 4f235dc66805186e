import { type CommitProof, mintCommitProof } from '../git/commit-proof.ts';
import type { Digest } from '../lib/digest.ts';
import type { Manifest } from './manifest.ts';

/**
 * What a successful publish returns: the state that is now published, and the proof a report needs to say `ok`. Made
 * here only, after the swap (or after the state was found to be published already), so that "no client hears ok
 * before the swap" is a matter of types.
 */
export interface Committed<M extends Manifest = Manifest> {
  /** The manifest of this publish; when nothing had to change, the one that stands; undefined when there is none. */
  readonly manifest: M | undefined;
  /** Digest of the manifest this publish swapped in; undefined when nothing had to change. */
  readonly digest: Digest | undefined;
  readonly proof: CommitProof;
}

/** To be called by the publisher alone. */
export function committed<M extends Manifest>(
  manifest: M | undefined,
  digest: Digest | undefined,
): Committed<M> {
  return { manifest, digest, proof: mintCommitProof() };
}

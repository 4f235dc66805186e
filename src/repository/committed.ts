import { type CommitProof, mintCommitProof } from '../git/commit-proof.ts';
import type { Digest } from '../lib/digest.ts';
import type { Manifest } from './manifest.ts';

/**
 * The result of a successful publish: the state that is now published, and the commit proof that a report needs to
 * say `ok`. Only this file creates it, after the swap (or after the state was found to be published already). So the
 * type system ensures that no client gets `ok` before the swap.
 */
export interface Committed<M extends Manifest = Manifest> {
  /** The manifest of this publish; the current one when nothing had to change; undefined when there is none. */
  readonly manifest: M | undefined;
  /** Digest of the manifest this publish swapped in; undefined when nothing had to change. */
  readonly digest: Digest | undefined;
  /**
   * Whether the state was seen to be the current one after the change arrived. False if it was found below a later one: then it may be
   * older than the change, because another server may have made the same manifest from the same parent.
   */
  readonly isLatest: boolean;
  readonly proof: CommitProof;
}

/** Only the publisher may call this. */
export function committed<M extends Manifest>(
  manifest: M | undefined,
  digest: Digest | undefined,
  isLatest = true,
): Committed<M> {
  return { manifest, digest, isLatest, proof: mintCommitProof() };
}

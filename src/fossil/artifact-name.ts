import { createHash } from 'node:crypto';
import type { Cooperative } from '../lib/cooperative.ts';
import { hashHex } from '../lib/digest.ts';
import { hashInSteps } from '../lib/hash-in-steps.ts';

declare const brand: unique symbol;

/** The name of an artifact: the hash of its content in lower-case hex, 40 digits (SHA-1) or 64 (SHA3-256). */
export type ArtifactName = string & { readonly [brand]: 'ArtifactName' };

/** The hash that a name is made with. The length of the name tells which one. */
export type NameAlgorithm = 'sha1' | 'sha3-256';

const FORM = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/**
 * Reads a name. Names with upper-case digits are refused: stock Fossil would treat them as another artifact, which does not exist.
 * @returns undefined if the text is not the name of an artifact
 */
export function parseArtifactName(text: string): ArtifactName | undefined {
  return FORM.test(text) ? (text as ArtifactName) : undefined;
}

/** The hash that a name is made with. */
export function algorithmOf(name: ArtifactName): NameAlgorithm {
  return name.length === 40 ? 'sha1' : 'sha3-256';
}

/** The name of a content: its whole bytes, uncompressed, are hashed. */
export function nameOf(content: Uint8Array, algorithm: NameAlgorithm): ArtifactName {
  return hashHex(algorithm, content) as ArtifactName;
}

/** Whether a content is what a name promises. Stock clients do not check this, so nothing may leave that was not checked. */
export function isNameOf(name: ArtifactName, content: Uint8Array): boolean {
  return nameOf(content, algorithmOf(name)) === name;
}

/** As {@link isNameOf}, with a pause after each step: the hash of a large content takes up to a second. */
export function* isNameOfInSteps(name: ArtifactName, content: Uint8Array): Cooperative<boolean> {
  const hash = createHash(algorithmOf(name));
  yield* hashInSteps(hash, content);
  return hash.digest('hex') === name;
}

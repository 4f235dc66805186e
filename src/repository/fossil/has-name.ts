import { type ArtifactName, isNameOf, isNameOfInSteps } from '../../fossil/artifact-name.ts';
import { cooperate } from '../../lib/cooperative.ts';
import { HASHED_AT_ONCE } from '../../lib/hash-in-steps.ts';

/** Whether a content has a name. Others run while a large one is hashed. */
export function hasName(name: ArtifactName, content: Uint8Array): boolean | Promise<boolean> {
  return content.length <= HASHED_AT_ONCE
    ? isNameOf(name, content)
    : cooperate(isNameOfInSteps(name, content));
}

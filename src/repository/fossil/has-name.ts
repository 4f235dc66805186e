import { createHash } from 'node:crypto';
import { type ArtifactName, algorithmOf, isNameOf, isNameOfInSteps } from '../../fossil/artifact-name.ts';
import { cooperate } from '../../lib/cooperative.ts';
import { type Bytes, FileBytes } from '../../lib/file-bytes.ts';
import { HASHED_AT_ONCE } from '../../lib/hash-in-steps.ts';

/** Whether a content has a name. Others run while a large one is hashed. */
export function hasName(name: ArtifactName, content: Bytes): boolean | Promise<boolean> {
  if (content instanceof FileBytes) return isNameOfFile(name, content);
  return content.length <= HASHED_AT_ONCE
    ? isNameOf(name, content)
    : cooperate(isNameOfInSteps(name, content));
}

async function isNameOfFile(name: ArtifactName, content: FileBytes): Promise<boolean> {
  const hash = createHash(algorithmOf(name));
  await content.inPieces((piece) => hash.update(piece));
  return hash.digest('hex') === name;
}

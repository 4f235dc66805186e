/**
 * Clusters: artifacts that list the names of others, so that a pull announces one name instead of hundreds. Their form is
 * `M NAME` lines in the order of the names, and a checksum.
 */
import { type ArtifactName, parseArtifactName } from './artifact-name.ts';
import { readStructuralArtifact, writeStructuralArtifact } from './structural-artifact.ts';

/** Fewer artifacts than these are announced one by one, as by Fossil. */
export const FEWEST_TO_CLUSTER = 100;

/** A cluster is full with this many members, unless fewer than {@link FEWEST_TO_CLUSTER} would be left for the next one. */
const FULL = 800;

const M = 0x4d;
const SPACE = 0x20;

/** The members of a cluster in their order, or undefined if the content is not a cluster. */
export function parseCluster(content: Uint8Array): readonly ArtifactName[] | undefined {
  if (content[0] !== M || content[1] !== SPACE) return undefined;
  const cards = readStructuralArtifact(content);
  if (cards === undefined) return undefined;
  const members: ArtifactName[] = [];
  let previous = '';
  for (const [letter, text] of cards) {
    const name = letter === 'M' && text > previous ? parseArtifactName(text) : undefined;
    if (name === undefined) return undefined;
    members.push(name);
    previous = name;
  }
  return members;
}

/**
 * The clusters to make of artifacts that are in none, grouped as by Fossil: 800 in each, and what would be less than 100
 * goes into the last one. None for fewer than {@link FEWEST_TO_CLUSTER}.
 * @param names in any order
 */
export function writeClusters(names: Iterable<ArtifactName>): Uint8Array[] {
  const sorted = [...new Set(names)].sort();
  const clusters: Uint8Array[] = [];
  if (sorted.length < FEWEST_TO_CLUSTER) return clusters;
  for (let from = 0; from < sorted.length; ) {
    const left = sorted.length - from;
    const count = left > FULL + FEWEST_TO_CLUSTER ? FULL : left;
    const lines = sorted.slice(from, from + count).map((name) => `M ${name}\n`);
    clusters.push(writeStructuralArtifact(lines.join('')));
    from += count;
  }
  return clusters;
}

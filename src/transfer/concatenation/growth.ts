/** What has come to a repository since packs of it were proved to be an answer. */
import { hexLength } from '../../git/index.ts';
import { briefInput } from '../../git-process/git.ts';
import type { GitManifest, PackEntry } from '../../repository/git/git-manifest.ts';
import type { WantSet } from '../fetch/plan.ts';

/** Packs that together hold exactly what some wants reach, each object once. */
export interface CheckedConcatenation {
  readonly packs: readonly PackEntry[];
  readonly wants: readonly string[];
}

/** What there is without any proof: no packs, which are what no wants reach. */
export const nothingProven: CheckedConcatenation = { packs: [], wants: [] };

/** How a manifest and what is wanted of it differ from an answer that has been proved. */
export interface Growth {
  /** The packs of that answer, by their places in the manifest. */
  readonly known: readonly number[];
  /** The packs beside them that branches and tags may need, the same way. */
  readonly added: readonly number[];
  /** What was wanted then. */
  readonly wantedBefore: readonly string[];
  /** What is wanted only now. */
  readonly wanted: readonly string[];
  /** What is wanted no more: it has to be part of what is. */
  readonly outgrown: readonly string[];
  /** All that is wanted now. */
  readonly wants: readonly string[];
}

/** Objects in added packs, at most: git lists so many in the time it takes to start an answer of its own. */
const MOST_ADDED = 5_000;

/** Compares a manifest with a proven answer; undefined when packs of that are gone, or when more has come than a client should wait for. */
export function growthSince(
  proven: CheckedConcatenation,
  manifest: GitManifest,
  wants: WantSet,
): Growth | undefined {
  const known = placesOf(proven.packs, manifest.packs);
  if (known === undefined) return undefined;
  const isKnown = new Set(known);
  const added = [...manifest.packs.keys()].filter((at) => {
    const kind = manifest.packs[at]?.kind;
    return !isKnown.has(at) && kind !== 'rest' && kind !== 'unreachable';
  });
  const objects = added.reduce((sum, at) => sum + (manifest.packs[at]?.objects ?? 0), 0);
  const lines = proven.wants.length + wants.oids.length;
  if (objects > MOST_ADDED || lines * (hexLength(manifest.objectFormat) + 2) > briefInput) return undefined;
  const before = new Set(proven.wants);
  const now = new Set(wants.oids);
  return {
    known,
    added,
    wantedBefore: proven.wants,
    wanted: [...now].filter((oid) => !before.has(oid)),
    outgrown: proven.wants.filter((oid) => !now.has(oid)),
    wants: [...now],
  };
}

/** Where packs are among others; undefined when one of them is not there, or not as it was. */
function placesOf(packs: readonly PackEntry[], all: readonly PackEntry[]): number[] | undefined {
  const places = packs.map(({ pack, own }) =>
    all.findIndex((other) => other.pack.digest === pack.digest && other.own?.objects === own?.objects),
  );
  return places.includes(-1) ? undefined : places;
}

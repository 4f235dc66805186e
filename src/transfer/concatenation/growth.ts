/** How a repository has grown since a concatenation of its packs was checked. */
import { hexLength } from '../../git/index.ts';
import { briefInput } from '../../git-process/git.ts';
import type { GitManifest, PackEntry } from '../../repository/git/git-manifest.ts';
import type { WantSet } from '../fetch/plan.ts';

/** Packs that together contain exactly the objects reachable from some wants, each once. */
export interface CheckedConcatenation {
  readonly packs: readonly PackEntry[];
  readonly wants: readonly string[];
}

/** The concatenation to start from if none was checked: no packs for no wants. */
export const noConcatenation: CheckedConcatenation = { packs: [], wants: [] };

/** The difference between a checked concatenation and a manifest with new wants. */
export interface Growth {
  /** The packs of that concatenation, as positions in the manifest. */
  readonly known: readonly number[];
  /** Other packs that branches and tags may need, as positions in the manifest. */
  readonly added: readonly number[];
  /** The wants of that concatenation. */
  readonly wantedBefore: readonly string[];
  /** New wants. */
  readonly wanted: readonly string[];
  /** Wants that are gone: they must be reachable from the wants of now. */
  readonly outgrown: readonly string[];
  /** All wants of now. */
  readonly wants: readonly string[];
}

/** Maximum number of objects in added packs: git lists them in the time that upload-pack needs to start. */
const MOST_ADDED = 5_000;

/** The growth since a checked concatenation; undefined if its packs are gone, or the check would take too long for a client. */
export function growthSince(
  checked: CheckedConcatenation,
  manifest: GitManifest,
  wants: WantSet,
): Growth | undefined {
  const known = placesOf(checked.packs, manifest.packs);
  if (known === undefined) return undefined;
  const isKnown = new Set(known);
  const added = [...manifest.packs.keys()].filter((at) => {
    const kind = manifest.packs[at]?.kind;
    return !isKnown.has(at) && kind !== 'rest' && kind !== 'unreachable';
  });
  const objects = added.reduce((sum, at) => sum + (manifest.packs[at]?.objects ?? 0), 0);
  const lines = checked.wants.length + wants.oids.length;
  if (objects > MOST_ADDED || lines * (hexLength(manifest.objectFormat) + 2) > briefInput) return undefined;
  const before = new Set(checked.wants);
  const now = new Set(wants.oids);
  return {
    known,
    added,
    wantedBefore: checked.wants,
    wanted: [...now].filter((oid) => !before.has(oid)),
    outgrown: checked.wants.filter((oid) => !now.has(oid)),
    wants: [...now],
  };
}

/** The positions of packs in a list; undefined if one is missing or has changed. */
function placesOf(packs: readonly PackEntry[], all: readonly PackEntry[]): number[] | undefined {
  const places = packs.map(({ pack, own }) =>
    all.findIndex((other) => other.pack.digest === pack.digest && other.own?.objects === own?.objects),
  );
  return places.includes(-1) ? undefined : places;
}

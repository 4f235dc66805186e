import type { ArtifactName } from '../../fossil/artifact-name.ts';
import type { Cooperative } from '../../lib/cooperative.ts';
import type { Bytes } from '../../lib/file-bytes.ts';
import { bad } from './bad-artifact.ts';
import type { BroughtDelta, ReceivedArtifact } from './prepared-artifacts.ts';
import type { WaitingDelta } from './waiting-deltas.ts';

/** A delta whose source has not been looked at: received now, or waiting in the bag. */
export interface Delta extends BroughtDelta {
  readonly received?: ReceivedArtifact<Bytes>;
  readonly waiting?: WaitingDelta;
}

/** Deltas by artifact, source, and whether they are private: of equal ones one is kept, and a public one is as good. */
export class KnownDeltas {
  private readonly keys = new Set<string>();

  add(delta: BroughtDelta): void {
    this.keys.add(keyOf(delta, delta.isPrivate));
  }

  has(delta: BroughtDelta): boolean {
    return this.keys.has(keyOf(delta, false)) || (delta.isPrivate && this.keys.has(keyOf(delta, true)));
  }
}

function keyOf({ name, source }: BroughtDelta, isPrivate: boolean): string {
  return `${name} ${source} ${isPrivate}`;
}

/**
 * Deltas that are sources of each other can never be made.
 * @param received deltas whose sources are not here
 * @param waitsFor the source of the delta of an artifact that waits in the bag, if one does
 * @returns names on circles that deltas in the bag are a part of: a client that has none of them asks for a whole one
 * @throws CairnError `invalid` naming one of a circle that was received as such
 */
export function* circularDeltas(
  received: readonly BroughtDelta[],
  waitsFor: (name: ArtifactName) => ArtifactName | undefined,
): Cooperative<ReadonlySet<ArtifactName>> {
  const byName = new Map<ArtifactName, ArtifactName>();
  for (const { name, source } of received) if (!byName.has(name)) byName.set(name, source);
  const sourceOf = (name: ArtifactName) => byName.get(name) ?? waitsFor(name);
  const circular = new Set<ArtifactName>();
  const done = new Set<ArtifactName>();
  for (const start of byName.keys()) {
    const walk: ArtifactName[] = [];
    const onWalk = new Set<ArtifactName>();
    let at: ArtifactName | undefined = start;
    while (at !== undefined && !done.has(at) && !onWalk.has(at)) {
      yield;
      walk.push(at);
      onWalk.add(at);
      at = sourceOf(at);
    }
    if (at !== undefined && onWalk.has(at)) {
      const circle = walk.slice(walk.indexOf(at));
      if (circle.every((name) => byName.has(name))) {
        throw bad(at, 'its deltas are a circle');
      }
      for (const name of circle) circular.add(name);
    }
    for (const name of walk) done.add(name);
  }
  return circular;
}

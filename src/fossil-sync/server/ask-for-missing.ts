import type { ArtifactName } from '../../fossil/artifact-name.ts';
import type { Round } from './round.ts';

/**
 * Asks a pushing client for missing artifacts: announced ones, then members of clusters and sources of waiting deltas.
 * Deltas that wait are asked for again only if nothing else is missing: as a rule their source is on its way.
 */
export function askForMissing({ bag, request, reply, context }: Round): void {
  const { privateArtifacts } = context.rights;
  const asked = new Set<ArtifactName>();
  const waiting: ArtifactName[] = [];
  const most = context.limits.gimmes;
  const ask = (name: ArtifactName) => {
    if (asked.size >= most || asked.has(name) || request.unknownToClient.has(name)) return;
    asked.add(name);
    reply.add({ card: 'gimme', name });
  };
  for (const [name, { isPrivate }] of request.missing) {
    if (asked.size >= most) break;
    if (isPrivate && !privateArtifacts) continue;
    const entry = bag.find(name);
    if (entry !== undefined && (isPrivate || !entry.isPrivate)) continue;
    if (bag.isShunned(name)) continue;
    if (entry === undefined && bag.isWaiting(name)) waiting.push(name);
    else ask(name);
  }
  for (const name of bag.wanted(most)) ask(name);
  if (asked.size === 0) for (const name of waiting) ask(name);
}

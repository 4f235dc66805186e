import type { ObjectFacts } from '../policy/ref-rules.ts';
import type { RepositoryState } from '../repository/manifest.ts';

export { findDisconnected, inspectObjects } from '../git-process/inspect-objects.ts';

/** What the published refs already say about objects: branches are commits, and peeled refs are tags. */
export function knownObjects(manifest: RepositoryState | undefined): Map<string, ObjectFacts> {
  const known = new Map<string, ObjectFacts>();
  for (const [name, oid] of manifest?.refs ?? []) {
    const peeled = manifest?.peeled.get(name);
    if (peeled !== undefined) known.set(oid, { type: 'tag', peeled });
    else if (name.startsWith('refs/heads/')) known.set(oid, { type: 'commit' });
  }
  return known;
}

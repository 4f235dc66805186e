import type { ObjectDescription } from '../../../git/index.ts';
import { refsPointingAt, tableOf } from '../../../git/index.ts';
import type { GitState } from '../../git/git-manifest.ts';

/** What the published refs already say about objects: branches are commits, and peeled refs are tags. */
export function knownObjects(
  manifest: GitState | undefined,
): Pick<ReadonlyMap<string, ObjectDescription>, 'has' | 'get'> {
  if (manifest !== undefined && tableOf(manifest.refs) !== undefined) {
    const get = (oid: string) => factsIn(manifest, oid);
    return { get, has: (oid) => get(oid) !== undefined };
  }
  const known = new Map<string, ObjectDescription>();
  for (const [name, oid] of manifest?.refs ?? []) {
    const peeled = manifest?.peeled.get(name);
    if (peeled !== undefined) known.set(oid, { type: 'tag', peeled });
    else if (name.startsWith('refs/heads/')) known.set(oid, { type: 'commit' });
  }
  return known;
}

/** The same of one object alone, where there are very many refs. */
function factsIn(state: GitState, oid: string): ObjectDescription | undefined {
  for (const { name, oid: value, peeled } of refsPointingAt(state, new Set([oid]))) {
    if (value !== oid) continue;
    if (peeled !== undefined) return { type: 'tag', peeled };
    if (name.startsWith('refs/heads/')) return { type: 'commit' };
  }
  return undefined;
}

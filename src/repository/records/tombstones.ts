/**
 * The tombstones of a repository: which artifacts no manifest has named lately, and which of them are condemned. A
 * collector watches an artifact first and condemns it after the grace period; only condemned ones are deleted. A
 * publisher that is about to name an artifact again takes it off the list by compare-and-swap: whoever swaps first
 * decides, so that an artifact is never deleted under a manifest that names it.
 */
import { z } from 'zod';
import { canonicalJson } from '../../lib/canonical-json.ts';
import { CairnError } from '../../lib/errors.ts';
import { readAll } from '../../lib/streams.ts';
import type { ObjectStore } from '../../object-store/object-store.ts';
import { tombstonesKey } from '../keys.ts';
import type { RepositoryPlace } from '../repository-id.ts';

const MAX_TOMBSTONES_BYTES = 16 * 1024 * 1024;
const ATTEMPTS = 16;

/** How tombstones are written. */
export const tombstonesFormat = z.strictObject({
  version: z.literal(1),
  /** Goes up with every write, so that no body ever repeats: version tokens may be derived from the content. */
  revision: z.int().min(0),
  /** By artifact file name: since when (seconds) it has been unnamed, and whether it may be deleted now. */
  artifacts: z.record(z.string(), z.strictObject({ since: z.int().min(0), condemned: z.boolean() })),
});

export type Tombstones = z.infer<typeof tombstonesFormat>;

/**
 * Takes an artifact off the tombstones, so that it may be named again.
 * @param fileName the last segment of its key
 * @returns `safe` when no collector will delete it, `condemned` when one may be doing so right now
 * @throws CairnError `unavailable` when the store does not answer; `corrupt` when the list cannot be read
 */
export async function rescueFromTombstones(
  store: ObjectStore,
  id: RepositoryPlace,
  fileName: string,
  signal?: AbortSignal,
): Promise<'safe' | 'condemned'> {
  const options = signal === undefined ? {} : { signal };
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const found = await store.get(tombstonesKey(id), options);
    if (!found.found) return 'safe';
    const tombstones = parseTombstones(await readAll(found.body, MAX_TOMBSTONES_BYTES), id);
    const entry = tombstones.artifacts[fileName];
    if (entry === undefined) return 'safe';
    if (entry.condemned) return 'condemned';
    const { [fileName]: _rescued, ...artifacts } = tombstones.artifacts;
    const next: Tombstones = { ...tombstones, revision: tombstones.revision + 1, artifacts };
    const body = Buffer.from(canonicalJson(next));
    // Whatever the outcome, the next look tells: an unknown swap is settled by reading the list again.
    await store.put(tombstonesKey(id), body, { mode: 'replace', version: found.version }, options);
  }
  throw new CairnError('unavailable', `the tombstones of ${tombstonesKey(id)} are being rewritten too fast`);
}

function parseTombstones(bytes: Buffer, id: RepositoryPlace): Tombstones {
  try {
    return tombstonesFormat.parse(JSON.parse(bytes.toString('utf8')));
  } catch (error) {
    throw new CairnError('corrupt', `${tombstonesKey(id)} cannot be read`, { cause: error });
  }
}

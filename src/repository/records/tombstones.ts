/**
 * The tombstones of a repository: artifacts that no manifest has named recently, and which of them are condemned. A
 * collector first watches an artifact and condemns it after the grace period; only condemned artifacts are deleted. A
 * publisher that is about to name an artifact again removes it from the list by compare-and-swap. The first swap
 * decides, so an artifact is never deleted while a manifest names it.
 */
import { z } from 'zod';
import { canonicalJson } from '../../lib/canonical-json.ts';
import { becauseOf, CairnError } from '../../lib/errors.ts';
import { readAll } from '../../lib/streams.ts';
import type { ObjectStore, PutOutcome } from '../../object-store/object-store.ts';
import { tombstonesKey } from '../keys.ts';
import type { RepositoryPlace } from '../repository-id.ts';

const MAX_TOMBSTONES_BYTES = 16 * 1024 * 1024;
const ATTEMPTS = 16;

/** The format of tombstones. */
export const tombstonesFormat = z.strictObject({
  version: z.literal(1),
  /** Increases with each write, so that no body ever repeats: version tokens may be derived from the content. */
  revision: z.int().min(0),
  /** By artifact file name: since when it has been unnamed, in seconds, and whether it may be deleted now. */
  artifacts: z.record(z.string(), z.strictObject({ since: z.int().min(0), condemned: z.boolean() })),
});

export type Tombstones = z.infer<typeof tombstonesFormat>;

/**
 * Removes an artifact from the tombstones, so that it may be named again.
 * @param fileName the last segment of its key
 * @returns `safe` when no collector will delete it, `condemned` when one may be deleting it now
 * @throws CairnError `unavailable` when the store does not answer; `corrupt` when the list cannot be read
 */
export async function rescueFromTombstones(
  store: ObjectStore,
  id: RepositoryPlace,
  fileName: string,
  signal?: AbortSignal,
): Promise<'safe' | 'condemned'> {
  const options = signal === undefined ? {} : { signal };
  let last: PutOutcome | undefined;
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
    // The next read shows the result: an unknown outcome is resolved by reading the list again.
    last = await store.put(tombstonesKey(id), body, { mode: 'replace', version: found.version }, options);
  }
  if (last?.outcome === 'unknown') {
    throw becauseOf('unavailable', 'the object store did not accept a list of artifacts', last.cause);
  }
  throw new CairnError(
    'unavailable',
    `the tombstones of ${tombstonesKey(id)} keep being changed by others, try again`,
  );
}

function parseTombstones(bytes: Buffer, id: RepositoryPlace): Tombstones {
  try {
    return tombstonesFormat.parse(JSON.parse(bytes.toString('utf8')));
  } catch (error) {
    throw new CairnError('corrupt', `${tombstonesKey(id)} cannot be read`, { cause: error });
  }
}

/**
 * Removes the artifacts of a withdrawn repository, except its manifests, which are its history. The pointer is never
 * deleted. An artifact first goes onto the tombstones, is condemned later, and only then deleted. A publisher that
 * reuses it in between removes it from the tombstones.
 *
 * A delete may take effect long after it was sent: its answer may be lost, or another server may do the same work. So
 * only names are deleted that are never used again: those of the withdrawn generation and of earlier ones. When the
 * repository is announced again, it stores everything under names of a new generation, even equal bytes.
 *
 * These names alone keep a late delete from what lives. The day on the tombstones and the looks at the pointer between deletes
 * are belt and braces: should two servers ever disagree about the generation, nothing is deleted at once, and deleting ends as soon
 * as the repository is announced again.
 */
import type { Clock } from '../lib/clock.ts';
import { concurrently } from '../lib/concurrently.ts';
import type { Digest } from '../lib/digest.ts';
import type { Random } from '../lib/random.ts';
import type { ObjectStorePair } from '../object-store/object-store.ts';
import { artifactsPrefix, generationOfFile, tombstonesKey } from './keys.ts';
import type { Manifest } from './manifest.ts';
import { type RecordPlace, updateRecord } from './records/shared-record.ts';
import { type Tombstones, tombstonesFormat } from './records/tombstones.ts';
import type { Repository } from './repository.ts';

export interface RemovalContext {
  readonly stores: ObjectStorePair;
  readonly clock: Clock;
  readonly random: Random;
}

/** Seconds that an artifact is on the tombstones before it is condemned; longer than any publish takes. */
const WATCHED = 24 * 60 * 60;
/** Artifacts per call. */
const AT_ONCE = 1_000;
/** Artifacts deleted between two reads of the pointer. */
const CHUNK = 50;

/** What a removal needs of a repository of any kind. */
type WithdrawnRepository = Pick<Repository<Manifest>, 'id' | 'resolve'>;

/**
 * Does the next part of the removal of a withdrawn repository's artifacts.
 * @param condemn whether the grace period is over; before that, artifacts only go onto the tombstones
 * @returns true when nothing is left to remove, or nothing may be removed because the repository is not withdrawn
 * @throws CairnError when the store fails; calling again continues
 */
export async function removeArtifacts(
  context: RemovalContext,
  repository: WithdrawnRepository,
  condemn: boolean,
  signal: AbortSignal,
): Promise<boolean> {
  const withdrawn = await withdrawnAs(repository);
  if (withdrawn === undefined) return true;
  const files = await listArtifacts(context, repository, withdrawn.generation, signal);
  if (files.length === 0) return true;
  const { clock } = context;
  const now = Math.floor(clock.now() / 1000);
  const tombstones = await updateRecord(placeOf(context, repository), (current) => {
    const artifacts = { ...current?.artifacts };
    let changed = false;
    for (const file of files) {
      const entry = artifacts[file];
      const ripe = condemn && entry?.condemned === false && entry.since + WATCHED <= now;
      if (entry !== undefined && !ripe) continue;
      artifacts[file] = { since: entry?.since ?? now, condemned: ripe };
      changed = true;
    }
    return changed ? { artifacts } : undefined;
  });
  const condemned = files.filter((file) => tombstones?.artifacts[file]?.condemned === true);
  for (let at = 0; at < condemned.length; at += CHUNK) {
    signal.throwIfAborted();
    // If it was announced again, its new artifacts have other names, and there is no hurry.
    if ((await withdrawnAs(repository))?.digest !== withdrawn.digest) return false;
    await deleteArtifacts(context, repository, condemned.slice(at, at + CHUNK));
  }
  return false;
}

interface Withdrawn {
  /** Of the manifest that withdraws it. */
  readonly digest: Digest;
  readonly generation: number;
}

/** The withdrawal of the repository; undefined when it is not withdrawn. */
async function withdrawnAs(repository: WithdrawnRepository): Promise<Withdrawn | undefined> {
  const state = await repository.resolve();
  if (state?.manifest.lifecycle !== 'withdrawn') return undefined;
  return { digest: state.digest, generation: state.manifest.generation ?? 0 };
}

/** The files of a generation and of earlier ones. */
async function listArtifacts(
  context: RemovalContext,
  repository: WithdrawnRepository,
  generation: number,
  signal: AbortSignal,
): Promise<string[]> {
  const prefix = artifactsPrefix(repository.id);
  const files: string[] = [];
  for await (const { key } of context.stores.bulk.list(prefix, { signal })) {
    const file = key.slice(prefix.length);
    // Later generations were stored by servers that saw the repository announced again.
    if (!file.endsWith('.json') && generationOfFile(file) <= generation) files.push(file);
    if (files.length === AT_ONCE) break;
  }
  return files;
}

async function deleteArtifacts(
  context: RemovalContext,
  repository: WithdrawnRepository,
  files: readonly string[],
): Promise<void> {
  const prefix = artifactsPrefix(repository.id);
  await concurrently(files, 8, (file) => context.stores.bulk.delete(`${prefix}${file}`));
  await updateRecord(placeOf(context, repository), (current) => {
    const artifacts = { ...current?.artifacts };
    for (const file of files) delete artifacts[file];
    return current === undefined ? undefined : { artifacts };
  });
}

function placeOf(context: RemovalContext, repository: WithdrawnRepository): RecordPlace<Tombstones> {
  const { stores, clock, random } = context;
  const key = tombstonesKey(repository.id);
  return { store: stores.control, key, format: tombstonesFormat, clock, random };
}

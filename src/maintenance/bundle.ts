/**
 * Bundles: the folded pack of a repository with a header in front, as one object. A client can fetch it directly from
 * the store before it fetches the rest.
 */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { cloneWants, encodeBundleHeader, isCloned, wantSetDigest } from '../git/index.ts';
import type { Clock } from '../lib/clock.ts';
import type { Digest } from '../lib/digest.ts';
import { CairnError } from '../lib/errors.ts';
import type { Random } from '../lib/random.ts';
import { openTemporaryFolder } from '../lib/temporary-folder.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { type ArtifactStore, damagedArtifact } from '../repository/artifact-store.ts';
import type { GitManifest, PackEntry, PublishedGitState } from '../repository/git/git-manifest.ts';
import type { GitRepository } from '../repository/git/git-repository.ts';
import {
  type BundleRecord,
  readBundleRecord,
  writeBundleRecord,
} from '../repository/records/bundle-record.ts';
import { history } from './history.ts';

export interface BundleContext {
  readonly artifacts: ArtifactStore;
  readonly control: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  /** Aborted when the bundle is no longer wanted. */
  readonly signal: AbortSignal;
}

export interface MadeBundle {
  readonly record: BundleRecord;
  readonly objects: number;
  /** False when this pack already had a bundle. */
  readonly made: boolean;
}

/** How many states back the refs of a fold are searched; the next fold comes long before. */
const MOST_STATES = 1_000;

/**
 * Creates a bundle of a repository's folded pack, and makes it the one that clients are told about. It does not
 * contain later pushes: clients fetch those as usual. The manifest does not name it, because no reader of the
 * repository needs it.
 * @throws CairnError `not-found`; `conflict` when the repository is not folded; `unavailable`, `corrupt`
 */
export async function makeBundle(context: BundleContext, repository: GitRepository): Promise<MadeBundle> {
  const { control } = context;
  const { id } = repository;
  const state = await repository.resolve();
  if (state === undefined || state.manifest.lifecycle === 'withdrawn') {
    throw new CairnError('not-found', `there is no repository ${repository}`);
  }
  const { incarnation, packs } = state.manifest;
  const entry = packs.find(({ kind, tips }) => kind === 'fold' && tips !== undefined);
  if (entry?.tips === undefined) throw notFolded(repository);
  const before = await readBundleRecord(control, id);
  if (before?.pack === entry.pack.digest && before.incarnation === incarnation) {
    return { record: before, objects: entry.objects, made: false };
  }
  const base = await foldedState(repository, state, entry.tips);
  await using folder = await openTemporaryFolder('bundle');
  const bundle = await store(context, repository, base, entry, join(folder.path, 'bundle'));
  const record = { bundle, incarnation, pack: entry.pack.digest };
  await writeBundleRecord(context, id, record);
  return { record, objects: entry.objects, made: true };
}

/** The state whose branches and tags the fold packed. The refs may have moved since. */
async function foldedState(
  repository: GitRepository,
  from: PublishedGitState,
  tips: Digest,
): Promise<GitManifest> {
  let looked = 0;
  for await (const { manifest } of history(repository, from)) {
    if (wantSetDigest(cloneWants(manifest.refs)) === tips) return manifest;
    if (++looked === MOST_STATES) break;
  }
  throw notFolded(repository);
}

function notFolded(repository: GitRepository): CairnError {
  return new CairnError(
    'conflict',
    `${repository} has no folded pack for a bundle; "cairn fold ${repository}" creates one`,
  );
}

async function store(
  { artifacts, signal }: BundleContext,
  { id }: GitRepository,
  base: GitManifest,
  { pack }: PackEntry,
  path: string,
): Promise<BundleRecord['bundle']> {
  const header = encodeBundleHeader(base.objectFormat, bundledRefs(base));
  const [bundleHash, packHash] = [createHash('sha256').update(header), createHash('sha256')];
  const file = await open(path, 'wx');
  try {
    await file.writeFile(header);
    const { body } = await artifacts.open(id, 'pack', pack, { signal });
    try {
      for await (const chunk of body as AsyncIterable<Buffer>) {
        bundleHash.update(chunk);
        packHash.update(chunk);
        await file.writeFile(chunk);
      }
    } finally {
      body.destroy();
    }
  } finally {
    await file.close();
  }
  if (packHash.digest('hex') !== pack.digest) {
    throw damagedArtifact(id, { ...pack, kind: 'pack' }, 'its bytes do not match its digest');
  }
  const length = header.length + pack.size;
  return artifacts.put(
    id,
    'bundle',
    bundleHash.digest('hex'),
    { path, offset: 0, length },
    {
      generation: base.generation,
      signal,
    },
  );
}

/** Branches and tags, and HEAD for clients that clone the bundle itself. */
function* bundledRefs({ refs, head }: GitManifest): Generator<readonly [string, string]> {
  for (const ref of refs) {
    if (isCloned(ref[0])) yield ref;
  }
  const tip = refs.get(head);
  if (tip !== undefined) yield ['HEAD', tip];
}

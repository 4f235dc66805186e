import { inSuitableForm, RefTable, SegmentSlot, tableOf } from '../git/index.ts';
import { allSettledOrThrow } from '../lib/all-settled-or-throw.ts';
import { cooperate } from '../lib/cooperative.ts';
import { type Digest, sha256 } from '../lib/digest.ts';
import { CairnError, publicError } from '../lib/errors.ts';
import { SingleFlight } from '../lib/single-flight.ts';
import type { ArtifactStore } from './artifact-store.ts';
import type { GitCause, GitManifest } from './git/git-manifest.ts';
import {
  decodeManifest,
  encodeManifest,
  MAX_MANIFEST_BYTES,
  type StoredRefs,
} from './git/git-manifest-codec.ts';
import { RefSegments } from './git/ref-segments.ts';
import { artifactKey, repositoryPrefix } from './keys.ts';
import { ManifestMemory } from './manifest-memory.ts';
import type { RepositoryPlace } from './repository-id.ts';

/** Bytes of manifests, and of the segments of refs that they name, kept in memory. */
const MEMORY_BUDGET = 128 * 1024 * 1024;

/** Names of refs that one cause lists at most: a withdrawal of a million refs need not name each of them. */
const MOST_NAMED = 5_000;

/**
 * Which refs are here once a manifest has been loaded: all of them, or none but those that somebody loaded before, to be
 * asked for with `RefTable.ready`.
 */
export type RefsLoaded = 'all' | 'on-demand';

/** Manifests by digest: written as artifacts, read with their digest verified, the recent ones kept decoded. */
export class ManifestStore {
  private readonly artifacts: ArtifactStore;
  private readonly segments: RefSegments;
  private readonly recent = new ManifestMemory(MEMORY_BUDGET);
  private readonly loading = new SingleFlight<Digest, GitManifest>();

  constructor(artifacts: ArtifactStore) {
    this.artifacts = artifacts;
    this.segments = new RefSegments(artifacts);
  }

  /**
   * Loads a manifest.
   * @throws CairnError `corrupt` naming the artifact when it is missing or damaged; `unavailable` when the store fails
   */
  async load(id: RepositoryPlace, digest: Digest, refs: RefsLoaded = 'all'): Promise<GitManifest> {
    const manifest = this.recent.get(digest) ?? (await this.loading.run(digest, () => this.read(id, digest)));
    const table = refs === 'all' ? tableOf(manifest.refs) : undefined;
    await table?.ready();
    if (table?.isSound === false) {
      const name = artifactKey(id, { digest, kind: 'json' });
      throw publicError('corrupt', `the manifest ${name} is damaged: refs.count is not the number of refs`);
    }
    return manifest;
  }

  private async read(id: RepositoryPlace, digest: Digest): Promise<GitManifest> {
    const bytes = await this.artifacts.read(id, 'json', digest, MAX_MANIFEST_BYTES);
    const name = artifactKey(id, { digest, kind: 'json' });
    const manifest = decodeManifest(bytes, name, (stored) => this.openTable(id, stored));
    this.recent.set(digest, manifest, bytes.length, repositoryPrefix(id));
    return manifest;
  }

  private openTable(id: RepositoryPlace, { format, segments, overlay, size }: StoredRefs): RefTable {
    const slots = segments.map((summary) => {
      const slot = this.recent.slot(repositoryPrefix(id), summary) ?? new SegmentSlot(summary);
      this.segments.note(id, slot);
      return slot;
    });
    return new RefTable(format, { slots, overlay, size }, (missing) =>
      this.segments.load(id, missing, format),
    );
  }

  /**
   * Encodes a manifest and names it; nothing is written. Refs go into segments, or back into the manifest itself, by their
   * number, which the version tells.
   */
  async encode(manifest: GitManifest): Promise<EncodedManifest> {
    const { refs, peeled } = await cooperate(inSuitableForm(manifest, manifest.objectFormat));
    const version = tableOf(refs) === undefined ? 1 : 2;
    const causes = manifest.causes.map(withFewNames);
    return encoded({ ...manifest, version, refs, peeled, causes });
  }

  /**
   * Makes a manifest durable, with the segments of refs that are not stored yet. It means nothing until a pointer names it.
   * @returns what was written: another manifest than was given if copies of segments had to be stored
   */
  async write(id: RepositoryPlace, given: EncodedManifest): Promise<EncodedManifest> {
    const table = tableOf(given.manifest.refs);
    if (table === undefined) return this.writeOne(id, given);
    const [copies] = await allSettledOrThrow([
      this.segments.write(id, table, given.manifest.generation),
      this.writeOne(id, given),
    ]);
    if (copies.size === 0) return given;
    const { slots, refs, peeled } = table.withCopies(copies);
    for (const slot of slots) this.segments.note(id, slot);
    return this.writeOne(id, encoded({ ...given.manifest, refs, peeled }));
  }

  private async writeOne(id: RepositoryPlace, given: EncodedManifest): Promise<EncodedManifest> {
    const { n } = await this.artifacts.put(id, 'json', given.digest, given.bytes);
    // A pointer names a manifest by digest alone, so another copy would never be found.
    if (n !== undefined) throw new CairnError('busy', 'an equal manifest is being collected, try again');
    this.recent.set(given.digest, given.manifest, given.bytes.length, repositoryPrefix(id));
    return given;
  }
}

export interface EncodedManifest {
  readonly manifest: GitManifest;
  readonly bytes: Buffer;
  readonly digest: Digest;
}

function encoded(manifest: GitManifest): EncodedManifest {
  const bytes = encodeManifest(manifest);
  return { manifest, bytes, digest: sha256(bytes) };
}

function withFewNames(cause: GitCause): GitCause {
  return cause.refs.length <= MOST_NAMED ? cause : { ...cause, refs: cause.refs.slice(0, MOST_NAMED) };
}

import { type Digest, sha256 } from '../lib/digest.ts';
import { CairnError } from '../lib/errors.ts';
import { LruMap } from '../lib/lru.ts';
import { SingleFlight } from '../lib/single-flight.ts';
import type { ArtifactStore } from './artifact-store.ts';
import { artifactKey } from './keys.ts';
import type { Manifest } from './manifest.ts';
import { decodeManifest, encodeManifest, MAX_MANIFEST_BYTES } from './manifest-codec.ts';
import type { RepositoryPlace } from './repository-id.ts';

/** JSON bytes of manifests kept in memory. */
const MEMORY_BUDGET = 64 * 1024 * 1024;

/** Manifests by digest: written as artifacts, read with their digest verified, the recent ones kept decoded. */
export class ManifestStore {
  private readonly artifacts: ArtifactStore;
  private readonly recent = new LruMap<Digest, Manifest>(MEMORY_BUDGET);
  private readonly loading = new SingleFlight<Digest, Manifest>();

  constructor(artifacts: ArtifactStore) {
    this.artifacts = artifacts;
  }

  /**
   * Loads a manifest.
   * @throws CairnError `corrupt` naming the artifact when it is missing or damaged; `unavailable` when the store fails
   */
  async load(id: RepositoryPlace, digest: Digest): Promise<Manifest> {
    const known = this.recent.get(digest);
    if (known !== undefined) return known;
    return this.loading.run(digest, async () => {
      const bytes = await this.artifacts.read(id, 'json', digest, MAX_MANIFEST_BYTES);
      const manifest = decodeManifest(bytes, artifactKey(id, { digest, kind: 'json' }));
      this.recent.set(digest, manifest, bytes.length);
      return manifest;
    });
  }

  /** Encodes a manifest and names it; nothing is written. */
  encode(manifest: Manifest): EncodedManifest {
    const bytes = encodeManifest(manifest);
    return { manifest, bytes, digest: sha256(bytes) };
  }

  /** Makes a manifest durable. It means nothing until a pointer names it. */
  async write(id: RepositoryPlace, encoded: EncodedManifest): Promise<void> {
    const { n } = await this.artifacts.put(id, 'json', encoded.digest, encoded.bytes);
    // A pointer names a manifest by digest alone, so another copy would never be found.
    if (n !== undefined) throw new CairnError('busy', 'an equal manifest is being collected, try again');
    this.recent.set(encoded.digest, encoded.manifest, encoded.bytes.length);
  }
}

export interface EncodedManifest {
  readonly manifest: Manifest;
  readonly bytes: Buffer;
  readonly digest: Digest;
}

import { allSettledOrThrow } from '../lib/all-settled-or-throw.ts';
import { type Digest, sha256 } from '../lib/digest.ts';
import { CairnError } from '../lib/errors.ts';
import { LruMap } from '../lib/lru.ts';
import { SingleFlight } from '../lib/single-flight.ts';
import type { ArtifactStore } from './artifact-store.ts';
import { artifactKey } from './keys.ts';
import type { Manifest } from './manifest.ts';
import { MAX_MANIFEST_BYTES } from './manifest-codec.ts';
import type { ManifestBytes, ManifestFormat } from './manifest-format.ts';
import { ManifestMemory } from './manifest-memory.ts';
import { OtherKindError } from './other-kind.ts';
import type { RepositoryPlace } from './repository-id.ts';
import type { RepositoryKind } from './repository-kind.ts';

/** Bytes of manifests, and of the parts beside them, in memory. */
const MEMORY_BUDGET = 128 * 1024 * 1024;

/** Manifests of other kinds that are remembered. */
const OTHERS_REMEMBERED = 1_000;

/**
 * The parts beside a manifest that are in memory after a load: all, or only those already loaded. The parts of git
 * are ref segments, which `RefTable.ready` loads.
 */
export type PartsLoaded = 'all' | 'on-demand';

/** Manifests by digest: written as artifacts, verified on read. The recently used ones are kept decoded. */
export class ManifestStore<M extends Manifest> {
  /** The kind of the repositories whose manifests these are. */
  readonly kind: RepositoryKind<M>;
  private readonly artifacts: ArtifactStore;
  private readonly format: ManifestFormat<M>;
  private readonly recent: ManifestMemory<M>;
  /** By key in the store, like everything here: one repository may lack a manifest that another one has. */
  private readonly loading = new SingleFlight<string, M>();
  /** Manifests known to be of another kind, so that they are not read again. */
  private readonly others = new LruMap<string, OtherKindError>(OTHERS_REMEMBERED);

  constructor(artifacts: ArtifactStore, kind: RepositoryKind<M>) {
    this.kind = kind;
    this.artifacts = artifacts;
    this.format = kind.format(artifacts);
    this.recent = new ManifestMemory(MEMORY_BUDGET, this.format.parts);
  }

  /**
   * Loads a manifest.
   * @throws OtherKindError when it is of another kind of repository
   * @throws CairnError `corrupt` naming the artifact when it is missing or damaged; `unavailable` when the store fails
   */
  async load(id: RepositoryPlace, digest: Digest, parts: PartsLoaded = 'all'): Promise<M> {
    const key = keyOf(id, digest);
    const load = () => this.loading.run(key, () => this.read(id, digest, key));
    const manifest = this.recent.get(key) ?? (await load());
    if (parts === 'all') await this.format.parts?.load(manifest, () => key);
    return manifest;
  }

  private async read(id: RepositoryPlace, digest: Digest, key: string): Promise<M> {
    const known = this.others.get(key);
    if (known !== undefined) throw known;
    const bytes = await this.artifacts.read(id, 'json', digest, MAX_MANIFEST_BYTES);
    try {
      const manifest = this.format.decode(id, bytes, key);
      this.recent.set(id, key, manifest, bytes.length);
      return manifest;
    } catch (error) {
      if (error instanceof OtherKindError) this.others.set(key, error, 1);
      throw error;
    }
  }

  /** Encodes a manifest and computes its digest, without writing. @throws as {@link ManifestFormat.encode} */
  async encode(manifest: M): Promise<EncodedManifest<M>> {
    return named(await this.format.encode(manifest));
  }

  /**
   * Makes a manifest durable, with those parts beside it that are not stored yet. It has no effect until a pointer
   * names it.
   * @returns the manifest written, which differs from the given one if copies of parts had to be stored
   */
  async write(id: RepositoryPlace, given: EncodedManifest<M>): Promise<EncodedManifest<M>> {
    const { parts } = this.format;
    if (parts === undefined) return this.writeOne(id, given);
    const [renamed] = await allSettledOrThrow([parts.write(id, given.manifest), this.writeOne(id, given)]);
    return renamed === undefined ? given : this.writeOne(id, named(renamed));
  }

  private async writeOne(id: RepositoryPlace, given: EncodedManifest<M>): Promise<EncodedManifest<M>> {
    const { n } = await this.artifacts.put(id, 'json', given.digest, given.bytes);
    // A pointer names a manifest by digest alone, so another copy would never be found.
    if (n !== undefined) throw new CairnError('busy', 'an equal manifest is being collected, try again');
    this.recent.set(id, keyOf(id, given.digest), given.manifest, given.bytes.length);
    return given;
  }
}

export interface EncodedManifest<M extends Manifest> extends ManifestBytes<M> {
  readonly digest: Digest;
}

function named<M extends Manifest>({ manifest, bytes }: ManifestBytes<M>): EncodedManifest<M> {
  return { manifest, bytes, digest: sha256(bytes) };
}

function keyOf(id: RepositoryPlace, digest: Digest): string {
  return artifactKey(id, { digest, kind: 'json' });
}

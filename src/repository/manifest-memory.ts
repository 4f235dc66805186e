import type { Digest } from '../lib/digest.ts';
import type { Manifest } from './manifest.ts';
import type { ManifestParts } from './manifest-format.ts';
import type { RepositoryPlace } from './repository-id.ts';

interface Remembered<M> {
  readonly manifest: M;
  /** Bytes of the manifest itself. */
  readonly size: number;
}

/**
 * The recently used manifests, within a budget of bytes. Parts beside manifests count once, even if many manifests
 * name them: a part that was loaded for one manifest is loaded for all.
 */
export class ManifestMemory<M extends Manifest> {
  private readonly budget: number;
  private readonly parts: Pick<ManifestParts<M>, 'remembered' | 'forgotten'> | undefined;
  private readonly manifests = new Map<Digest, Remembered<M>>();
  private total = 0;

  constructor(budget: number, parts: Pick<ManifestParts<M>, 'remembered' | 'forgotten'> | undefined) {
    this.budget = budget;
    this.parts = parts;
  }

  get(digest: Digest): M | undefined {
    const known = this.manifests.get(digest);
    if (known === undefined) return undefined;
    this.manifests.delete(digest);
    this.manifests.set(digest, known);
    return known.manifest;
  }

  /** @param id of the repository that the manifest is of */
  set(id: RepositoryPlace, digest: Digest, manifest: M, size: number): void {
    if (this.get(digest) !== undefined) return;
    this.manifests.set(digest, { manifest, size });
    this.total += size + (this.parts?.remembered(id, manifest) ?? 0);
    for (const [oldest, known] of this.manifests) {
      if (this.total <= this.budget || oldest === digest) return;
      this.manifests.delete(oldest);
      this.total -= known.size + (this.parts?.forgotten(known.manifest) ?? 0);
    }
  }
}

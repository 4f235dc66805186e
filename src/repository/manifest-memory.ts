import type { Manifest } from './manifest.ts';
import type { ManifestParts } from './manifest-format.ts';
import type { RepositoryPlace } from './repository-id.ts';

interface Remembered<M> {
  readonly id: RepositoryPlace;
  readonly manifest: M;
  /** Bytes of the manifest itself. */
  readonly size: number;
}

/**
 * The recently used manifests, within a budget of bytes. Parts beside manifests count once, even if many manifests
 * name them: a part that was loaded for one manifest is loaded for all.
 *
 * They are remembered by key in the store, not by digest. Somebody who copies objects in the bucket makes repositories with equal
 * manifests. Each must be read from its own objects: damage in one is not damage in the other.
 */
export class ManifestMemory<M extends Manifest> {
  private readonly budget: number;
  private readonly parts: Pick<ManifestParts<M>, 'remembered' | 'forgotten'> | undefined;
  private readonly manifests = new Map<string, Remembered<M>>();
  private total = 0;

  constructor(budget: number, parts: Pick<ManifestParts<M>, 'remembered' | 'forgotten'> | undefined) {
    this.budget = budget;
    this.parts = parts;
  }

  /** @param key of the manifest in the store */
  get(key: string): M | undefined {
    const known = this.manifests.get(key);
    if (known === undefined) return undefined;
    this.manifests.delete(key);
    this.manifests.set(key, known);
    return known.manifest;
  }

  /** @param id of the repository that the manifest is of */
  set(id: RepositoryPlace, key: string, manifest: M, size: number): void {
    if (this.get(key) !== undefined) return;
    this.manifests.set(key, { id, manifest, size });
    this.total += size + (this.parts?.remembered(id, manifest) ?? 0);
    for (const [oldest, known] of this.manifests) {
      if (this.total <= this.budget || oldest === key) return;
      this.manifests.delete(oldest);
      this.total -= known.size + (this.parts?.forgotten(known.id, known.manifest) ?? 0);
    }
  }
}

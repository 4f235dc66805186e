import type { Manifest } from './manifest.ts';
import type { RepositoryPlace } from './repository-id.ts';

/** A manifest and its bytes. */
export interface ManifestBytes<M extends Manifest> {
  readonly manifest: M;
  readonly bytes: Buffer;
}

/** How manifests of a kind are stored. Their bytes are for good: what is in buckets has to be read for ever. */
export interface ManifestFormat<M extends Manifest> {
  /**
   * Puts a manifest into the form in which it is stored, and encodes it.
   * @throws CairnError `too-large` above `MAX_MANIFEST_BYTES`; `invalid` when it does not follow the format
   */
  encode(manifest: M): Promise<ManifestBytes<M>>;
  /**
   * Reads a manifest whose digest has been checked.
   * @param name how to name it in an error
   * @throws CairnError `corrupt` when it does not follow the format to the letter
   */
  decode(id: RepositoryPlace, bytes: Buffer, name: string): M;
  /** Left out where a manifest says all by itself. */
  readonly parts?: ManifestParts<M>;
}

/**
 * What is too large to be in the manifest itself: artifacts that are read with it and written with it. Of git, segments of refs
 * where there are very many.
 */
export interface ManifestParts<M extends Manifest> {
  /**
   * Loads the parts of a manifest that are not loaded yet.
   * @param name says how to name the manifest in an error
   * @throws CairnError `corrupt` when one is missing or damaged, or they contradict the manifest; `unavailable`
   */
  load(manifest: M, name: () => string): Promise<void>;
  /**
   * Makes the parts durable that are not.
   * @returns the manifest that names the copies which were stored, encoded; undefined when these are what it names already
   */
  write(id: RepositoryPlace, manifest: M): Promise<ManifestBytes<M> | undefined>;
  /** Told that a manifest is remembered. @returns bytes of its parts that no other remembered manifest names */
  remembered(id: RepositoryPlace, manifest: M): number;
  /** Told that a manifest is forgotten. @returns bytes of its parts that no remembered manifest names any more */
  forgotten(manifest: M): number;
}

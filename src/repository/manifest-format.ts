import type { Manifest } from './manifest.ts';
import type { RepositoryPlace } from './repository-id.ts';

/** A manifest and its bytes. */
export interface ManifestBytes<M extends Manifest> {
  readonly manifest: M;
  readonly bytes: Buffer;
}

/** The stored form of the manifests of a kind. It can never change: manifests in buckets must stay readable. */
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
  /** Absent if a manifest has no parts outside itself. */
  readonly parts?: ManifestParts<M>;
}

/**
 * The parts that are too large for the manifest itself: artifacts that are read and written with it. For git: ref
 * segments, if there are very many refs.
 */
export interface ManifestParts<M extends Manifest> {
  /**
   * Loads the parts of a manifest that are not loaded yet.
   * @param name says how to name the manifest in an error
   * @throws CairnError `corrupt` when one is missing or damaged, or they contradict the manifest; `unavailable`
   */
  load(manifest: M, name: () => string): Promise<void>;
  /**
   * Makes the missing parts durable.
   * @returns the manifest that names the stored copies, encoded; undefined if it already names them
   */
  write(id: RepositoryPlace, manifest: M): Promise<ManifestBytes<M> | undefined>;
  /** Called when a manifest is remembered. @returns bytes of its parts that no other remembered manifest names */
  remembered(id: RepositoryPlace, manifest: M): number;
  /** Called when a manifest is forgotten. @returns bytes of its parts that no remembered manifest names any more */
  forgotten(id: RepositoryPlace, manifest: M): number;
}

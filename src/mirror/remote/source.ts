import type { Head, ListedRefs, ObjectFormat, PackRequest } from '../../git/index.ts';

/** Refs and capabilities of a source. */
export interface SourceListing extends ListedRefs {
  readonly objectFormat: ObjectFormat;
  /** The version that was negotiated; undefined where none is spoken (a bundle). */
  readonly protocol: 0 | 1 | 2 | undefined;
  /** For people: as the remote sent them, without control sequences and secrets. */
  readonly capabilities: readonly string[];
  /** True when it sends packs without trees and blobs. */
  readonly canFilter: boolean;
  /** True when it sends the history up to any commit, whatever its protocol and capabilities say. */
  readonly sendsAny?: boolean;
}

export type { Head };

export interface FetchOptions {
  readonly signal: AbortSignal;
  /** Gets what the remote tells people, without control characters. */
  readonly onMessage?: (text: string) => void;
}

/** A repository that packs are fetched from. Errors are those of `Connection`. */
export interface Source extends AsyncDisposable {
  /** The refs as they were listed last. */
  readonly listing: SourceListing;
  /** Lists the refs again. */
  relist(signal: AbortSignal): Promise<SourceListing>;
  /**
   * Fetches one pack. It holds all that the wants reach and the haves do not, and needs no other objects to be read.
   * @returns the bytes of the pack. A caller that does not read them to the end must end the iteration, which aborts the transfer
   * @throws CairnError `conflict` when the source no longer has an object that is wanted
   */
  fetch(request: PackRequest, options: FetchOptions): Promise<AsyncIterable<Buffer>>;
}

import type { FillingFile } from './filling-file.ts';

/** The bytes of one artifact, which may still be on their way here. */
export interface ArtifactStream {
  /** Bytes. */
  readonly size: number;
  /**
   * Bytes [from, to) in order, each as soon as it is here; `to` is at most `size`. May be called several times.
   * @throws CairnError `corrupt` or `unavailable`, as {@link verified}
   */
  bytes(from: number, to: number): AsyncIterable<Buffer>;
  /**
   * Resolves when the whole artifact is here and its SHA-256 is what its name says. Bytes that were read before
   * prove nothing: whoever passes them on keeps their end back until then.
   * Rejects with CairnError `corrupt` when it is not, `unavailable` when store or disk fail.
   */
  readonly verified: Promise<void>;
  /** Lets go of it. The download, if there still is one, goes on. */
  release(): void;
}

/** A file as a stream. @param letGo called once, on release */
export function streamOf(file: FillingFile, verified: Promise<void>, letGo: () => void): ArtifactStream {
  let held = true;
  return {
    size: file.size,
    bytes: (from, to) => file.bytes(from, to),
    verified,
    release: () => {
      if (held) letGo();
      held = false;
    },
  };
}

import type { FillingFile } from './filling-file.ts';

/** The bytes of one artifact, which may still be downloading. */
export interface ArtifactStream {
  /** Bytes. */
  readonly size: number;
  /**
   * Bytes [from, to) in order, each as soon as it has arrived; `to` is at most `size`. May be called several times.
   * @throws CairnError `corrupt` or `unavailable`, as {@link verified}
   */
  bytes(from: number, to: number): AsyncIterable<Buffer>;
  /**
   * Resolves when the whole artifact has arrived and its SHA-256 matches its name. Earlier bytes are not verified: a
   * reader that passes them on must hold back the last ones until then. Rejects with CairnError `corrupt` when it
   * does not match, `unavailable` when store or disk fail.
   */
  readonly verified: Promise<void>;
  /** Releases the artifact. A running download continues. */
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

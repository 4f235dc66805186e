import type { FillingFile } from './filling-file.ts';

/** The bytes of one artifact, which may still be downloading. */
export interface ArtifactStream {
  /** Bytes. */
  readonly size: number;
  /**
   * Reads bytes of [from, to) as soon as the first of them has arrived; `to` is more than `from`, and at most `size`.
   * @param places where they go, filled in order
   * @returns how many were read: at least one
   * @throws CairnError `corrupt` or `unavailable`, as {@link verified}
   */
  read(places: readonly Buffer[], from: number, to: number): Promise<number>;
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
    read: (places, from, to) => file.read(places, from, to),
    verified,
    release: () => {
      if (held) letGo();
      held = false;
    },
  };
}

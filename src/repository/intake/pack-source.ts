/**
 * Bytes that a pack is read from, piece by piece, to their end: the rest of a request, what another git process writes, a download.
 * `ChunkSource` makes one of any stream.
 */
export interface PackSource {
  /** The next bytes, or undefined at the end. @throws whatever the source throws when it breaks off */
  next(): Promise<Buffer | undefined>;
  /** Gives bytes back. They are read again first. */
  unread(chunk: Buffer): void;
  /** Reads and drops what is left. @throws as `next` */
  drain(): Promise<void>;
}

import type { ArtifactStream } from '../../src/repository/cache/artifact-stream.ts';

/** Bytes read at once: as many as a fetch reads. */
const AT_ONCE = 256 * 1024;

/** Bytes [from, to) of an artifact in order, each piece as soon as it has arrived. */
export async function* artifactBytes(
  stream: ArtifactStream,
  from = 0,
  to = stream.size,
): AsyncGenerator<Buffer, void, undefined> {
  for (let at = from; at < to; ) {
    const piece = Buffer.alloc(AT_ONCE);
    const length = await stream.read([piece], at, to);
    yield piece.subarray(0, length);
    at += length;
  }
}

import { deflatePayloadAside, storedPayload } from '../../fossil/compression.ts';

/**
 * A request with more artifacts that are not compressed is one of a large push. They stay as they are: after a few such requests the
 * repository is folded, and a fold makes deltas of most of them and compresses what is left.
 */
const COMPRESSED = 50;

/** Bytes of a content that is compressed when it comes, however large the push is. */
const COMPRESSED_AT_ONCE = 1 << 20;

/** Makes payloads of what came as it is. @param plain how many such artifacts the request has */
export function payloadMaker(plain: number): (content: Uint8Array) => Uint8Array | Promise<Uint8Array> {
  return plain > COMPRESSED ? storedUnlessLarge : deflatePayloadAside;
}

function storedUnlessLarge(content: Uint8Array): Uint8Array | Promise<Uint8Array> {
  return content.length < COMPRESSED_AT_ONCE ? storedPayload(content) : deflatePayloadAside(content);
}

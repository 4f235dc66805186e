import { deflatePayloadAside, storedPayload } from '../../fossil/compression.ts';
import type { IntakeLimits } from './intake-limits.ts';
import type { ReceivedArtifact } from './prepared-artifacts.ts';

/** Bytes of a content that is compressed when it comes, however large the push is. */
const COMPRESSED_AT_ONCE = 1 << 20;

/**
 * Makes payloads of what came as it is. A request with many such artifacts is one of a large push. They stay as they are: after a
 * few such requests the repository is folded, and a fold makes deltas of most of them and compresses what is left.
 * @param limits `compressed`: how many are compressed at once
 */
export function payloadMaker(
  received: readonly Pick<ReceivedArtifact, 'form'>[],
  { compressed }: Pick<IntakeLimits, 'compressed'>,
): (content: Uint8Array) => Uint8Array | Promise<Uint8Array> {
  const plain = received.filter(({ form }) => form === 'plain').length;
  return plain > compressed ? storedUnlessLarge : deflatePayloadAside;
}

function storedUnlessLarge(content: Uint8Array): Uint8Array | Promise<Uint8Array> {
  return content.length < COMPRESSED_AT_ONCE ? storedPayload(content) : deflatePayloadAside(content);
}

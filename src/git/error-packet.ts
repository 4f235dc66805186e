import { encodePacket } from './pkt-line.ts';
import { cleanReason } from './reason.ts';

/**
 * The packet that ends a conversation with a reason (gitprotocol-pack, "error-line"). git prints it as
 * `fatal: remote error: <message>`. It may stand wherever a packet is expected that is not in a side-band.
 */
export function encodeErrorPacket(message: string): Buffer {
  return encodePacket(`ERR ${cleanReason(message)}\n`);
}

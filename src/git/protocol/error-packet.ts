import { cleanReason } from '../reason.ts';
import { encodePacket } from './pkt-line.ts';

/**
 * The packet that ends a conversation with an error (gitprotocol-pack, "error-line"). git prints it as
 * `fatal: remote error: <message>`. It may be sent wherever a packet outside a side-band is expected.
 */
export function encodeErrorPacket(message: string): Buffer {
  return encodePacket(`ERR ${cleanReason(message)}\n`);
}

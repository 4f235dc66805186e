import { type AdvertisementParser, type ParsedAdvertisement, textOf } from '../../git/index.ts';
import { CairnError } from '../../lib/errors.ts';
import { saferText } from '../../outbound/safer-text.ts';
import type { PacketStream } from './packet-stream.ts';
import { redactedError } from './redacted-error.ts';

/**
 * Reads an advertisement to its flush.
 * @param redact takes secrets out of texts of the remote
 * @throws CairnError `corrupt` when it is not one, `unavailable` with the text of an error packet; what the stream throws
 */
export async function parseAdvertised(
  packets: PacketStream,
  parser: AdvertisementParser,
  redact: (text: string) => string,
): Promise<ParsedAdvertisement> {
  for (;;) {
    const packet = await packets.next();
    if (packet === undefined) {
      throw new CairnError('corrupt', 'the remote ended before it had listed its refs');
    }
    if (packet.kind === 'data' && packet.payload.toString('latin1', 0, 4) === 'ERR ') {
      throw new CairnError('unavailable', `remote: ${saferText(textOf(packet.payload).slice(4), redact)}`);
    }
    try {
      if (parser.push(packet)) return parser.result;
    } catch (error) {
      throw redactedError(error, redact);
    }
  }
}

import type { AdvertisementParser, ParsedAdvertisement } from '../../git/index.ts';
import { CairnError } from '../../lib/errors.ts';
import type { PacketStream } from './packet-stream.ts';

/**
 * Reads an advertisement to its flush.
 * @throws CairnError `corrupt` when it is not one; what the stream throws
 */
export async function parseAdvertised(
  packets: PacketStream,
  parser: AdvertisementParser,
): Promise<ParsedAdvertisement> {
  for (;;) {
    const packet = await packets.next();
    if (packet === undefined) {
      throw new CairnError('corrupt', 'the remote ended before it had listed its refs');
    }
    if (parser.push(packet)) return parser.result;
  }
}

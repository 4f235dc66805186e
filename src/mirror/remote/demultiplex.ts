import { textOf } from '../../git/index.ts';
import { CairnError } from '../../lib/errors.ts';
import type { PacketStream } from './packet-stream.ts';
import { RemoteError } from './remote-error.ts';
import { saferText } from './safer-text.ts';

const BANDS: Readonly<Record<number, 'data' | 'message' | 'error'>> = { 1: 'data', 2: 'message', 3: 'error' };

/**
 * Takes a side-band apart (gitprotocol-pack, "side-band"): gives the bytes of band 1 up to the flush, hands on the texts of band 2.
 * @param skipAcks lines `ACK …` and `NAK` come first (protocol v0 and v1)
 * @throws RemoteError `unavailable` with the text of band 3, or of an error packet; CairnError `corrupt` when the stream ends before its flush
 */
export async function* demultiplexed(
  packets: PacketStream,
  onMessage: ((text: string) => void) | undefined,
  skipAcks = false,
): AsyncGenerator<Buffer, void> {
  let isSkipping = skipAcks;
  try {
    for (;;) {
      const packet = await packets.mustNext();
      if (packet.kind === 'flush') return;
      if (packet.kind !== 'data') throw new CairnError('corrupt', `unexpected ${packet.kind} packet`);
      const { payload } = packet;
      const band = BANDS[payload[0] ?? 0];
      if (band === undefined) {
        const text = payload.toString('latin1', 0, 4);
        if (text === 'ERR ') throw remoteError(textOf(payload).slice(4));
        if (isSkipping && /^(ACK|NAK)/.test(text)) continue;
        throw new CairnError('corrupt', `unexpected packet ${JSON.stringify(saferText(text))}`);
      }
      isSkipping = false;
      const data = payload.subarray(1);
      if (band === 'error') throw remoteError(data.toString('utf8'));
      if (band === 'message') onMessage?.(data.toString('utf8'));
      else if (data.length > 0) yield data;
    }
  } finally {
    await packets.close();
  }
}

function remoteError(text: string): RemoteError {
  return new RemoteError('unavailable', `remote: ${saferText(text) || 'an error without a text'}`);
}

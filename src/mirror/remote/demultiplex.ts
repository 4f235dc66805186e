import { StringDecoder } from 'node:string_decoder';
import { textOf } from '../../git/index.ts';
import { withoutSequences } from '../../lib/control-sequences.ts';
import { CairnError } from '../../lib/errors.ts';
import { formatSize } from '../../lib/format-size.ts';
import { RemoteError } from '../../outbound/remote-error.ts';
import { saferText } from '../../outbound/safer-text.ts';
import type { PacketStream } from './packet-stream.ts';

const BANDS: Readonly<Record<number, 'data' | 'message' | 'error'>> = { 1: 'data', 2: 'message', 3: 'error' };

/** Bytes of texts, and of lines before the data, that one answer may have: hours of progress are some megabytes. */
const MOST_TEXT = 64 * 1024 * 1024;

/** Characters of a reason that are shown. */
const LONGEST_REASON = 300;

export interface DemultiplexOptions {
  /** Gets the texts of band 2: whole lines, with what ends them. */
  readonly onMessage: ((text: string) => void) | undefined;
  /** Takes secrets out of texts. */
  readonly redact: (text: string) => string;
  /** Lines `ACK …` and `NAK` come first (protocol v0 and v1). */
  readonly skipAcks?: boolean;
}

/**
 * Takes a side-band apart (gitprotocol-pack, "side-band"): gives the bytes of band 1 up to the flush, hands on the texts of band 2.
 *
 * upload-pack sends what pack-objects writes in packets of 8 KiB. Data of packets that have come together is given as one piece, since each
 * piece is a step of everything that it goes through, and a system call at its end.
 * @throws RemoteError `unavailable` with the text of band 3, or of an error packet; CairnError `corrupt` when the stream ends before its flush,
 * `too-large` for texts without end
 */
export async function* demultiplexed(
  packets: PacketStream,
  { onMessage, redact, skipAcks = false }: DemultiplexOptions,
): AsyncGenerator<Buffer, void> {
  let isSkipping = skipAcks;
  let told = 0;
  let reason: string | undefined;
  const lines = new MessageLines((text) => {
    const shown = redact(withoutSequences(text));
    reason = /^fatal: .*/m.exec(shown)?.[0].slice(0, LONGEST_REASON) ?? reason;
    onMessage?.(shown);
  });
  /** Data that has come, and was not given yet. */
  const atHand: Buffer[] = [];
  try {
    for (;;) {
      let part = packets.partAtHand();
      if (part === undefined) {
        if (atHand.length > 0) yield takeAll(atHand);
        part = await packets.mustNextPart();
      }
      const { packet, missing } = part;
      if (packet.kind === 'flush') {
        if (atHand.length > 0) yield takeAll(atHand);
        return;
      }
      if (packet.kind !== 'data') throw new CairnError('corrupt', `unexpected ${packet.kind} packet`);
      const band = BANDS[packet.payload[0] ?? 0];
      if (band === 'data') {
        isSkipping = false;
        if (packet.payload.length > 1) atHand.push(packet.payload.subarray(1));
        if (missing > 0) {
          if (atHand.length > 0) yield takeAll(atHand);
          yield* packets.missingBytes(missing);
        }
        continue;
      }
      const payload = await wholePayload(packet.payload, packets.missingBytes(missing));
      told += payload.length;
      if (told > MOST_TEXT)
        throw new CairnError('too-large', `the remote says more than ${formatSize(MOST_TEXT)} of text`);
      if (band === undefined) {
        const text = payload.toString('latin1', 0, 4);
        if (text === 'ERR ') throw remoteError(textOf(payload).slice(4), redact);
        if (isSkipping && /^(ACK|NAK)/.test(text)) continue;
        throw new CairnError('corrupt', `unexpected packet ${JSON.stringify(saferText(text, redact))}`);
      }
      isSkipping = false;
      const data = payload.subarray(1);
      if (band === 'error') throw remoteError(data.toString('utf8'), redact, reason);
      lines.push(data);
    }
  } finally {
    lines.end();
    await packets.close();
  }
}

/** All data, in one piece. @param data is empty then */
function takeAll(data: Buffer[]): Buffer {
  const [first] = data;
  const all = data.length === 1 && first !== undefined ? first : Buffer.concat(data);
  data.length = 0;
  return all;
}

async function wholePayload(begun: Buffer, missing: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts = [begun];
  for await (const part of missing) parts.push(part);
  return parts.length === 1 ? begun : Buffer.concat(parts);
}

/** Characters of a line that are waited for. */
const LONGEST_LINE = 64 * 1024;

/** Puts lines together that come in several packets, as git does: a secret could be in two of them. */
class MessageLines {
  private readonly onLines: (text: string) => void;
  private readonly decoder = new StringDecoder('utf8');
  private rest = '';

  constructor(onLines: (text: string) => void) {
    this.onLines = onLines;
  }

  push(data: Buffer): void {
    const text = this.rest + this.decoder.write(data);
    const end = Math.max(text.lastIndexOf('\n'), text.lastIndexOf('\r')) + 1;
    const whole = text.length - end > LONGEST_LINE ? text.length : end;
    this.rest = text.slice(whole);
    if (whole > 0) this.onLines(text.slice(0, whole));
  }

  end(): void {
    const rest = this.rest + this.decoder.end();
    this.rest = '';
    if (rest !== '') this.onLines(rest);
  }
}

/** @param reason what a program of the remote died of, which it only says in a message: an error of upload-pack does not tell */
function remoteError(text: string, redact: (text: string) => string, reason?: string): RemoteError {
  const because = reason === undefined ? '' : ` (${saferText(reason, redact)})`;
  const said = saferText(text, redact) || 'an error without a text';
  return new RemoteError('unavailable', `remote: ${said}${because}`);
}

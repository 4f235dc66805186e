import { type Packet, PacketReader, textOf } from '../../src/git/index.ts';

/** An answer of upload-pack, taken apart. */
export interface FetchAnswer {
  /** Everything before the pack, in order: acknowledgments, shallow commits (sorted), errors, the ends of sections. */
  readonly head: readonly string[];
  /** Undefined when there was none. */
  readonly pack: Buffer | undefined;
  readonly progress: string;
  readonly fatal: string;
  /** Payload lengths of the pack's packets: what a client with a small side-band can stand is limited. */
  readonly largestPacket: number;
  /** True when the last packet was a flush, or the pack came without packets. */
  readonly flushed: boolean;
}

/**
 * Takes an answer apart.
 * @param banded false when a v0 client asked for no side-band, and the pack comes bare
 * @throws CairnError or Error when it is cut off, or is no answer
 */
export function parseAnswer(bytes: Buffer, version: 0 | 1 | 2, banded: boolean): FetchAnswer {
  const head: string[] = [];
  const bands: Buffer[][] = [[], [], [], []];
  const packets = new PacketReader();
  packets.push(bytes);
  let inPack = false;
  let last: Packet['kind'] | undefined;
  let largestPacket = 0;
  let bare: Buffer | undefined;
  for (;;) {
    if (
      version !== 2 &&
      !banded &&
      bytes.toString('latin1', bytes.length - packets.buffered).startsWith('PACK')
    ) {
      bare = packets.takeRest();
      break;
    }
    const packet = packets.next();
    if (packet === undefined) break;
    last = packet.kind;
    if (packet.kind !== 'data') {
      if (!inPack) head.push(`(${packet.kind})`);
      continue;
    }
    const band = packet.payload[0] ?? 0;
    if (version !== 2 && banded && band >= 1 && band <= 3) inPack = true;
    if (inPack) {
      bands[band]?.push(packet.payload.subarray(1));
      if (band > 3) throw new Error(`there is no band ${band}`);
      largestPacket = Math.max(largestPacket, packet.payload.length + 4);
      continue;
    }
    const line = textOf(packet.payload);
    head.push(line);
    if (version === 2 && line === 'packfile') inPack = true;
  }
  if (packets.buffered > 0)
    throw new Error(`the answer ends with ${packets.buffered} bytes of half a packet`);
  const [, data = [], progress = [], fatal = []] = bands;
  return {
    head: sortShallow(head),
    pack: bare ?? (inPack ? Buffer.concat(data) : undefined),
    progress: Buffer.concat(progress).toString(),
    fatal: Buffer.concat(fatal).toString(),
    largestPacket,
    flushed: bare !== undefined || last === 'flush',
  };
}

/** Runs of shallow and unshallow lines have no order. */
function sortShallow(lines: readonly string[]): string[] {
  const sorted: string[] = [];
  let run: string[] = [];
  for (const line of [...lines, '']) {
    if (/^(un)?shallow /.test(line)) run.push(line);
    else {
      sorted.push(...run.sort(), line);
      run = [];
    }
  }
  return sorted.slice(0, -1);
}

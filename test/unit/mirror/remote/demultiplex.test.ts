import { describe, expect, it } from 'vitest';
import { encodePacket, flushPacket } from '../../../../src/git/protocol/pkt-line.ts';
import { demultiplexed } from '../../../../src/mirror/remote/demultiplex.ts';
import { PacketStream } from '../../../../src/mirror/remote/packet-stream.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';
import { testSeed } from '../../../helpers/test-seed.ts';

const SEED = testSeed();

/** Packets of a side-band: the data, the messages, and all of it as it comes over the wire. */
function stream(random: SeededRandom) {
  const data: Buffer[] = [];
  const lines: string[] = [];
  const packets: Buffer[] = [];
  for (let number = 0; number < 30; number++) {
    if (random.fraction() < 0.3) {
      const line = `line ${number} ${'x'.repeat(random.below(50))}\n`;
      lines.push(line);
      packets.push(encodePacket(Buffer.concat([Buffer.of(2), Buffer.from(line)])));
    } else {
      const bytes = Buffer.alloc(random.below(500), number + 1);
      data.push(bytes);
      packets.push(encodePacket(Buffer.concat([Buffer.of(1), bytes])));
    }
  }
  const wire = Buffer.concat([...packets, flushPacket]);
  return { data: Buffer.concat(data), messages: lines.join(''), wire };
}

/** Pieces of `wire`, each a copy, at random places. */
function* pieces(wire: Buffer, random: SeededRandom, longest: number): Generator<Buffer> {
  for (let at = 0; at < wire.length; ) {
    const end = Math.min(wire.length, at + 1 + random.below(longest));
    yield Buffer.from(wire.subarray(at, end));
    at = end;
  }
}

async function read(chunks: Iterable<Buffer>): Promise<{ data: Buffer; messages: string }> {
  let messages = '';
  const onMessage = (text: string) => {
    messages += text;
  };
  const source = (async function* () {
    yield* chunks;
  })();
  const parts: Buffer[] = [];
  for await (const part of demultiplexed(new PacketStream(source), { onMessage, redact: (text) => text }))
    parts.push(Buffer.from(part));
  return { data: Buffer.concat(parts), messages };
}

describe('a side-band', () => {
  it('tells what a program of the remote died of, which is a message, with the error', async () => {
    const band = (number: number, text: string) =>
      encodePacket(Buffer.concat([Buffer.of(number), Buffer.from(text)]));
    const died = [
      band(2, 'Counting objects: 1\rfatal: could not fetch abc from promisor remote\n'),
      band(2, 'hint: nothing\n'),
      band(3, 'aborting due to possible repository corruption on the remote side.'),
    ];
    await expect(read(died)).rejects.toThrow(
      'remote: aborting due to possible repository corruption on the remote side. (fatal: could not fetch abc from promisor remote)',
    );
    await expect(read([band(3, 'no')])).rejects.toThrow(/^remote: no$/);
  });

  it('ends with an error if its texts have no end', async () => {
    const packet = encodePacket(Buffer.concat([Buffer.of(2), Buffer.alloc(60_000, 'x')]));
    let sent = 0;
    const endless = (function* () {
      for (;;) {
        sent += packet.length;
        yield packet;
      }
    })();
    await expect(read(endless)).rejects.toMatchObject({ kind: 'too-large' });
    expect(sent).toBeLessThan(70 * 2 ** 20);
  });

  it(`is the same for any division of its bytes (seed ${SEED})`, async () => {
    const random = new SeededRandom(SEED);
    for (const longest of [1, 3, 10, 200, 5_000, 100_000]) {
      const { data, messages, wire } = stream(random);
      expect(await read(pieces(wire, random, longest))).toEqual({ data, messages });
    }
  });

  it(`that ends too early is an error at any position (seed ${SEED})`, async () => {
    const random = new SeededRandom(SEED);
    const { wire } = stream(random);
    for (let round = 0; round < 100; round++) {
      const cut = wire.subarray(0, random.below(wire.length));
      await expect(read(pieces(cut, random, 300))).rejects.toMatchObject({ kind: 'corrupt' });
    }
  });

  it('passes on long packets without joining their pieces', async () => {
    const payload = Buffer.concat([Buffer.of(1), Buffer.alloc(60_000, 'x')]);
    const packet = encodePacket(payload);
    const chunks = [packet.subarray(0, 20_000), packet.subarray(20_000, 40_000), packet.subarray(40_000)];
    const source = (async function* () {
      yield* chunks;
      yield flushPacket;
    })();
    const options = { onMessage: undefined, redact: (text: string) => text };
    const lengths: number[] = [];
    for await (const part of demultiplexed(new PacketStream(source), options)) {
      expect(part.buffer).toBe(packet.buffer);
      lengths.push(part.length);
    }
    // Without the length and the band of the first.
    expect(lengths).toEqual([19_995, 20_000, 20_005]);
  });

  it('gives the data of packets that come together as one piece, and waits for no more', async () => {
    const data = Array.from({ length: 7 }, (_, at) => Buffer.alloc(8_192, at));
    const packets = data.map((bytes) => encodePacket(Buffer.concat([Buffer.of(1), bytes])));
    const halves = [Buffer.concat(packets.slice(0, 4)), Buffer.concat([...packets.slice(4), flushPacket])];
    let isRead = false;
    const parts: Buffer[] = [];
    const source = (async function* () {
      yield* halves.slice(0, 1);
      // The first half was given by then.
      isRead = parts.length === 1;
      yield* halves.slice(1);
    })();
    const options = { onMessage: undefined, redact: (text: string) => text };
    for await (const part of demultiplexed(new PacketStream(source), options)) parts.push(part);
    expect(isRead).toBe(true);
    expect(parts).toEqual([Buffer.concat(data.slice(0, 4)), Buffer.concat(data.slice(4))]);
  });
});

/** Commits that are read before the ids of a pack are known count as those that are read later: at random, and with what is beyond a bound. */
import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { PACKED_COMMIT, PACKED_DELTA, PACKED_TAG, PACKED_TREE } from '../../../../../src/git/index.ts';
import { SortedIds } from '../../../../../src/lib/sorted-ids.ts';
import { EarlyCommits } from '../../../../../src/repository/intake/plain/early-commits.ts';
import { PlainCommits } from '../../../../../src/repository/intake/plain/plain-commits.ts';
import { SeededRandom } from '../../../../helpers/seeded-random.ts';

const PERSON = 'A U Thor <author@example.com> 1700000000 +0000';
/** Where the pack begins that the entries are cut from. */
const START = 12;

interface Entry {
  readonly bytes: Buffer;
  readonly from: number;
  readonly size: number;
}

/** An entry as it is in a pack. */
function entryOf(
  type: number,
  content: Buffer,
  level: number,
  deflated = deflateSync(content, { level }),
): Entry {
  const header: number[] = [];
  let rest = content.length >>> 4;
  let byte = (type << 4) | (content.length & 15);
  for (; rest > 0; rest >>>= 7) {
    header.push(byte | 0x80);
    byte = rest & 0x7f;
  }
  header.push(byte);
  return { bytes: Buffer.concat([Buffer.from(header), deflated]), from: header.length, size: content.length };
}

function commitText(tree: string, parents: readonly string[], random: SeededRandom): string {
  const message = random.hex(random.below(random.below(10) === 0 ? 3_000 : 60));
  const person = random.below(10) === 0 ? 'A U Thor <author@example.com> 1700000000 +2500x' : PERSON;
  return `tree ${tree}\n${parents.map((id) => `parent ${id}\n`).join('')}author ${person}\ncommitter ${PERSON}\n\n${message}\n`;
}

/** Reads entries as they come in, in pieces of random sizes. @returns where it stopped in all of them */
function readIn(early: EarlyCommits, pack: Buffer, random: SeededRandom): number {
  let at = 0;
  let came = 0;
  while (!early.isOver && came < pack.length) {
    came = Math.min(pack.length, came + 1 + random.below(random.below(2) === 0 ? 300 : 20_000));
    at += early.read(pack.subarray(at, came), 0, START + at);
  }
  return at;
}

describe.each([20, 32])('commits with ids of %i bytes', (idLength) => {
  it('are plain or odd whether they are read early or not', async () => {
    let plain = 0;
    for (let seed = 1; seed <= 40; seed++) plain += await compare(new SeededRandom(seed), idLength);
    expect(plain).toBeGreaterThan(200);
  });
});

/** @returns how many were plain when they were read early */
async function compare(random: SeededRandom, idLength: number): Promise<number> {
  const count = 3 + random.below(60);
  const raw = Buffer.alloc(count * idLength);
  for (let place = 0; place < count; place++) {
    raw.write(random.hex(idLength), place * idLength, 'hex');
    raw.writeUInt32BE(place * 1_000_003, place * idLength);
  }
  const ids = new SortedIds(raw, idLength);
  await ids.prepare();
  const types = Uint8Array.from({ length: count }, () =>
    random.below(10) < 6 ? PACKED_COMMIT : PACKED_TREE,
  );
  const idAt = () =>
    random.below(20) === 0 ? random.hex(idLength) : ids.at(random.below(count)).toString('hex');
  const places = [...types.keys()].filter((place) => types[place] === PACKED_COMMIT);
  const entries = places.map(() => {
    const parents = Array.from({ length: random.below(4) }, idAt);
    const content = Buffer.from(commitText(idAt(), parents, random));
    return entryOf(PACKED_COMMIT, content, random.below(10));
  });
  const pack = Buffer.concat([
    ...entries.map(({ bytes }) => bytes),
    entryOf(PACKED_TREE, Buffer.alloc(300), 1).bytes,
    Buffer.alloc(100),
  ]);
  const early = new EarlyCommits(idLength);
  const stopped = readIn(early, pack, random);
  expect(early.isOver).toBe(true);
  expect(stopped).toBe(entries.reduce((sum, { bytes }) => sum + bytes.length, 0));
  const [later, both] = [new PlainCommits(ids), new PlainCommits(ids, early)];
  let offset = START;
  for (const [at, { bytes, from, size }] of entries.entries()) {
    const entry = {
      place: places[at] ?? 0,
      offset,
      type: PACKED_COMMIT,
      base: -1,
      size,
      from,
      to: bytes.length,
    };
    later.take({ ...entry, bytes });
    // What was read early is not read again.
    const isPlain = early.find(offset, size, bytes.length - from, () => undefined);
    both.take({ ...entry, bytes: isPlain ? Buffer.alloc(bytes.length) : bytes });
    offset += bytes.length;
  }
  expect(await both.odd(types)).toEqual(await later.odd(types));
  return early.count;
}

describe('an early commit', () => {
  const plain = Buffer.from(`tree ${'a1'.repeat(20)}\nauthor ${PERSON}\ncommitter ${PERSON}\n\nx\n`);
  const behind = Buffer.alloc(100);

  it('counts only where git has an entry of the same place and length', () => {
    const entry = entryOf(PACKED_COMMIT, plain, 6);
    const length = entry.bytes.length - entry.from;
    for (const [isFound, offset, bytes, deflated] of [
      [true, START, plain.length, length],
      [false, START + 1, plain.length, length],
      [false, START - 1, plain.length, length],
      [false, START, plain.length + 1, length],
      [false, START, plain.length, length + 1],
    ] as const) {
      const early = new EarlyCommits(20);
      early.read(Buffer.concat([entry.bytes, behind]), 0, START);
      const links: string[] = [];
      const found = early.find(offset, bytes, deflated, (isParent, raw, at) => {
        links.push(`${isParent} ${raw.toString('hex', at, at + 20)}`);
      });
      expect(found).toBe(isFound);
      expect(links).toEqual(isFound ? [`false ${'a1'.repeat(20)}`] : []);
    }
  });

  it.each([
    ['a delta', () => entryOf(PACKED_DELTA, plain, 6)],
    ['a large one', () => entryOf(PACKED_COMMIT, Buffer.concat([plain, Buffer.alloc(20_000, 'x')]), 0)],
    [
      'one of few bytes that becomes large',
      () => entryOf(PACKED_COMMIT, Buffer.concat([plain, Buffer.alloc(9_000, 'x')]), 9),
    ],
    ['one that cannot be inflated', () => entryOf(PACKED_COMMIT, plain, 6, Buffer.alloc(40_000, 0xff))],
  ])('is the last one in front of %s', (_, next) => {
    const early = new EarlyCommits(20);
    const first = entryOf(PACKED_COMMIT, plain, 6).bytes;
    const bytes = Buffer.concat([first, next().bytes, first, Buffer.alloc(50_000)]);
    expect(early.read(bytes, 0, START)).toBe(first.length);
    expect(early.isOver).toBe(true);
    expect(early.count).toBe(1);
  });

  it('is not read beyond 4 GiB, where its place would be that of another one', () => {
    for (const [start, count] of [
      [2 ** 32 - 1, 1],
      [2 ** 32, 0],
      [2 ** 32 + START, 0],
    ] as const) {
      const early = new EarlyCommits(20);
      early.read(Buffer.concat([entryOf(PACKED_COMMIT, plain, 6).bytes, behind]), 0, start);
      expect(early.count).toBe(count);
      expect(early.isOver).toBe(true);
    }
  });

  it('is one of few in a turn of the event loop, if they become large', () => {
    const content = Buffer.concat([plain, Buffer.alloc(3_900, 'x')]);
    const { bytes } = entryOf(PACKED_COMMIT, content, 9);
    const all = Buffer.concat([...Array.from({ length: 1_000 }, () => bytes), Buffer.alloc(100)]);
    const early = new EarlyCommits(20);
    const counts: number[] = [];
    for (let at = 0; !early.isOver; counts.push(early.count))
      at += early.read(all.subarray(at), 0, START + at);
    expect(counts[0]).toBeLessThan(140);
    expect(counts.length).toBeGreaterThan(7);
    expect(early.count).toBe(1_000);
  });

  it('is not waited for when it takes more bytes than commits have', () => {
    // Empty blocks in front of the data: as many as somebody likes.
    const usual = deflateSync(plain, { level: 6 });
    const blocks = Buffer.alloc(8_000 * 5, Buffer.from([0, 0, 0, 0xff, 0xff]));
    const { bytes, from } = entryOf(
      PACKED_COMMIT,
      plain,
      6,
      Buffer.concat([usual.subarray(0, 2), blocks, usual.subarray(2)]),
    );
    const early = new EarlyCommits(20);
    // All but the last byte of the checksum, which may come at any time.
    expect(early.read(bytes.subarray(0, bytes.length - 1), 0, START)).toBe(0);
    expect(early.isOver).toBe(true);
    const short = new EarlyCommits(20);
    expect(short.read(bytes.subarray(0, from + 20_000), 0, START)).toBe(0);
    expect(short.isOver).toBe(false);
  });

  it('is read behind tags, which do not count', () => {
    const [commit, tag] = [entryOf(PACKED_COMMIT, plain, 6).bytes, entryOf(PACKED_TAG, plain, 6).bytes];
    const early = new EarlyCommits(20);
    expect(early.read(Buffer.concat([tag, commit, tag, tag, behind]), 0, START)).toBe(4 * tag.length);
    expect(early.count).toBe(1);
    const { length } = deflateSync(plain, { level: 6 });
    const found = [0, 1, 2, 3].map((at) =>
      early.find(START + at * tag.length, plain.length, length, () => 0),
    );
    expect(found).toEqual([false, true, false, false]);
  });

  it('waits for the rest of an entry', () => {
    const early = new EarlyCommits(20);
    const { bytes } = entryOf(PACKED_COMMIT, plain, 6);
    for (let came = 0; came < bytes.length; came++)
      expect(early.read(Buffer.concat([bytes.subarray(0, came)]), 0, START)).toBe(0);
    expect(early.isOver).toBe(false);
    expect(early.read(Buffer.concat([bytes, behind]), 0, START)).toBe(bytes.length);
    expect(early.count).toBe(1);
  });

  it('has few parents with all others together', () => {
    const early = new EarlyCommits(20);
    const parents = `parent ${'b2'.repeat(20)}\n`.repeat(300);
    const content = Buffer.from(
      `tree ${'a1'.repeat(20)}\n${parents}author ${PERSON}\ncommitter ${PERSON}\n\nx\n`,
    );
    const { bytes } = entryOf(PACKED_COMMIT, content, 0);
    let start = START;
    for (let n = 0; n < 2_000 && !early.isOver; n++)
      start += early.read(Buffer.concat([bytes, behind]), 0, start);
    expect(early.isOver).toBe(true);
    expect(early.count * 301).toBeLessThan(525_000);
  });
});

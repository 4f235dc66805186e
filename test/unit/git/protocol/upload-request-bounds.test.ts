import { describe, expect, it } from 'vitest';
import {
  delimiterPacket,
  encodePacket,
  flushPacket,
  UPLOAD_REQUEST_LIMITS,
  UploadRequestBounds,
} from '../../../../src/git/index.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';

const LIMITS = {
  bytes: 1_000_000,
  lines: new Map([
    ['want', 40],
    ['have', 41],
    ['ref-prefix', 42],
    ['shallow', 12],
    ['want-ref', 8],
    ['deepen-not', 5],
  ]),
  otherLines: 9,
};
const mostOf = (word: string) => LIMITS.lines.get(word) ?? 0;

/** Lines of every kind, and how many there may be. */
const KINDS = [
  { what: "'want' lines", most: mostOf('want'), lines: ['want aaaa', 'want aaaa ofs-delta\n', 'want '] },
  { what: "'have' lines", most: mostOf('have'), lines: ['have aaaa', `have ${'b'.repeat(64)}\n`] },
  { what: "'shallow' lines", most: mostOf('shallow'), lines: ['shallow aaaa\n', 'shallow x'] },
  {
    what: "'ref-prefix' lines",
    most: mostOf('ref-prefix'),
    lines: ['ref-prefix x', 'ref-prefix ', 'ref-prefix é\n'],
  },
  {
    what: "'deepen-not' lines",
    most: mostOf('deepen-not'),
    lines: ['deepen-not refs/heads/x\n', 'deepen-not '],
  },
  { what: "'want-ref' lines", most: mostOf('want-ref'), lines: ['want-ref refs/heads/x', 'want-ref x\n'] },
  {
    what: 'other lines',
    most: LIMITS.otherLines,
    lines: [
      'done',
      'wanting x',
      'want',
      'ref-prefixes x',
      'agent=git/2',
      '',
      'x'.repeat(3_000),
      'ref-prefix',
      ' want',
    ],
  },
] as const;

/** Looks at bytes cut into pieces of random sizes. */
function look(bytes: Buffer, pick: (count: number) => number, limits = LIMITS): string | undefined {
  const bounds = new UploadRequestBounds(limits);
  const most = 1 + pick(40);
  try {
    for (let at = 0; at < bytes.length; ) {
      const size = 1 + pick(most);
      bounds.push(bytes.subarray(at, at + size));
      at += size;
    }
  } catch (error) {
    return (error as Error).message;
  }
  return undefined;
}

describe('very large questions (issue 11, point 11)', () => {
  it('are accepted up to the exact limit of each kind of line, for any division of the bytes', () => {
    for (let seed = 1; seed <= 150; seed++) {
      const random = new SeededRandom(seed);
      const pick = (count: number) => random.below(count);
      const over = pick(KINDS.length + 1);
      // Each kind is there as often as it may be, or less often; at most one of them is there once more.
      const packets = KINDS.flatMap(({ most, lines }, kind) => {
        const count = kind === over ? most + 1 : most - pick(2) * pick(most);
        return Array.from({ length: count }, () => encodePacket(lines[pick(lines.length)] ?? ''));
      });
      for (let at = packets.length - 1; at > 0; at--) {
        const other = pick(at + 1);
        [packets[at], packets[other]] = [packets[other] as Buffer, packets[at] as Buffer];
      }
      const said = look(Buffer.concat(packets), pick);
      if (over === KINDS.length) expect(said, `seed ${seed}`).toBeUndefined();
      else expect(said, `seed ${seed}`).toContain(`${KINDS[over]?.most} ${KINDS[over]?.what}`);
    }
  });

  it('count packets without a payload as lines', () => {
    const empty = [flushPacket, delimiterPacket, Buffer.from('0002'), Buffer.from('0004')];
    const some = (count: number) =>
      Buffer.concat(Array.from({ length: count }, (_, at) => empty[at % 4] as Buffer));
    const random = new SeededRandom(1);
    const pick = (count: number) => random.below(count);
    expect(look(some(LIMITS.otherLines), pick)).toBeUndefined();
    expect(look(some(LIMITS.otherLines + 1), pick)).toContain('other lines');
  });

  it('are accepted up to the exact number of bytes', () => {
    const bytes = Buffer.concat([encodePacket('x'.repeat(95)), encodePacket('y')]);
    const random = new SeededRandom(2);
    const pick = (count: number) => random.below(count);
    expect(look(bytes, pick, { ...LIMITS, bytes: bytes.length })).toBeUndefined();
    expect(look(bytes, pick, { ...LIMITS, bytes: bytes.length - 1 })).toContain(`${bytes.length - 1} bytes`);
  });

  it('leave malformed packets to the reader of the request', () => {
    const random = new SeededRandom(3);
    const pick = (count: number) => random.below(count);
    for (const junk of ['nonsense', '0003', '+123', 'want want want want ']) {
      expect(look(Buffer.from(junk.repeat(50)), pick)).toBeUndefined();
    }
  });

  it('allow the requests of the largest repositories', () => {
    const { bytes, lines, otherLines } = UPLOAD_REQUEST_LIMITS;
    expect([bytes, otherLines]).toEqual([2 ** 27, 65_536]);
    expect(Object.fromEntries(lines)).toEqual({
      want: 1_000_000,
      have: 1_000_000,
      'ref-prefix': 1_000_000,
      shallow: 100_000,
      'want-ref': 65_536,
      'deepen-not': 1_000,
    });
  });
});

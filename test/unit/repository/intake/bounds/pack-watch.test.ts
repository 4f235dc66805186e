import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { watchPack } from '../../../../../src/repository/intake/bounds/pack-watch.ts';
import { appendDelta, CraftedPack, entryHeader, repeatDelta } from '../../../../helpers/craft-pack.ts';
import { InstantClock } from '../../../../helpers/instant-clock.ts';

const MIB = 2 ** 20;
const LIMIT = {
  objectBytes: MIB,
  setting: '--max-object-size',
  linkingBytes: MIB,
  unpackedBytes: 8 * MIB,
  unpackedSetting: '--max-unpacked-size',
};

/** @param come how many bytes have come at each read; all when it is not given */
async function watch(bytes: Buffer, come: () => number = () => bytes.length): Promise<string | undefined> {
  const over = new AbortController();
  const clock = new InstantClock();
  let waits = 0;
  const pack = {
    objects: bytes.readUInt32BE(8),
    idLength: 20,
    read: async (position: number, length: number) =>
      bytes.subarray(position, Math.min(position + length, come())),
  };
  // git ends at some time; whoever waits for more than there is hears of it.
  clock.sleep = async () => {
    await new Promise((resolve) => setImmediate(resolve));
    if (++waits > 1_000) over.abort();
    over.signal.throwIfAborted();
  };
  return watchPack(pack, () => LIMIT, clock, over.signal);
}

/** What an honest pack has: small and large entries, as they are and as deltas. */
function begun(): CraftedPack {
  const pack = new CraftedPack();
  for (let at = 0; at < 300; at++)
    pack.whole({ type: 'blob', content: Buffer.from(`file ${at}\n`.repeat(at)) });
  pack.whole({ type: 'blob', content: randomBytes(600_000) });
  const base = pack.whole({ type: 'blob', content: Buffer.alloc(400_000) });
  pack.offsetDelta(base, appendDelta(400_000, Buffer.from('more')));
  pack.whole({ type: 'blob', content: randomBytes(64 * 1024) });
  pack.whole({ type: 'blob', content: Buffer.alloc(0) });
  return pack;
}

const zeros = (size: number) => Buffer.concat([entryHeader(3, size), Buffer.from('damaged')]);

describe('a pack that takes git long (issue 11, point 3)', () => {
  it('continues if nothing in it exceeds a bound', async () => {
    expect(await watch(begun().bytes())).toBeUndefined();
  });

  it('is refused for a large object before it is inflated, whatever comes before', async () => {
    const pack = begun();
    pack.raw(zeros(2 ** 40));
    expect(await watch(pack.bytes())).toBe(
      'an object of 1099511627776 bytes is larger than 1 MiB, the most that one object may have here (--max-object-size)',
    );
  });

  it('is refused for the result of a delta', async () => {
    const pack = begun();
    const base = pack.whole({ type: 'blob', content: Buffer.alloc(1_000) });
    pack.offsetDelta(base, repeatDelta(1_000, 2_000));
    expect(await watch(pack.bytes())).toContain('an object of 2000000 bytes is larger');
  });

  it('is refused for the sum of many small objects', async () => {
    const pack = begun();
    const base = pack.whole({ type: 'blob', content: Buffer.alloc(1_000) });
    for (let at = 0; at < 8; at++) pack.offsetDelta(base, repeatDelta(1_000, 1_000));
    expect(await watch(pack.bytes())).toBe(
      'the pack unpacks to more than 8 MiB, the most that one of its size may (--max-unpacked-size)',
    );
  });

  it('is inspected during its arrival, for any division of the bytes', async () => {
    const pack = begun();
    pack.raw(zeros(2 ** 40));
    const bytes = pack.bytes();
    let come = 0;
    const more = () => {
      come += 4_099;
      return come;
    };
    expect(await watch(bytes, more)).toContain('an object of 1099511627776 bytes');
  });

  it.each([
    ['ends early', (bytes: Buffer) => bytes.subarray(0, bytes.length - 100_000)],
    ['is damaged', (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 2_000), randomBytes(20_000)])],
    [
      'says that it has more',
      (bytes: Buffer) => {
        const more = Buffer.from(bytes);
        more.writeUInt32BE(10_000, 8);
        return more;
      },
    ],
  ])('is left to git if it %s', async (_what, change) => {
    const problem = await watch(change(begun().bytes()));
    if (problem !== undefined)
      expect(problem, 'damage may look like a large object').toContain('larger than 1 MiB');
  });
});

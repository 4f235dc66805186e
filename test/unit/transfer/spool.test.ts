import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { type Spool, SpoolRoom } from '../../../src/transfer/spool.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';
import { type TempDir, tempDir } from '../../helpers/temp-dir.ts';
import { testSeed } from '../../helpers/test-seed.ts';

const seed = testSeed();
const MIB = 2 ** 20;

let folder: TempDir;

beforeAll(async () => {
  folder = await tempDir('cairn-spool');
});
afterAll(() => folder[Symbol.asyncDispose]());

async function readAll(spool: Spool): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of spool.read()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('the spool for slow clients (issue 11, point 9)', () => {
  it(`returns the written bytes at any speeds, and leaves nothing (seed ${seed})`, async () => {
    const random = new SeededRandom(seed);
    let onDisk = 0;
    const room = new SpoolRoom(folder.path, 1_000 * MIB, systemClock, (bytes) => {
      onDisk = bytes;
    });
    await Promise.all(
      Array.from({ length: 12 }, async (_, at) => {
        const spool = room.open(`address ${at % 3}`);
        const bytes = randomBytes(random.below(3 * MIB));
        const early = random.below(2) === 0 ? readAll(spool) : undefined;
        for (let from = 0; from < bytes.length; ) {
          const to = from + 1 + random.below(300_000);
          expect(await spool.append(bytes.subarray(from, to))).toBe(true);
          from = to;
        }
        spool.end();
        expect((await (early ?? readAll(spool))).equals(bytes), `seed ${seed}, ${bytes.length} bytes`).toBe(
          true,
        );
        await spool.drop();
      }),
    );
    expect(onDisk).toBe(0);
    expect(await readdir(folder.path)).toEqual([]);
  });

  it('has limited space, half of it for one address', async () => {
    const room = new SpoolRoom(folder.path, 8 * MIB, systemClock);
    const fill = async (caller: string) => {
      const spool = room.open(caller);
      let taken = 0;
      while (await spool.append(Buffer.alloc(MIB / 4))) taken += MIB / 4;
      return { spool, taken };
    };
    // 1 MiB of each stays in memory.
    const first = await fill('one');
    expect(first.taken).toBe(5 * MIB);
    const again = await fill('one');
    expect(again.taken).toBe(MIB);
    const second = await fill('two');
    expect(second.taken).toBe(5 * MIB);
    const third = await fill('three');
    expect(third.taken).toBe(MIB);
    for (const { spool } of [first, again, second, third]) await spool.drop();
    const free = await fill('one');
    expect(free.taken).toBe(5 * MIB);
    await free.spool.drop();
    expect(await readdir(folder.path)).toEqual([]);
  });

  it('has 64 MiB of memory in total', async () => {
    const room = new SpoolRoom(folder.path, 1, systemClock);
    const spools: Spool[] = [];
    const chunk = Buffer.alloc(MIB);
    for (let count = 0; count < 64; count++) {
      const spool = room.open(`address ${count}`);
      spools.push(spool);
      expect(await spool.append(chunk)).toBe(true);
    }
    expect(await room.open('one more').append(chunk)).toBe(false);
    for (const spool of spools) await spool.drop();
    const spool = room.open('one more');
    expect(await spool.append(chunk)).toBe(true);
    await spool.drop();
  });
});

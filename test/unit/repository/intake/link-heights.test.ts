/** Heights of objects in random graphs, some of them new, some known, some to be read: as a walk of each path finds them. */
import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CairnError } from '../../../../src/lib/errors.ts';
import { SortedIds } from '../../../../src/lib/sorted-ids.ts';
import { checkHeights, HeightMemory } from '../../../../src/repository/intake/link-heights.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';

const seed = Number(process.env['CAIRN_TEST_SEED'] ?? randomBytes(4).readUInt32BE());

interface Node {
  readonly id: Buffer;
  readonly links: readonly Node[];
  readonly height: number;
}

function graph(random: SeededRandom, size: number): Node[] {
  const nodes: Node[] = [];
  while (nodes.length < size) {
    const near = nodes.slice(-1 - random.below(8));
    const links = Array.from({ length: nodes.length === 0 ? 0 : random.below(4) }, () => random.pick(near));
    const id = createHash('sha1')
      .update(`${nodes.length} ${random.hex(8)}`)
      .digest();
    nodes.push({ id, links, height: 1 + Math.max(0, ...links.map(({ height }) => height)) });
  }
  return nodes;
}

interface Asked {
  readonly own: readonly Node[];
  readonly all: readonly Node[];
  readonly memory: HeightMemory;
  readonly limit: number;
  readonly random: SeededRandom;
}

/** @returns how many others were read */
async function check({ own, all, memory, limit, random }: Asked): Promise<number> {
  const byId = new Map(all.map((node) => [node.id.toString('hex'), node]));
  const contentOf = ({ links }: Node) => Buffer.concat(links.map((link) => link.id));
  const sorted = own.toSorted((a, b) => a.id.compare(b.id));
  let read = 0;
  await checkHeights({
    own: new SortedIds(Buffer.concat(sorted.map(({ id }) => id)), 20),
    readOwn: async (take) => {
      const shuffled = sorted.map((node, place) => ({ node, place, at: random.fraction() }));
      for (const { node, place } of shuffled.toSorted((a, b) => a.at - b.at)) {
        const content = contentOf(node);
        take(place, Buffer.concat([randomBytes(7), content, randomBytes(5)]), 7, 7 + content.length);
      }
    },
    readOthers: async (ids, take) => {
      for (const id of ids) {
        const node = byId.get(id);
        if (node === undefined) throw new Error(`${id} is not there`);
        read++;
        take(id, contentOf(node));
      }
    },
    eachLink: (bytes, hear, from, to) => {
      for (let at = from; at < to; at += 20) hear(bytes, at);
    },
    memory,
    remembered: Uint32Array.from(own.keys()),
    limit,
    exceeded: (id) => new CairnError('invalid', id),
  });
  return read;
}

describe(`heights in random graphs (seed ${seed}) (issue 11, point 2)`, () => {
  it('are found, whatever has come in, is known, or is to be read', async () => {
    const random = new SeededRandom(seed);
    for (let round = 0; round < 100; round++) {
      const all = graph(random, 1 + random.below(60));
      const from = random.below(all.length);
      // What comes in links to what was here, never the other way round.
      const own = all.slice(from);
      const memory = new HeightMemory(1 + random.below(200));
      for (const node of all.slice(0, from))
        if (random.below(3) === 0) memory.set(node.id.toString('hex'), node.height);
      const highest = Math.max(...own.map(({ height }) => height));
      await expect(check({ own, all, memory, limit: highest, random })).resolves.toBeLessThanOrEqual(from);
      for (const node of own) {
        const known = memory.get(node.id.toString('hex'));
        expect(known ?? node.height).toBe(node.height);
      }
      if (highest === 1) continue;
      const low = 1 + random.below(highest - 1);
      const refused = check({ own, all, memory: new HeightMemory(10), limit: low, random });
      const error = await refused.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      const named = own.find(({ id }) => error instanceof CairnError && id.toString('hex') === error.message);
      expect(named?.height).toBeGreaterThan(low);
    }
  });

  it('are not looked for twice', async () => {
    const random = new SeededRandom(seed);
    const all = graph(random, 100);
    const memory = new HeightMemory(1_000);
    const top: Node = { id: randomBytes(20), links: all.slice(-5), height: 0 };
    const next: Node = { id: randomBytes(20), links: [...all.slice(-5), top], height: 0 };
    expect(await check({ own: [top], all, memory, limit: 1_000, random })).toBeGreaterThan(0);
    expect(await check({ own: [next], all, memory, limit: 1_000, random })).toBe(0);
  });

  it('are forgotten in the order in which they were asked for last', () => {
    const memory = new HeightMemory(2);
    memory.set('a', 1);
    memory.set('b', 2);
    expect(memory.get('a')).toBe(1);
    memory.set('c', 3);
    expect([memory.get('a'), memory.get('b'), memory.get('c')]).toEqual([1, undefined, 3]);
  });
});

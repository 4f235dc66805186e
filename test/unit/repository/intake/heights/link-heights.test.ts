/** Heights of objects in random graphs, some of them new, some known, some to be read: as a walk of each path finds them. */
import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CairnError } from '../../../../../src/lib/errors.ts';
import { SortedIds } from '../../../../../src/lib/sorted-ids.ts';
import { HeightMemory, type Reach } from '../../../../../src/repository/intake/heights/height-memory.ts';
import { checkHeights } from '../../../../../src/repository/intake/heights/link-heights.ts';
import { SeededRandom } from '../../../../helpers/seeded-random.ts';
import { testSeed } from '../../../../helpers/test-seed.ts';

const seed = testSeed();

interface Node {
  readonly id: Buffer;
  readonly links: readonly Node[];
  readonly height: number;
  /** Bytes of the heaviest path down from it. */
  readonly bytes: number;
}

function graph(random: SeededRandom, size: number): Node[] {
  const nodes: Node[] = [];
  while (nodes.length < size) {
    const near = nodes.slice(-1 - random.below(8));
    const links = Array.from({ length: nodes.length === 0 ? 0 : random.below(4) }, () => random.pick(near));
    const id = createHash('sha1')
      .update(`${nodes.length} ${random.hex(8)}`)
      .digest();
    nodes.push({
      id,
      links,
      height: 1 + Math.max(0, ...links.map(({ height }) => height)),
      bytes: 20 * links.length + Math.max(0, ...links.map(({ bytes }) => bytes)),
    });
  }
  return nodes;
}

/** All nodes below one. */
function below({ links }: Node, met = new Set<Node>()): Set<Node> {
  for (const link of links) {
    if (met.has(link)) continue;
    met.add(link);
    below(link, met);
  }
  return met;
}

interface Asked {
  readonly own: readonly Node[];
  readonly all: readonly Node[];
  readonly memory: HeightMemory;
  readonly limit: Reach;
  readonly random: SeededRandom;
  /** Links kept at once. */
  readonly links?: number;
}

/** @returns how many others were read */
async function check({ own, all, memory, limit, random, links }: Asked): Promise<number> {
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
    tooHigh: (id) => new CairnError('invalid', id),
    tooHeavy: (id) => new CairnError('too-large', id),
    ...(links === undefined ? {} : { links }),
  });
  return read;
}

/** Which of its own a check has refused. */
async function named(check: Promise<unknown>, own: readonly Node[], kind: string): Promise<Node | undefined> {
  const error = await check.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof CairnError) || error.kind !== kind) return undefined;
  return own.find(({ id }) => id.toString('hex') === error.message);
}

describe(`heights in random graphs (seed ${seed}) (issue 11, point 2)`, () => {
  it('are found among arriving, remembered and readable objects', async () => {
    const random = new SeededRandom(seed);
    for (let round = 0; round < 100; round++) {
      const all = graph(random, 1 + random.below(60));
      const from = random.below(all.length);
      // What comes in links to what was here, never the other way round.
      const own = all.slice(from);
      const memory = new HeightMemory(1 + random.below(200));
      for (const node of all.slice(0, from))
        if (random.below(3) === 0) memory.set(node.id.toString('hex'), node);
      const height = Math.max(...own.map((node) => node.height));
      const bytes = Math.max(...own.map((node) => node.bytes));
      const limit = { height, bytes };
      await expect(check({ own, all, memory, limit, random })).resolves.toBeLessThanOrEqual(from);
      for (const node of own) {
        const known = memory.get(node.id.toString('hex'));
        if (known !== undefined) expect(known).toEqual({ height: node.height, bytes: node.bytes });
      }
      const lower = (most: number) => (most === 0 ? 0 : random.below(most));
      const none = { own, all, memory: new HeightMemory(10), random };
      const low = { height: lower(height), bytes: lower(bytes) };
      const high = await named(check({ ...none, limit: { ...limit, height: low.height } }), own, 'invalid');
      expect(high?.height).toBeGreaterThan(low.height);
      if (bytes === 0) continue;
      const heavy = await named(check({ ...none, limit: { ...limit, bytes: low.bytes } }), own, 'too-large');
      expect(heavy?.bytes).toBeGreaterThan(low.bytes);
    }
  });

  it('are found in several rounds if links exceed the memory, or refused after too many rounds', async () => {
    const random = new SeededRandom(seed);
    const unbounded = { height: 1_000, bytes: 1_000_000 };
    let refused = 0;
    for (let round = 0; round < 100; round++) {
      const all = graph(random, 1 + random.below(60));
      const from = random.below(all.length);
      const own = all.slice(from);
      const memory = new HeightMemory(200);
      try {
        await check({ own, all, memory, limit: unbounded, random, links: random.below(30) });
        for (const { id, height, bytes } of own)
          expect(memory.get(id.toString('hex'))).toEqual({ height, bytes });
      } catch (error) {
        if (!(error instanceof CairnError)) throw error;
        expect(error.message).toMatch(/link to each other in too many ways/);
        refused++;
      }
    }
    expect(refused).toBeLessThan(50);
    // A chain of which each round finds out one more: objects are read in the order of their ids, each before what it links to.
    const chain: Node[] = [];
    while (chain.length < 20) {
      const id = Buffer.alloc(20, 255 - chain.length);
      chain.push({ id, links: chain.slice(-1), height: chain.length + 1, bytes: 20 * chain.length });
    }
    const inOrder = { below: () => 0, fraction: () => 0 } as unknown as SeededRandom;
    await expect(
      check({
        own: chain,
        all: chain,
        memory: new HeightMemory(),
        limit: unbounded,
        random: inOrder,
        links: 0,
      }),
    ).rejects.toThrow(/too many ways/);
  });

  it('are computed only once', async () => {
    const random = new SeededRandom(seed);
    const all = graph(random, 100);
    const memory = new HeightMemory(1_000);
    const top: Node = { id: randomBytes(20), links: all.slice(-5), height: 0, bytes: 0 };
    const next: Node = { id: randomBytes(20), links: [...all.slice(-5), top], height: 0, bytes: 0 };
    expect(
      await check({ own: [top], all, memory, limit: { height: 1_000, bytes: 1_000_000 }, random }),
    ).toBeGreaterThan(0);
    expect(
      await check({ own: [next], all, memory, limit: { height: 1_000, bytes: 1_000_000 }, random }),
    ).toBe(0);
  });

  it('are computed again if a remembered upper bound would be too high', async () => {
    const random = new SeededRandom(seed);
    const all = graph(random, 60);
    const top = all.at(-1);
    if (top === undefined) throw new Error('a graph has nodes');
    const { id, links, height, bytes } = top;
    const memory = new HeightMemory(200);
    for (const link of links)
      memory.set(link.id.toString('hex'), { height: link.height + 1, bytes: link.bytes + 1, atMost: true });
    const asked = { own: [top], all, memory, random };
    // With room for the bounds nothing is read, and what follows from them is a bound as well.
    const room = { height: height + 1, bytes: bytes + 1 };
    const inHex = id.toString('hex');
    expect(await check({ ...asked, limit: room })).toBe(0);
    if (links.length > 0) expect(memory.get(inHex)).toEqual({ ...room, atMost: true });
    const read = await check({ ...asked, limit: { height, bytes } });
    expect(read).toBe(below(top).size);
    expect(memory.get(inHex)).toEqual({ height, bytes });
    // A bound does not replace what is known.
    memory.set(inHex, { height: 200, bytes: 200, atMost: true });
    expect(memory.get(inHex)).toEqual({ height, bytes });
  });

  it('are forgotten in the order of their last use', () => {
    const memory = new HeightMemory(2);
    const [a, b, c] = [1, 2, 3].map((height) => ({ height, bytes: 2 ** 32 - height })) as [
      Reach,
      Reach,
      Reach,
    ];
    memory.set('a', a);
    memory.set('b', b);
    expect(memory.get('a')).toEqual(a);
    memory.set('c', c);
    expect([memory.get('a'), memory.get('b'), memory.get('c')]).toEqual([a, undefined, c]);
  });
});

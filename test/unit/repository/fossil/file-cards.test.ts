import { describe, expect, it } from 'vitest';
import type { Card } from '../../../../src/fossil/cards.ts';
import { writeCards } from '../../../../src/fossil/write-cards.ts';
import type { Bag } from '../../../../src/repository/fossil/bag.ts';
import { ChangeShun } from '../../../../src/repository/fossil/change-shun.ts';
import { writeFileCards } from '../../../../src/repository/fossil/file-cards.ts';
import { delta, FossilRig, lines, whole } from '../../../helpers/fossil-rig.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';
import { tempDir } from '../../../helpers/temp-dir.ts';

/** Memory that is full of something else, as used memory is. */
const MEMORY = { take: (bytes: number) => Buffer.alloc(bytes, 'x') };

/** The same cards, one artifact after another. */
async function oneByOne(bag: Bag): Promise<Buffer> {
  const cards: Card[] = [];
  for (let position = 0; position < bag.count; position++) {
    const entry = bag.at(position);
    const { name, source, size, isPrivate } = entry;
    if (isPrivate) continue;
    const from = source === undefined ? {} : { source };
    cards.push({ card: 'cfile', name, ...from, size, payload: await bag.stored(entry), isPrivate });
  }
  return writeCards(cards);
}

async function inPieces(bag: Bag, maxBytes: number): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for (let from = 0; from < bag.count; ) {
    const { bytes, files, next } = await writeFileCards(bag, from, maxBytes, MEMORY);
    expect(next).toBeGreaterThan(from);
    expect(files > 0).toBe(bytes.length > 0);
    pieces.push(bytes);
    from = next;
  }
  return Buffer.concat(pieces);
}

/** Artifacts of all sizes in several packs: deltas, short names, private ones, and deltas of those. */
async function mixedRig(): Promise<FossilRig> {
  const rig = await new FossilRig().create();
  const [old, young] = [whole(lines(0, 300)), whole(`${lines(0, 300)}more\n`)];
  const secret = whole(lines(400, 300), { isPrivate: true });
  const told = whole(`${lines(400, 300)}more\n`);
  const sizes = [0, 1, 9, 10, 99, 100, 70_000].map((size) => whole(Buffer.alloc(size, size)));
  await rig.push([old, delta(old, young), ...sizes]);
  await rig.push([secret, delta(secret, told)]);
  await rig.push([whole('short', { algorithm: 'sha1' }), whole(lines(0, 301), { algorithm: 'sha1' })]);
  return rig;
}

/** Text that hardly compresses. */
function hexOf(seed: number, bytes: number): string {
  return new SeededRandom(seed).hex(bytes);
}

describe('cards of many artifacts (issue 14, speed of clones)', () => {
  it('equal those of single artifacts, byte for byte, for any division', async () => {
    const bag = await (await mixedRig()).bag();
    const expected = await oneByOne(bag);
    for (const maxBytes of [1, 700, 1_000_000]) {
      expect((await inPieces(bag, maxBytes)).equals(expected), String(maxBytes)).toBe(true);
    }
  });

  it('are the same from packs on disk, read to where they are sent from', async () => {
    await using folder = await tempDir();
    const rig = await new FossilRig({ folder: folder.path }).create();
    const large = Array.from({ length: 40 }, (_, at) => whole(Buffer.from(hexOf(at, 30_000))));
    const secret = large.map((artifact, at) => (at % 7 === 3 ? { ...artifact, isPrivate: true } : artifact));
    await rig.push(secret);
    await rig.opened.cache.open();
    const bag = await rig.another().bag();
    expect(bag.view.packs[0]?.pack.size).toBeGreaterThan(1 << 20);
    const expected = await oneByOne(bag);
    for (const maxBytes of [1, 100_000, 10_000_000]) {
      expect((await inPieces(bag, maxBytes)).equals(expected), String(maxBytes)).toBe(true);
    }
  });

  it('name no private artifacts, and send a delta of one as a whole', async () => {
    const rig = await mixedRig();
    const bag = await rig.bag();
    const secret = Array.from({ length: bag.count }, (_, at) => bag.at(at)).find((entry) => entry.isPrivate);
    const all = (await inPieces(bag, 1_000)).toString('latin1');
    expect(secret).toBeDefined();
    expect(all).not.toContain(secret?.name);
  });

  it('leave out shunned artifacts, and send a delta of one as a whole', async () => {
    const rig = await new FossilRig().create();
    const [old, young] = [whole(lines(0, 300)), whole(`${lines(0, 300)}more\n`)];
    await rig.push([old, delta(old, young)]);
    const { repository } = rig;
    await repository.publisher.join(new ChangeShun(repository, { shun: [old.name] }, repository.mark()));
    const bag = await rig.bag();
    const all = await inPieces(bag, 1_000);
    expect(all.toString('latin1')).not.toContain(old.name);
    expect(all.equals(await oneByOne(bag))).toBe(true);
  });
});

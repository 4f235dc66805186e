/** What is remembered of commits while a pack is read is bounded by the objects of the pack, and what is inflated by its bytes. */
import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { PACKED_COMMIT, PACKED_TREE } from '../../../../../src/git/index.ts';
import { SortedIds } from '../../../../../src/lib/sorted-ids.ts';
import { PlainCommits } from '../../../../../src/repository/intake/plain/plain-commits.ts';

const ID_LENGTH = 20;
const PERSON = 'A U Thor <author@example.com> 1700000000 +0000';
const COMMITS = 100;

/** @returns how many of a hundred commits with so many parents are taken for plain */
async function plainOnes(parents: number, level: number): Promise<number> {
  const raw = Buffer.alloc((COMMITS + 1) * ID_LENGTH);
  for (let place = 0; place <= COMMITS; place++) raw.writeUInt32BE(place, place * ID_LENGTH);
  const ids = new SortedIds(raw, ID_LENGTH);
  const types = new Uint8Array(COMMITS + 1).fill(PACKED_COMMIT);
  types[0] = PACKED_TREE;
  const commits = new PlainCommits(ids);
  for (let place = 1; place <= COMMITS; place++) {
    const lines = `parent ${ids.at(place === 1 ? 2 : 1).toString('hex')}\n`.repeat(parents);
    const text = `tree ${ids.at(0).toString('hex')}\n${lines}author ${PERSON}\ncommitter ${PERSON}\n\n${place}\n`;
    const bytes = deflateSync(text, { level });
    commits.take({
      place,
      offset: 0,
      type: PACKED_COMMIT,
      base: -1,
      size: text.length,
      bytes,
      from: 0,
      to: bytes.length,
    });
  }
  return COMMITS - (await commits.odd(types)).length;
}

describe('plain commits', () => {
  it('may have some parents', async () => {
    for (const level of [0, 9]) expect(await plainOnes(60, level)).toBe(COMMITS);
  });

  it('have few parents all together: there are four links for each object, and some more', async () => {
    const plain = await plainOnes(1_300, 0);
    expect(plain).toBeGreaterThan(0);
    expect(plain * 1_300).toBeLessThan(70_000);
  });

  it('are not inflated if they are large and take few bytes of the pack', async () => {
    expect(await plainOnes(1_000, 9)).toBe(0);
  });
});

import { describe, expect, it } from 'vitest';
import type { ArtifactName } from '../../../../src/fossil/artifact-name.ts';
import { NameHash, NameTable } from '../../../../src/repository/fossil/name-table.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';

/** Names as an index has them: a mark for each, then their bytes. */
function runOf(names: readonly ArtifactName[]) {
  const marks = Buffer.from(names.map((name) => (name.length === 64 ? 1 : 0)));
  const bytes = Buffer.concat([Buffer.from('before'), marks, Buffer.from(names.join(''), 'hex')]);
  return { run: { bytes, marks: 6, at: 6 + names.length }, end: bytes.length };
}

/** Names of both lengths, many of which come more than once; long ones begin with the digits of short ones. */
function someNames(random: SeededRandom, count: number): ArtifactName[] {
  const known = Array.from({ length: Math.ceil(count / 2) }, () => random.hex(20));
  return Array.from({ length: count }, () => {
    const name = known[random.below(known.length)] ?? '';
    return (random.below(2) === 0 ? name : `${name}${'0'.repeat(24)}`) as ArtifactName;
  });
}

describe('a table of names', () => {
  it('gives names of a run the numbers that it gives single names', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = new SeededRandom(seed);
      const hash = new NameHash(random);
      const [single, whole] = [new NameTable(hash), new NameTable(hash)];
      for (let round = 0; round < 3; round++) {
        const names = someNames(random, 1 + random.below(200));
        const expected = names.map((name) => single.add(name));
        const numbers = new Uint32Array(names.length);
        const { run, end } = runOf(names);
        expect(whole.addRun(run, numbers)).toBe(end);
        expect([...numbers]).toEqual(expected);
        expect(whole.size).toBe(single.size);
      }
      for (let number = 0; number < single.size; number++) {
        const name = single.at(number);
        expect(whole.at(number)).toBe(name);
        expect(whole.find(name)).toBe(number);
      }
    }
  });

  it('tells names apart that meet in one place', () => {
    // Every name has the same hash.
    const hash = new NameHash({
      ...new SeededRandom(1),
      hex: (bytes: number) => '00'.repeat(bytes),
    } as never);
    const names = someNames(new SeededRandom(2), 60);
    const table = new NameTable(hash);
    const numbers = new Uint32Array(names.length);
    table.addRun(runOf(names).run, numbers);
    expect(table.size).toBe(new Set(names).size);
    for (const [at, name] of names.entries()) expect(table.at(numbers[at] ?? -1)).toBe(name);
  });
});

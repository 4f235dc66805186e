import { expect, it } from 'vitest';
import { joinPath, pathText, splitPath } from '../../../src/browse/paths.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';

it('a path is split into the names that it was joined from, for any bytes in them', () => {
  const random = new SeededRandom(86);
  for (let round = 0; round < 300; round++) {
    const names = Array.from({ length: 1 + random.below(5) }, () =>
      Buffer.from(Array.from({ length: random.below(6) }, () => (random.below(255) + 0x30) & 0xff)),
    );
    expect(splitPath(joinPath(names)), `round ${round}`).toEqual(names);
  }
  expect(joinPath([])).toEqual(Buffer.alloc(0));
});

it('a path for people has replacements for what is not UTF-8, name by name', () => {
  expect(pathText([Buffer.from('ü'), Buffer.from([0xc3]), Buffer.from('ö')])).toBe('ü/\ufffd/ö');
});

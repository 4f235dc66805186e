import { expect, it } from 'vitest';
import { compareVersions, versionKey } from '../../../src/lib/version-order.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';

const ASCENDING = [
  '',
  'release-9',
  'release-10',
  'v0.9',
  'v1.0-alpha',
  'v1.0-alpha2',
  'v1.0-beta1',
  'v1.0-rc1',
  'v1.0-rc2',
  'v1.0-rc10',
  'v1.0',
  'v1.0.1',
  'v1.0.10',
  'v1.2',
  'v1.10',
  'v2.0.0rc1',
  'v2.0.0',
  `v${'9'.repeat(400)}`,
  '1.0',
  '2.0',
];

it('names are in the order of version numbers', () => {
  const random = new SeededRandom(64);
  for (let round = 0; round < 20; round++) {
    const mixed = ASCENDING.map((name) => ({ name, at: random.fraction() })).sort((a, b) => a.at - b.at);
    const sorted = mixed.map(({ name }) => versionKey(name)).sort(compareVersions);
    expect(sorted.map(({ name }) => name)).toEqual(ASCENDING);
  }
});

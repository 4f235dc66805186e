import { expect, it } from 'vitest';
import { type KeptPlace, keptPlaceQuery, readKeptPlace } from '../../../../src/web/code/kept-place.ts';
import { withQuery } from '../../../../src/web/code/pager.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';
import { testSeed } from '../../../helpers/test-seed.ts';

it('a place with any bytes comes back from the URL', () => {
  const random = new SeededRandom(testSeed(7));
  for (let at = 0; at < 300; at++) {
    const path = Array.from({ length: random.below(4) }, () =>
      Buffer.from(Uint8Array.from({ length: 1 + random.below(9) }, () => 1 + random.below(255))).map(
        (byte) => (byte === 0x2f ? 0x2e : byte),
      ),
    ).map((name) => Buffer.from(name));
    const place: KeptPlace = { word: random.pick(['blame', 'commits', 'file', 'tree'] as const), path };
    const url = new URL(withQuery('https://example.org/branches', keptPlaceQuery(place)));
    const isNothing = place.word === 'tree' && path.length === 0;
    expect(readKeptPlace(url.searchParams), JSON.stringify(place)).toEqual(isNothing ? undefined : place);
  }
});

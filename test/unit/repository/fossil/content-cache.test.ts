import { expect, it } from 'vitest';
import { ContentCache } from '../../../../src/repository/fossil/content-cache.ts';
import { whole } from '../../../helpers/fossil-rig.ts';

it('a content cache does not keep the request that brought an artifact in memory', () => {
  const cache = new ContentCache({ bytes: 1_000_000, entries: 1_000 });
  const request = Buffer.alloc(100_000, 'x');
  const { name } = whole('a part');
  cache.remember('repository', name, request.subarray(500, 600));
  const kept = cache.get('repository', name);
  expect(kept).toEqual(request.subarray(500, 600));
  expect(kept?.buffer.byteLength).toBeLessThanOrEqual(Buffer.poolSize);
});

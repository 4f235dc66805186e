import { expect, it } from 'vitest';
import { decidePush } from '../../../src/policy/access.ts';

it('lets anyone push, or nobody, and says why', () => {
  expect(decidePush('open')).toEqual({ allow: true });
  expect(decidePush('read-only')).toEqual({ allow: false, reason: expect.stringContaining('read-only') });
});

import { expect, it } from 'vitest';
import { type AccessMode, decidePushEntry, type UrlSpace } from '../../../src/policy/push-entry.ts';

it.each<[AccessMode, UrlSpace, boolean, string]>([
  ['signed', 'git', false, 'unauthenticated: a push needs a token'],
  ['signed', 'git', true, 'by key'],
  ['signed', 'grasp', false, 'by signed-state'],
  ['signed', 'grasp', true, 'by signed-state'],
  ['read-only', 'git', false, 'forbidden: this server is read-only'],
  ['read-only', 'git', true, 'forbidden: this server is read-only'],
  ['read-only', 'grasp', false, 'forbidden: this server is read-only'],
  ['read-only', 'grasp', true, 'forbidden: this server is read-only'],
  ['open', 'git', false, 'by anyone'],
  ['open', 'git', true, 'by anyone'],
  ['open', 'grasp', false, 'by anyone'],
  ['open', 'grasp', true, 'by anyone'],
])('a push to a server that is %s, in the space %s, signed in %s: %s', (mode, space, signedIn, expected) => {
  const entry = decidePushEntry(mode, space, signedIn);
  expect(entry.allow ? `by ${entry.by}` : `${entry.answer}: ${entry.reason}`).toContain(expected);
});

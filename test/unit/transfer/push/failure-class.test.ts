import { expect, it } from 'vitest';
import { GitRefusal } from '../../../../src/git-process/refusal.ts';
import { CairnError } from '../../../../src/lib/errors.ts';
import { failureClass } from '../../../../src/transfer/push/failure-class.ts';
import { usedUp } from '../../../../src/transfer/push/used-up.ts';

it.each([
  ['a full queue', new CairnError('busy', 'too many pushes at once'), 'busy'],
  ['a limit for some minutes', usedUp('pushes', { used: 3, limit: 3, wait: 60 }), 'limit'],
  ['a size', new CairnError('too-large', 'object of 3 bytes is larger than 2'), 'limit'],
  ['a malformed pack', new CairnError('invalid', 'the pack is cut short'), 'pack'],
  ['a pack that git crashes on', new GitRefusal('corrupt', 'git could not walk it'), 'pack'],
  ['damage in the store', new CairnError('corrupt', 'a digest is wrong'), 'server'],
  ['a store that fails', new CairnError('unavailable', 'no answer'), 'server'],
  ['a fault in the server', new TypeError('undefined is not a function'), 'server'],
])('a push that ends with %s', (_what, error, expected) => {
  expect(failureClass(error)).toBe(expected);
});

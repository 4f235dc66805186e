import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { CairnError, isCairnError, messageOf, systemCode } from '../../../src/lib/errors.ts';

it('knows its own errors, and their kinds', () => {
  const error = new CairnError('busy', 'later', { cause: 1 });
  expect(isCairnError(error)).toBe(true);
  expect(isCairnError(error, 'busy')).toBe(true);
  expect(isCairnError(error, 'corrupt')).toBe(false);
  expect(isCairnError(new Error('later'))).toBe(false);
  expect(error.cause).toBe(1);
});

it.each([
  [new Error('said'), 'said'],
  [new RangeError(), 'RangeError'],
  ['thrown', 'thrown'],
  [undefined, 'undefined'],
])('finds a message in %j', (thrown, message) => {
  expect(messageOf(thrown)).toBe(message);
});

it('finds the code of a system error', async () => {
  expect(systemCode(await readFile('/absent').catch((error: unknown) => error))).toBe('ENOENT');
  expect(systemCode(new Error('no code'))).toBeUndefined();
  expect(systemCode(Object.assign(new Error('number'), { code: 7 }))).toBeUndefined();
});

import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import {
  becauseOf,
  CairnError,
  isCairnError,
  messageOf,
  publicError,
  publicTextOf,
  systemCode,
} from '../../../src/lib/errors.ts';

it('a CairnError is recognized, with its kind', () => {
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
])('the message is found in %j', (thrown, message) => {
  expect(messageOf(thrown)).toBe(message);
});

it('the code of a system error is found', async () => {
  expect(systemCode(await readFile('/absent').catch((error: unknown) => error))).toBe('ENOENT');
  expect(systemCode(new Error('no code'))).toBeUndefined();
  expect(systemCode(Object.assign(new Error('number'), { code: 7 }))).toBeUndefined();
});

describe('the public text of an error (issue 11, point 19)', () => {
  const secret = 'connect ECONNREFUSED 10.0.0.7:9000, bucket private-bucket';

  it('is a general sentence for internal errors, unless the error has a public text', () => {
    for (const kind of ['unavailable', 'corrupt'] as const) {
      expect(new CairnError(kind, secret).publicText).not.toContain('10.0.0.7');
      expect(new CairnError(kind, secret, { publicText: 'later' }).publicText).toBe('later');
      expect(publicError(kind, 'later').publicText).toBe('later');
    }
    expect(new CairnError('invalid', 'no such filter').publicText).toBe('no such filter');
  });

  it('combines the public texts of an error and its cause', () => {
    const outer = becauseOf('unavailable', 'nothing was changed', new CairnError('unavailable', secret));
    expect(outer.message).toBe(`nothing was changed: ${secret}`);
    expect(outer.publicText).toMatch(/^nothing was changed: the object store does not answer/);
    expect(becauseOf('unavailable', 'not written', new Error(secret)).publicText).toBe('not written');
  });

  it('is empty for an unexpected error', () => {
    expect(publicTextOf(new Error(secret))).toBe('internal error');
    expect(publicTextOf(secret)).toBe('internal error');
  });
});

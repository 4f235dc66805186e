import { expect, test } from 'vitest';
import { parsePackHeader } from '../../../../src/git/packs/pack-header.ts';
import { RealRepository } from '../real-git.ts';

test('the header of a pack of git is read', () => {
  using repository = new RealRepository();
  repository.populate();
  const pack = repository.git(['pack-objects', '--all', '--stdout', '--quiet']);
  // A tree, a commit and two tags.
  expect(parsePackHeader(pack)).toEqual({ version: 2, objects: 4 });
  for (let length = 0; length < 12; length += 1)
    expect(parsePackHeader(pack.subarray(0, length))).toBeUndefined();
});

test('the number of objects is unsigned, and the view need not begin its buffer', () => {
  const bytes = Buffer.from('xxPACK\0\0\0\x02\xff\xff\xff\xff', 'latin1');
  expect(parsePackHeader(new Uint8Array(bytes).subarray(2))).toEqual({ version: 2, objects: 4_294_967_295 });
});

test.each([
  'P4CK',
  'p',
  '0000',
  'PACK\0\0\0\x01\0\0\0\0',
  'PACK\0\0\0\x03\0\0\0\0',
  'PACK\0\0\0\x04\0\0\0\0',
  'PACK\x02\0\0\0\0\0\0\0',
])('%j is not a pack header', (text) => {
  expect(() => parsePackHeader(Buffer.from(text, 'latin1'))).toThrow(
    expect.objectContaining({ kind: 'invalid' }),
  );
});

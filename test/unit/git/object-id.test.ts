import { expect, test } from 'vitest';
import { hexLength, isObjectId, isZeroId, readObjectId, zeroId } from '../../../src/git/object-id.ts';

const sha1 = '0123456789abcdef0123456789abcdef01234567';
const sha256 = sha1 + sha1.slice(0, 24);

test('an object id is lower-case hex of the length of its format', () => {
  expect(hexLength('sha1')).toBe(40);
  expect(hexLength('sha256')).toBe(64);
  expect(isObjectId(sha1, 'sha1')).toBe(true);
  expect(isObjectId(sha256, 'sha256')).toBe(true);
  for (const text of [
    '',
    sha1.slice(1),
    `${sha1}0`,
    `${sha1}\n`,
    sha256,
    sha1.toUpperCase(),
    `g${sha1.slice(1)}`,
  ]) {
    expect(isObjectId(text, 'sha1'), text).toBe(false);
  }
  expect(isObjectId(sha1, 'sha256')).toBe(false);
});

test('upper-case ids are read as lower-case ones', () => {
  expect(readObjectId(sha1.toUpperCase(), 'sha1')).toBe(sha1);
  expect(readObjectId(sha1, 'sha1')).toBe(sha1);
  expect(readObjectId(sha1, 'sha256')).toBeUndefined();
});

test('the zero id of either format is recognized', () => {
  expect(zeroId('sha1')).toBe('0'.repeat(40));
  expect(isZeroId(zeroId('sha1'))).toBe(true);
  expect(isZeroId(zeroId('sha256'))).toBe(true);
  expect(isZeroId(sha1)).toBe(false);
  expect(isZeroId('0'.repeat(41))).toBe(false);
});

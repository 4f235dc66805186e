import { expect, it } from 'vitest';
import { decodeAs, decodeText } from '../../../../src/git/index.ts';

const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

it('windows-1252 has quotation marks, dashes and the euro, under each of its names', () => {
  const bytes = Buffer.from([0x93, 0x61, 0x94, 0x20, 0x96, 0x20, 0x80, 0x92, 0xfc]);
  for (const name of ['windows-1252', 'ISO-8859-1', 'latin1', 'us-ascii', 'cp1252']) {
    expect(decodeAs(name, bytes), name).toBe('“a” – €’ü');
    expect(decodeAs(name, bytes, true), name).toBe('“a” – €’ü');
    expect(decodeText(bytes, name), name).toBe('“a” – €’ü');
  }
  expect(decodeText(bytes)).toBe('“a” – €’ü');
});

it('in windows-1252 every byte is another character, and those without one are controls', () => {
  const text = decodeAs('windows-1252', EVERY_BYTE);
  expect(new Set(text).size).toBe(256);
  expect(text.slice(0, 0x80)).toBe(EVERY_BYTE.subarray(0, 0x80).toString('latin1'));
  expect(text.slice(0xa0)).toBe(EVERY_BYTE.subarray(0xa0).toString('latin1'));
  const controls = [...text.slice(0x80, 0xa0)].filter((char) => char < '\u00a0');
  expect(controls).toEqual(['\x81', '\x8d', '\x8f', '\x90', '\x9d']);
});

it('other encodings are decoded as their standard says, or refused', () => {
  expect(decodeAs('Shift_JIS', Buffer.from([0x93, 0xfa, 0x96, 0x7b]))).toBe('日本');
  expect(() => decodeAs('utf-8', Buffer.from([0xff]), true)).toThrow(TypeError);
  expect(() => decodeAs('no such thing', Buffer.from([0x61]))).toThrow(RangeError);
});

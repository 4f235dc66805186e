import { expect, it } from 'vitest';
import { decodeAs, decodeText, likelyEncoding } from '../../../../src/git/index.ts';
import { decodeByLine } from '../../../../src/git/objects/text-encoding.ts';
import { SeededRandom } from '../../../helpers/seeded-random.ts';

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

/** Japanese, Chinese, Korean, Russian and Western texts, written by the encoders of Python. */
const SAMPLES: readonly (readonly [encoding: string, hex: string, text: string | undefined])[] = [
  [
    'shift_jis',
    '93fa967b8cea82cc8365834c8358836782c582b7814282b182f182c982bf82cd814190a28a458149',
    '日本語のテキストです。こんにちは、世界！',
  ],
  [
    'euc-jp',
    'c6fccbdcb8eca4cea5c6a5ada5b9a5c8a4c7a4b9a1a3a4b3a4f3a4cba4c1a4cfa1a2c0a4b3a6a1aa',
    '日本語のテキストです。こんにちは、世界！',
  ],
  [
    'shift_jis',
    '2f2f2095cf909482f08f898afa89bb82b782e90a696e742078203d20313b202f2f20834a83458393835e0a',
    '// 変数を初期化する\nint x = 1; // カウンタ\n',
  ],
  [
    'euc-jp',
    '2f2f20cad1bff4a4f2bde9b4fcb2bda4b9a4eb0a696e742078203d20313b202f2f20a5aba5a6a5f3a5bf0a',
    '// 変数を初期化する\nint x = 1; // カウンタ\n',
  ],
  [
    'gb18030',
    'bcf2cce5d6d0cec4cec4b1bea3acc4e3bac3cac0bde7a1a3d5e2cac7d2bbb8f6b2e2cad4cec4bcfea1a3',
    undefined,
  ],
  ['big5', 'c163c5e9a4a4a4e5a4e5a672a141a741a66ea540acc9a143b36fac4fa440add3b4fab8d5c0c9aed7a143', undefined],
  ['euc-kr', 'bec8b3e7c7cfbcbcbfe420bcbcb0e82e20c0ccb0cdc0ba20bdc3c7e820c6c4c0cfc0d4b4cfb4d92e', undefined],
  ['koi8-r', 'f0d2c9d7c5d42c20cdc9d22e20fcd4cf20d0d2cfd7c5d2cbc12e', undefined],
  ['windows-1251', 'cff0e8e2e5f22c20ece8f02e20ddf2ee20eff0eee2e5f0eae02e', undefined],
  [
    'windows-1252',
    '4772fcdf6520617573204bf66c6e2c20636166e920e0206c61206361727465209620939c757672659420bf7365f16f723f2083208361',
    undefined,
  ],
  ['windows-1252', 'a4a5a1bfc0c9ced5dc', undefined],
];

it.each(SAMPLES)('a text in %s is found to be that, or windows-1252', (encoding, hex, text) => {
  const bytes = Buffer.from(hex, 'hex');
  expect(likelyEncoding(bytes)).toBe(text === undefined ? 'windows-1252' : encoding);
  if (text !== undefined) expect(decodeText(bytes)).toBe(text);
});

it('a Japanese text is found from a beginning that ends within a character', () => {
  const kana = Buffer.from('82b182f182c982bf82cd', 'hex');
  for (const before of [0, 1]) {
    const text = Buffer.concat([Buffer.alloc(before, 'x'), ...Array.from({ length: 2_000 }, () => kana)]);
    expect(likelyEncoding(text)).toBe('shift_jis');
  }
});

it('lines of a Japanese text are in its encoding, and lines of UTF-8 among them stay what they are', () => {
  const [short, line] = [Buffer.from('93fa967b', 'hex'), Buffer.from('82b182f182c982bf82cd', 'hex')];
  const text = Buffer.concat([short, Buffer.from('\nGrüße\n'), line, Buffer.from('\n')]);
  expect(decodeByLine(text)).toBe('日本\nGrüße\nこんにちは\n');
  const whole = Buffer.concat([short, Buffer.from('\n'), line]);
  expect(decodeByLine(whole)).toBe('日本\nこんにちは');
});

it('random bytes are almost never taken for Japanese', () => {
  const random = new SeededRandom(7);
  for (let round = 0; round < 2_000; round++) {
    const bytes = Buffer.from(Array.from({ length: 40 }, () => 0x20 + random.below(0xe0)));
    expect(likelyEncoding(bytes), bytes.toString('hex')).toBe('windows-1252');
  }
});

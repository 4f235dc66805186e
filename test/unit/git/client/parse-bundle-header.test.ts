import { expect, it } from 'vitest';
import { isBundle, parseBundleHeader } from '../../../../src/git/index.ts';

const A = 'a'.repeat(40);
const B = 'b'.repeat(40);
const LONG = 'c'.repeat(64);

it('a bundle of version 2 with prerequisites is read', () => {
  const text = `# v2 git bundle\n-${B} why it is needed\n-${B}\n${A} refs/heads/main\n${A} HEAD\n\nPACK`;
  expect(parseBundleHeader(Buffer.from(text))).toEqual({
    objectFormat: 'sha1',
    prerequisites: [B, B],
    refs: new Map([
      ['refs/heads/main', A],
      ['HEAD', A],
    ]),
    otherRefs: [],
    length: text.length - 4,
  });
});

it('a bundle of version 3 with SHA-256 objects is read', () => {
  const text = `# v3 git bundle\n@object-format=sha256\n${LONG} refs/heads/main\n\n`;
  expect(parseBundleHeader(Buffer.from(text))).toMatchObject({
    objectFormat: 'sha256',
    refs: new Map([['refs/heads/main', LONG]]),
  });
});

it('a ref whose name is not UTF-8 is kept apart, as its line has it', () => {
  const text = `# v2 git bundle\n${A} refs/heads/\xff\n${B} refs/heads/main\n\n`;
  expect(parseBundleHeader(Buffer.from(text, 'latin1'))).toMatchObject({
    refs: new Map([['refs/heads/main', B]]),
    otherRefs: [Buffer.from(`${A} refs/heads/\xff`, 'latin1')],
  });
});

it('a bundle without refs is read, and an incomplete header is awaited', () => {
  expect(parseBundleHeader(Buffer.from('# v2 git bundle\n\nPACK'))).toMatchObject({
    refs: new Map(),
    length: 17,
  });
  expect(parseBundleHeader(Buffer.from(`# v2 git bundle\n${A} refs/heads/main\n`))).toBeUndefined();
  expect(isBundle(Buffer.from('# v2 git bund'))).toBe(false);
});

it.each([
  ['# v4 git bundle\n\n', 'corrupt'],
  ['PACK', 'corrupt'],
  [`# v2 git bundle\n${A}\n\n`, 'corrupt'],
  [`# v2 git bundle\n${A.slice(1)} refs/heads/main\n\n`, 'corrupt'],
  [`# v2 git bundle\n${A} refs/heads/\0ofs-delta\n\n`, 'corrupt'],
  [`# v3 git bundle\n@filter=blob:none\n${A} refs/heads/main\n\n`, 'invalid'],
  [`# v3 git bundle\n@object-format=md5\n\n`, 'invalid'],
  [`# v3 git bundle\n@unknown\u001b[31m\n\n`, 'invalid'],
])('%j is refused', (text, kind) => {
  expect(() => parseBundleHeader(Buffer.from(text, 'latin1'))).toThrow(expect.objectContaining({ kind }));
});

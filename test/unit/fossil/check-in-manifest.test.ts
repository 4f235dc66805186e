import { expect, it } from 'vitest';
import { parseCheckInManifest, parseTaggedCheckIn } from '../../../src/fossil/check-in-manifest.ts';
import { writeStructuralArtifact } from '../../../src/fossil/structural-artifact.ts';

const [ONE, OTHER] = ['a'.repeat(40), 'b'.repeat(64)];

/** What is read of the cards of files. */
function filesOf(files: readonly string[], baseline = ''): unknown {
  const cards = [baseline, 'C comment', 'D 2026-01-01T00:00:00', ...files, 'P', 'T *branch * trunk', 'U me'];
  const content = writeStructuralArtifact(
    cards
      .filter((card) => card !== '')
      .map((card) => `${card}\n`)
      .join(''),
  );
  // Whatever its files are, the rest can be read.
  expect(parseTaggedCheckIn(content)).toMatchObject({ user: 'me', branch: 'trunk' });
  const manifest = parseCheckInManifest(content);
  expect(manifest).toEqual(
    manifest === undefined ? undefined : { ...parseTaggedCheckIn(content), files: manifest.files },
  );
  return manifest && Object.fromEntries(manifest.files);
}

it('files have a name, a content, a kind and the name that they had before', () => {
  expect(
    filesOf([
      `F a ${ONE}`,
      `F b ${OTHER} x`,
      `F b/c\\sd ${ONE} l`,
      `F c ${ONE} w old\\sname`,
      `F d ${ONE}  e/f`,
      `F \uff5e ${ONE}`,
      `F \u{1f600} ${ONE}`,
    ]),
  ).toEqual({
    a: { artifact: ONE, kind: 'file', oldName: undefined },
    b: { artifact: OTHER, kind: 'executable', oldName: undefined },
    'b/c d': { artifact: ONE, kind: 'symlink', oldName: undefined },
    c: { artifact: ONE, kind: 'file', oldName: 'old name' },
    d: { artifact: ONE, kind: 'file', oldName: 'e/f' },
    '\uff5e': { artifact: ONE, kind: 'file', oldName: undefined },
    '\u{1f600}': { artifact: ONE, kind: 'file', oldName: undefined },
  });
  expect(filesOf([])).toEqual({});
});

it('a file may be missing if there is a baseline', () => {
  expect(filesOf(['F a', `F b ${ONE}`], `B ${OTHER}`)).toEqual({
    a: undefined,
    b: { artifact: ONE, kind: 'file', oldName: undefined },
  });
  expect(filesOf(['F a', `F b ${ONE}`])).toBeUndefined();
});

it.each([
  ['no name', [`F  ${ONE}`]],
  ['an empty hash', ['F a ']],
  ['an empty hash and a permission', ['F a  x']],
  ['a hash of the wrong length', [`F a ${ONE}0`]],
  ['a hash with a capital letter', [`F a ${ONE.toUpperCase()}`]],
  ['an empty old name', [`F a ${ONE} x `]],
  ['an old name that is no path', [`F a ${ONE} x ../b`]],
  ['one argument more', [`F a ${ONE} x b c`]],
  ['a name that is no path', [`F a//b ${ONE}`]],
  ['a name with a zero', [`F a\\0b ${ONE}`]],
  ['a name twice', [`F a ${ONE}`, `F a ${ONE}`]],
  ['names in the wrong order', [`F b ${ONE}`, `F a ${ONE}`]],
  ['names in the order of JavaScript', [`F \u{1f600} ${ONE}`, `F \uff5e ${ONE}`]],
])('a check-in is none if the card of a file has %s', (_fault, files) => {
  expect(filesOf(files)).toBeUndefined();
  expect(filesOf(files, `B ${OTHER}`)).toBeUndefined();
});

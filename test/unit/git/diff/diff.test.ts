import { expect, it } from 'vitest';
import { ChangedFilesReader } from '../../../../src/git/diff/changed-file.ts';
import { type PatchSection, sectionHead, splitPatch } from '../../../../src/git/diff/patch-sections.ts';
import { splitRows } from '../../../../src/git/diff/split-rows.ts';
import { parseFileDiff } from '../../../../src/git/diff/unified-diff.ts';
import { wholeFileDiff } from '../../../../src/git/diff/whole-file-diff.ts';

const [ZERO, ONE, TWO] = ['0'.repeat(40), '1'.repeat(40), '2'.repeat(40)];
const BOUNDS = { lines: 100, columns: 100 };
const LISTED = Buffer.from(
  `${ONE} ${TWO}\n:100644 100644 ${ONE} ${TWO} M\0a\tb\0:100644 100755 ${ONE} ${ONE} R087\0old\0new\0:000000 100644 ${ZERO} ${ONE} A\0bin\0` +
    '1\t2\ta\tb\x000\t3\t\0old\0new\0-\t-\tbin\0',
);

/** Reads a list that comes in pieces of a size. */
function read(listed: Buffer, { from = 0, most = 10, piece = listed.length } = {}): ChangedFilesReader {
  const reader = new ChangedFilesReader(from, most);
  for (let at = 0; at < listed.length; at += piece) reader.push(listed.subarray(at, at + piece));
  reader.end();
  return reader;
}

it('changed files have status, both paths, modes and counts, for any division of the output', () => {
  for (let piece = 1; piece <= LISTED.length; piece++) {
    const { files, count, totals } = read(LISTED, { piece });
    expect([count, totals]).toEqual([3, { added: 1, deleted: 5 }]);
    const shown = files.map((file) => [
      file.status,
      String(file.oldPath),
      String(file.newPath),
      file.added,
      file.deleted,
    ]);
    expect(shown).toEqual([
      ['modified', 'a\tb', 'a\tb', 1, 2],
      ['renamed', 'old', 'new', 0, 3],
      ['added', 'bin', 'bin', undefined, undefined],
    ]);
    expect(files[1]).toMatchObject({ oldMode: '100644', newMode: '100755' });
  }
});

it('very many changed files are counted, and some of them are kept', () => {
  expect(read(LISTED, { most: 1 })).toMatchObject({ count: 3, files: [{ status: 'modified', added: 1 }] });
  expect(read(LISTED, { from: 1, most: 1 })).toMatchObject({ count: 3, files: [{ status: 'renamed' }] });
  expect(read(Buffer.from(`${ONE} ${TWO}\n`))).toMatchObject({ count: 0, files: [], listedAll: false });
});

it('a file whose lines git does not count, because only white space differs, has no counts', () => {
  const listed = `${ONE} ${TWO}\n:100644 100644 ${ONE} ${TWO} M\0a\0:100644 100644 ${ONE} ${TWO} M\0b\x001\t2\tb\0`;
  const { files } = read(Buffer.from(listed));
  expect(files.map(({ added, deleted }) => [added, deleted])).toEqual([
    [0, 0],
    [1, 2],
  ]);
});

const PATCH = `diff --git a/x b/x
index ${ONE}..${TWO} 100644
--- a/x
+++ b/x
@@ -1,3 +1,3 @@ function f()
 one
-two
+diff --git a/y b/y
 three
\\ No newline at end of file
@@ -10 +10,2 @@
+ten
 eleven
diff --git a/b b/b
index ${ONE}..${TWO} 100644
Binary files a/b and b/b differ
diff --git a/m b/m
old mode 100644
new mode 100755
`;

const sectionsOf = (patch: string, complete = true): PatchSection[] =>
  splitPatch(Buffer.from(patch), complete);

it('a unified diff is read as files, hunks and lines, for any content of the lines', () => {
  const sections = sectionsOf(PATCH);
  expect(sections.map(({ head }) => head)).toEqual([
    'diff --git a/x b/x',
    'diff --git a/b b/b',
    'diff --git a/m b/m',
  ]);
  const [text, binary, mode] = sections.map((section) => parseFileDiff([section], BOUNDS));
  expect(text?.hunks.map(({ heading, lines }) => [heading, lines.length])).toEqual([
    ['function f()', 4],
    ['', 2],
  ]);
  expect(text?.hunks[0]?.lines[1]).toEqual({ kind: 'deleted', oldLine: 2, newLine: undefined, text: 'two' });
  expect(text?.hunks[0]?.lines[2]).toMatchObject({ kind: 'added', newLine: 2, text: 'diff --git a/y b/y' });
  expect(text?.hunks[0]?.lines[3]).toMatchObject({ oldLine: 3, newLine: 3, noLineFeed: true });
  expect(text?.hunks[1]?.lines[1]).toMatchObject({ oldLine: 10, newLine: 11, text: 'eleven' });
  expect([text?.cut, binary?.binary, mode?.binary, mode?.hunks]).toEqual([false, true, false, []]);
});

it('a diff that is cut anywhere is read up to the cut, and marked', () => {
  for (let end = 0; end < PATCH.length; end++) {
    const last = sectionsOf(PATCH.slice(0, end), false).at(-1);
    if (last !== undefined) expect(parseFileDiff([last], BOUNDS).cut).toBe(true);
  }
  const short = parseFileDiff(sectionsOf(PATCH).slice(0, 1), { lines: 2, columns: 3 });
  expect([short.cut, short.hunks.flatMap(({ lines }) => lines).map(({ text }) => text)]).toEqual([
    true,
    ['one', 'two'],
  ]);
  const narrow = parseFileDiff(sectionsOf(PATCH).slice(0, 1), { lines: 100, columns: 2 });
  expect(narrow.hunks[0]?.lines[0]?.text).toBe('on…');
});

it('a file that changes its encoding is shown in both', () => {
  const patch = Buffer.concat([
    Buffer.from(
      `diff --git a/x b/x\nindex ${ONE}..${TWO} 100644\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n same\n-`,
    ),
    Buffer.from('Gr\xfc\xdfe\n', 'latin1'),
    Buffer.from('+Grüße\n'),
  ]);
  const { hunks } = parseFileDiff(splitPatch(patch, true), BOUNDS);
  expect(hunks[0]?.lines.map(({ text }) => text)).toEqual(['same', 'Grüße', 'Grüße']);
});

it('a diff and a file that are cut within a character are read as what they are', () => {
  const patch = Buffer.from(
    `diff --git a/x b/x\nindex ${ONE}..${TWO} 100644\n--- a/x\n+++ b/x\n@@ -1 +1,2 @@\n-Straße\n+Größe\n+ü`,
  );
  const { hunks } = parseFileDiff(splitPatch(patch.subarray(0, -1), false), BOUNDS);
  expect(hunks[0]?.lines.map(({ text }) => text)).toEqual(['Straße', 'Größe']);
  const whole = wholeFileDiff(Buffer.from('Größe\nü').subarray(0, -1), 'added', BOUNDS, false);
  expect(whole.hunks[0]?.lines[0]?.text).toBe('Größe');
});

it('the head of a section has the paths in git’s quoting', () => {
  const head = (path: Buffer) => sectionHead({ oldPath: path, newPath: path });
  expect(head(Buffer.from('a b'))).toBe('diff --git a/a b b/a b');
  expect(head(Buffer.from('"\\\t\n\x01\x7fé'))).toBe(
    String.raw`diff --git "a/\"\\\t\n\001\177\303\251" "b/\"\\\t\n\001\177\303\251"`,
  );
});

it('a whole file is shown like an added or deleted one', () => {
  const { hunks, cut } = wholeFileDiff(Buffer.from('one\ntwo'), 'deleted', BOUNDS);
  expect(cut).toBe(false);
  expect(hunks[0]?.lines).toEqual([
    { kind: 'deleted', oldLine: 1, newLine: undefined, text: 'one' },
    { kind: 'deleted', oldLine: 2, newLine: undefined, text: 'two', noLineFeed: true },
  ]);
  expect(wholeFileDiff(Buffer.from('1\n2\n'), 'added', { lines: 1, columns: 9 }).cut).toBe(true);
  expect(wholeFileDiff(Buffer.from('\0'), 'added', BOUNDS).binary).toBe(true);
  expect(wholeFileDiff(Buffer.alloc(0), 'added', BOUNDS).hunks).toEqual([]);
});

it('two columns hold the old and the new lines', () => {
  const [x] = sectionsOf(PATCH);
  const { hunks } = parseFileDiff(x === undefined ? [] : [x], BOUNDS);
  const rows = hunks.map(({ lines }) => splitRows(lines).map(({ left, right }) => [left?.text, right?.text]));
  expect(rows).toEqual([
    [
      ['one', 'one'],
      ['two', 'diff --git a/y b/y'],
      ['three', 'three'],
    ],
    [
      [undefined, 'ten'],
      ['eleven', 'eleven'],
    ],
  ]);
});

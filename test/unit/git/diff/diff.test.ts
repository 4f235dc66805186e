import { expect, it } from 'vitest';
import { parseChangedFiles } from '../../../../src/git/diff/changed-file.ts';
import { parseUnifiedDiff } from '../../../../src/git/diff/unified-diff.ts';

const [ZERO, ONE, TWO] = ['0'.repeat(40), '1'.repeat(40), '2'.repeat(40)];
const LISTED = Buffer.from(
  `${ONE} ${TWO}\n:100644 100644 ${ONE} ${TWO} M\0a\tb\0:100644 100755 ${ONE} ${ONE} R087\0old\0new\0:000000 100644 ${ZERO} ${ONE} A\0bin\0` +
    '1\t2\ta\tb\x000\t3\t\0old\0new\0-\t-\tbin\0',
);

it('changed files have status, both paths, modes and counts', () => {
  const { files, count } = parseChangedFiles(LISTED, 10);
  expect(count).toBe(3);
  expect(
    files.map(({ status, oldPath, newPath, added, deleted }) => [
      status,
      String(oldPath),
      String(newPath),
      added,
      deleted,
    ]),
  ).toEqual([
    ['modified', 'a\tb', 'a\tb', 1, 2],
    ['renamed', 'old', 'new', 0, 3],
    ['added', 'bin', 'bin', undefined, undefined],
  ]);
  expect(files[1]).toMatchObject({ oldMode: '100644', newMode: '100755' });
});

it('of very many changed files the first are returned, and all are counted', () => {
  expect(parseChangedFiles(LISTED, 1)).toMatchObject({ count: 3, files: [{ status: 'modified', added: 1 }] });
  expect(parseChangedFiles(Buffer.from(`${ONE} ${TWO}\n`), 10)).toEqual({ files: [], count: 0 });
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

it('a unified diff is read by files, hunks and lines, whatever the lines hold', () => {
  const [text, binary, mode] = parseUnifiedDiff(Buffer.from(PATCH), true, 100);
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

it('a diff that ends anywhere is read as far as it goes, and marked', () => {
  for (let end = 0; end < PATCH.length; end++) {
    const files = parseUnifiedDiff(Buffer.from(PATCH.slice(0, end)), false, 100);
    if (files.length > 0) expect(files.at(-1)?.cut).toBe(true);
  }
  const [short] = parseUnifiedDiff(Buffer.from(PATCH), true, 2);
  expect([short?.cut, short?.hunks.flatMap(({ lines }) => lines).length]).toEqual([true, 2]);
});

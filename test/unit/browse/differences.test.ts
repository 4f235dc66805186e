import { expect, it } from 'vitest';
import { compareTrees } from '../../../src/browse/differences.ts';
import type { RepositoryView } from '../../../src/browse/repository-view.ts';
import type { FileDiff } from '../../../src/git/index.ts';
import { ComparisonSession } from '../../../src/git-process/comparison-session.ts';
import { BrowseRig } from '../../helpers/browse-rig.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';

/** The lines of a diff as git prints them. */
function printed({ hunks, binary }: FileDiff): string[] {
  const lines = hunks.flatMap(({ lines }) =>
    lines.flatMap(({ kind, text, noLineFeed }) => [
      `${{ added: '+', deleted: '-', context: ' ' }[kind]}${text}`,
      ...(noLineFeed === true ? ['\\ No newline at end of file'] : []),
    ]),
  );
  // Of a file whose type changes, one side may be binary.
  return binary ? [...lines, 'binary'] : lines;
}

/** What git prints about the same files, without the lines around it. */
function expected(patch: string): string[] {
  const lines: string[] = [];
  let isHunk = false;
  for (const line of patch.replace(/\n$/, '').split('\n')) {
    if (line.startsWith('diff --git ')) isHunk = false;
    else if (line.startsWith('Binary files ')) lines.push('binary');
    else if (line.startsWith('@@')) isHunk = true;
    else if (isHunk) lines.push(line);
  }
  return lines;
}

for (const format of ['sha1', 'sha256'] as const) {
  it(`differences of random trees equal those of git, as a list and file by file, in ${format}`, async () => {
    const seed = 15_063;
    const random = new SeededRandom(seed);
    await using rig = await BrowseRig.open(format);
    const { client } = rig;
    const names = ['a', 'b c', 'dir/e', 'dir/f"g', 'dir/deep/é', 'tab\there', '-x', 'diff --git a', '\\'];
    const words = ['one', 'two', '', ' ', '\t', 'diff --git a/a b/a', '@@ -1 +1 @@', '+', '-', '\\ No', 'é'];
    const content = () => {
      const lines = Array.from({ length: random.below(12) }, () => random.pick(words));
      const isBinary = random.below(8) === 0;
      return `${isBinary ? '\0' : ''}${lines.join('\n')}${random.below(3) === 0 ? '' : '\n'}`;
    };
    const blobs: string[] = [];
    for (let at = 0; at < 12; at++) {
      blobs.push(await client.run(['hash-object', '-w', '--stdin'], { input: content() }));
    }
    const zeros = '0'.repeat(blobs[0]?.length ?? 0);
    const tree = async () => {
      const index = { GIT_INDEX_FILE: `${client.folder}/.git/index-of-test` };
      const lines = names.map((name) => {
        const what = random.below(12);
        if (what < 4) return `0 ${zeros}\t${name}\0`;
        const mode = ['100644', '100755', '120000', '160000'][Math.max(0, what - 8)] ?? '100644';
        return `${mode} ${random.pick(blobs)}\t${name}\0`;
      });
      await client.run(['update-index', '-z', '--index-info'], { env: index, input: lines.join('') });
      return client.run(['write-tree'], { env: index });
    };
    const view: RepositoryView = await rig.view();
    for (let round = 0; round < 12; round++) {
      const [from, to] = [await tree(), await tree()];
      const ignoreSpace = round % 3 === 0;
      const options = ['-r', '-M50%', '-l400', ...(ignoreSpace ? ['-w'] : [])];
      const hint = `seed ${seed}, ${format}, round ${round}: ${from} ${to}`;
      const patch = await client.run(['diff-tree', '-p', ...options, from, to]);
      const { files, count } = await compareTrees(view, from, to, { ignoreSpace });
      const raw = await client.run(['diff-tree', '--raw', '-z', ...options, from, to]);
      expect(count, hint).toBe(raw.split('\0').filter((field) => field.startsWith(':')).length);
      const found = files.flatMap(({ diff }) => (diff === undefined ? ['missing'] : printed(diff)));
      const hasBoth = files.some(({ diff }) => diff?.binary === true && diff.hunks.length > 0);
      const inOrder = (lines: string[]) => (hasBoth ? lines.sort() : lines);
      expect(inOrder(found), hint).toEqual(inOrder(expected(patch)));
      // A session that has not been asked before leaves it to processes, which tell the same.
      const anew = new ComparisonSession(view.git, await view.gitDir());
      const byProcesses = await compareTrees({ ...view, comparisons: anew }, from, to, { ignoreSpace });
      expect(byProcesses.files, hint).toEqual(files);
      // One file alone has the same lines.
      const at = files.length === 0 ? 0 : random.below(files.length);
      const isSubmodule = files[at]?.file.newMode === '160000' && files[at]?.file.oldMode === '160000';
      if (files.length === 0 || isSubmodule) continue;
      const alone = await compareTrees(view, from, to, { ignoreSpace, file: at + 1 });
      expect(alone.files[0]?.file, hint).toEqual(files[at]?.file);
      expect(alone.files[0]?.diff && printed(alone.files[0].diff), hint).toEqual(
        files[at]?.diff && printed(files[at].diff),
      );
    }
  });
}

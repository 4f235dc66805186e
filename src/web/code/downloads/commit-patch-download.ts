import { readCommit, readCommitOf } from '../../../browse/objects.ts';
import { isObjectId } from '../../../git/index.ts';
import { EMPTY_TREE } from '../../../git-process/commands.ts';
import { printMail, printWholeDiff } from '../../../git-process/download-commands.ts';
import { CairnError } from '../../../lib/errors.ts';
import type { CodeDownload } from '../code-download.ts';
import { answerPatch, isPatch, withoutEnding } from './patch-answer.ts';

/** A commit as a mail for `git am` (`.patch`), or as a diff from its first parent (`.diff`). */
export const commitPatchDownload: CodeDownload = {
  word: 'commit',
  claims: isPatch,
  answer: async (c, sources, found, segments) => {
    const { repository, published } = found;
    const { objectFormat } = published.manifest;
    const { names, form } = withoutEnding(segments);
    const id = names[0]?.toString('latin1') ?? '';
    if (names.length !== 1 || !isObjectId(id, objectFormat)) {
      throw new CairnError('not-found', 'use the full id of the commit');
    }
    const { oid, before, tree } = await sources.views.read(
      repository,
      published,
      c.req.raw.signal,
      async (view) => {
        const { oid, commit } = await readCommitOf(view, id);
        const [parent] = commit.parents;
        const before =
          parent === undefined ? EMPTY_TREE[objectFormat] : (await readCommit(view, parent)).commit.tree;
        return { oid, before, tree: commit.tree };
      },
    );
    return answerPatch(c, sources, found, {
      key: ['commit', oid, form],
      name: `${oid.slice(0, 12)}.${form}`,
      command: (gitDir) => (form === 'patch' ? printMail(gitDir) : printWholeDiff(gitDir, before, tree)),
      input: form === 'patch' ? `${oid}\n` : '',
    });
  },
};

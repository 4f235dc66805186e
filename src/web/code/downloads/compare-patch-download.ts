import { exceptOf, readComparison, readPair, startOf } from '../../../browse/comparison.ts';
import { printMails, printWholeDiff } from '../../../git-process/download-commands.ts';
import { CairnError, isCairnError } from '../../../lib/errors.ts';
import type { GitManifest } from '../../../repository/git/git-manifest.ts';
import type { CodeDownload } from '../code-download.ts';
import { answerPatch, isPatch, withoutEnding } from './patch-answer.ts';

/**
 * What lies between two commits: the commits as mails for `git am`, oldest first and without merges (`.patch`), or one diff
 * (`.diff`).
 */
export const comparePatchDownload: CodeDownload = {
  word: 'compare',
  // A branch may be named like a patch.
  claims: (segments, manifest) => isPatch(segments) && !isPair(manifest, segments),
  answer: async (c, sources, found, segments) => {
    const { repository, published } = found;
    const { names, form } = withoutEnding(segments);
    const pair = readComparison(published.manifest, names);
    const { from, to, start, except } = await sources.views.read(
      repository,
      published,
      c.req.raw.signal,
      async (view) => {
        const { from, to, mergeBase } = await readPair(view, pair);
        const start = await startOf(view, pair, from, mergeBase);
        return { from, to, start, except: exceptOf(from.oid, mergeBase) };
      },
    );
    if (form === 'patch') {
      return answerPatch(c, sources, found, {
        key: ['mails', from.oid, to.oid],
        name: `${from.oid.slice(0, 12)}-${to.oid.slice(0, 12)}.patch`,
        command: printMails,
        input: [to.oid, ...except.map((oid) => `^${oid}`)].map((line) => `${line}\n`).join(''),
      });
    }
    if (start === undefined) {
      throw new CairnError('not-found', 'these histories have nothing in common: compare them with two dots');
    }
    const [before, after] = [start.commit.tree, to.commit.tree];
    return answerPatch(c, sources, found, {
      key: ['diff', before, after],
      name: `${start.oid.slice(0, 12)}-${to.oid.slice(0, 12)}.diff`,
      command: (gitDir) => printWholeDiff(gitDir, before, after),
      input: '',
    });
  },
};

function isPair(manifest: GitManifest, segments: readonly Buffer[]): boolean {
  try {
    readComparison(manifest, segments);
    return true;
  } catch (error) {
    if (isCairnError(error, 'not-found')) return false;
    throw error;
  }
}

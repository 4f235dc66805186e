import type { Differences } from '../../../browse/differences.ts';
import type { RepositoryView } from '../../../browse/repository-view.ts';
import type { Renderer } from '../../render/render-pool.ts';
import { type ColouredLines, colourLines } from './colour-lines.ts';
import { readContexts } from './file-contexts.ts';

/** Marks the words of changed files that are in a repository, as they are within their files. */
export function colourFiles(
  view: RepositoryView,
  renderer: Renderer,
  differences: Differences,
): Promise<ColouredLines> {
  return colourLines(renderer, differences, {
    contexts: (files) => readContexts(view, files),
    onCut: view.onCut,
  });
}

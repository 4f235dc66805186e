import type { PublishedTips } from '../../../git-process/inspect-tips.ts';
import type { GitState } from '../../git/git-manifest.ts';

/** Tips that git is given to end its search at; each costs it a look at an object. */
const LIKELY = 1_000;

/**
 * Where a search for what a pack brings may end: at what the refs that are to change and the default branch point at; then at what the
 * first refs of the repository do. So it costs the same however many refs there are, unless the pack builds on none of these.
 *
 * @param names of the refs that are to change
 */
export function publishedTips(
  state: GitState | undefined,
  names: readonly string[],
  limit = LIKELY,
): PublishedTips {
  if (state === undefined) return { likely: [] };
  const { refs, head } = state;
  const likely = new Set<string>();
  for (const name of [head, ...names.slice(0, limit)]) {
    const oid = refs.get(name);
    if (oid !== undefined) likely.add(oid);
  }
  let looked = 0;
  for (const oid of refs.values()) {
    if (looked++ === limit) break;
    likely.add(oid);
  }
  if (refs.size <= limit) return { likely: [...likely] };
  return { likely: [...likely], all: () => refs.values() };
}

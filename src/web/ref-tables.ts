import { html } from 'hono/html';
import { countRefsStartingWith, otherRefs, refsStartingWith } from '../git/index.ts';
import type { GitState } from '../repository/git/git-manifest.ts';
import type { Html } from './layout.ts';
import { userText } from './user-text.ts';

/** Maximum number of refs shown of each kind; a repository may have a million. */
const SHOWN = 100;
/** Maximum number of tags that are sorted by number. */
const ORDERED = 1_000;

const byNumbers = new Intl.Collator('en', { numeric: true });

/** Tables of refs: branches, with the one that HEAD names first; tags, the highest number first; then all others. */
export function refTables(state: Pick<GitState, 'head' | 'refs' | 'peeled'>): Html {
  const { head, refs } = state;
  const branches = refs.has(head) ? [head] : [];
  for (const [name] of refsStartingWith(refs, 'refs/heads/')) {
    if (name !== head) branches.push(name);
    if (branches.length > SHOWN) break;
  }
  const tags = Array.from(refsStartingWith(refs, 'refs/tags/'), ([name]) => name);
  const highest = tags.slice(-ORDERED).sort((a, b) => byNumbers.compare(b, a));
  const others: string[] = [];
  for (const name of otherRefs(refs)) {
    others.push(name);
    if (others.length > SHOWN) break;
  }
  const branchCount = countRefsStartingWith(refs, 'refs/heads/');
  return html`${table('Branches', branches, branchCount, state)}
${table('Tags', highest, tags.length, state)}
${table('Other refs', others, refs.size - branchCount - tags.length, state)}`;
}

function table(
  title: string,
  names: readonly string[],
  count: number,
  { head, refs, peeled }: Parameters<typeof refTables>[0],
): Html | '' {
  if (count === 0) return '';
  const shown = names.slice(0, SHOWN);
  const rows = shown.map((name) => {
    const target = peeled.get(name) ?? refs.get(name) ?? '';
    const mark = name === head ? html` <span class="quiet">(HEAD)</span>` : '';
    return html`<tr><th scope="row"><code>${userText(shortName(name), 1_024)}</code>${mark}</th><td><code>${target}</code></td></tr>
`;
  });
  const rest =
    count > shown.length
      ? html`<p class="quiet">${shown.length} of ${count.toLocaleString('en')}: <code>git ls-remote</code> shows all of them.</p>`
      : '';
  return html`<h2>${title}</h2>
<table>
<thead><tr><th scope="col">Name</th><th scope="col">Points at</th></tr></thead>
<tbody>
${rows}</tbody>
</table>
${rest}`;
}

/** The short name of a ref: branches and tags without their folder. */
function shortName(name: string): string {
  return name.replace(/^refs\/(?:heads|tags)\//, '');
}

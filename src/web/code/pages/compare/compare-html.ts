import { html } from 'hono/html';
import { COMPARED_COMMITS, type ComparedPair, type Comparison } from '../../../../browse/comparison.ts';
import { isRefName } from '../../../../browse/revision.ts';
import type { Html } from '../../../layout.ts';
import { userText } from '../../../user-text.ts';
import type { CodeLinks } from '../../code-links.ts';
import type { ColouredLines } from '../../diff/colour-lines.ts';
import type { DiffView } from '../../diff/diff-view.ts';
import { differencesHtml } from '../../diff/differences-html.ts';
import { type CodeContext, codePage } from '../../frame.ts';
import { pager } from '../../pager.ts';
import { commitRows } from '../commits/commit-rows.ts';

/** A comparison as a page shows it. */
export interface ColouredComparison extends Comparison {
  /** Only for people. */
  readonly coloured: ColouredLines | undefined;
}

const NAME = 255;

/** The difference of two commits: the commits between them, and the diff. */
export function compareHtml(
  context: CodeContext,
  pair: ComparedPair,
  skip: number,
  view: DiffView,
  comparison: ColouredComparison,
): Html {
  const { links, manifest } = context;
  const { from, to, dots } = pair;
  const { history, differences, coloured, mergeBase } = comparison;
  const here = links.compare(from.name, to.name, dots);
  // Another branch may be named like the patch of this one.
  const isTaken = ['patch', 'diff'].some((form) => isRefName(manifest, `${to.name}.${form}`));
  const patches = isTaken ? links.compare(from.name, comparison.to.oid, dots) : here;
  const others = skip === 0 ? {} : { skip: String(skip) };
  const start = dots === 2 ? comparison.from.oid : mergeBase;
  return codePage(
    context,
    `${shortened(from.name)}${'.'.repeat(dots)}${shortened(to.name)}`,
    html`<h1 class="subject">${nameHtml(from.name)}${'.'.repeat(dots)}${nameHtml(to.name)}</h1>
${form(links, pair)}
<p>${summary(links, pair, comparison)}</p>
<p class="switches"><a href="${links.compare(to.name, from.name, dots)}">Swap</a>
<a href="${links.compare(from.name, to.name, dots === 2 ? 3 : 2)}">${
      dots === 2 ? 'Since the common ancestor' : 'Tip against tip'
    }</a>
${history.commits.length === 0 ? '' : html`<a href="${patches}.patch">Patches</a>`}
${differences === undefined ? '' : html`<a href="${patches}.diff">Diff</a>`}</p>
<h2>Commits</h2>
${history.commits.length === 0 ? html`<p>No commits.</p>` : commitRows(links, history.commits)}
${pager({
  url: here,
  query: { view: view.split ? 'split' : '', w: view.ignoreSpace ? '1' : '' },
  skip,
  size: COMPARED_COMMITS,
  more: history.more,
  previous: 'Newer',
  next: 'Older',
})}
${
  differences === undefined
    ? ''
    : differencesHtml(links, {
        differences,
        coloured,
        view,
        here,
        others,
        before: start,
        after: comparison.to.oid,
      })
}`,
  );
}

/** A whole id is longer than a title may be on a phone. */
function shortened(name: string): string {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(name) ? name.slice(0, 10) : name;
}

function nameHtml(name: string): Html {
  return userText(shortened(name), NAME);
}

/** How the two are related, in words. */
function summary(
  links: CodeLinks,
  { from, to, dots }: ComparedPair,
  { mergeBase, ...found }: Comparison,
): Html {
  const [first, second] = [nameHtml(from.name), nameHtml(to.name)];
  if (found.from.oid === found.to.oid) return html`${first} and ${second} are the same commit.`;
  if (mergeBase === undefined) {
    return html`${first} and ${second} have nothing in common.${dots === 3 ? ' Their files can be compared tip against tip.' : ''}`;
  }
  if (mergeBase === found.to.oid) return html`${first} has everything of ${second}.`;
  if (mergeBase === found.from.oid) return html`${second} has everything of ${first}, and more.`;
  return html`${first} and ${second} have moved apart since <a href="${links.commit(mergeBase)}"><code>${mergeBase.slice(0, 10)}</code></a>.`;
}

function form(links: CodeLinks, { from, to }: ComparedPair): Html {
  return html`<form class="compare" action="${links.repository}/compare" method="get">
<label>From <input name="base" value="${from.name}" autocomplete="off" spellcheck="false"></label>
<label>to <input name="head" value="${to.name}" autocomplete="off" spellcheck="false"></label>
<button type="submit">Compare</button>
</form>`;
}

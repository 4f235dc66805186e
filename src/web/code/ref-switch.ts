import { html } from 'hono/html';
import type { SomeRefs } from '../../browse/refs/ref-choices.ts';
import { shortName } from '../../browse/revision.ts';
import { isObjectId } from '../../git/index.ts';
import type { PageWord } from '../../nostr/repository-url.ts';
import type { Html } from '../layout.ts';
import { userText } from '../user-text.ts';
import type { CodeContext } from './frame.ts';
import { keptPlaceQuery } from './kept-place.ts';
import { withQuery } from './pager.ts';

/** What a page shows: its kind, the revision as its URL names it, and a path. */
export interface ShownPlace {
  readonly word: PageWord;
  readonly revision: string;
  /** The whole name of the ref; undefined for an id. */
  readonly ref: string | undefined;
  readonly path: readonly Buffer[];
}

const NAME = 255;

/**
 * A list of branches and tags, which opens without script. Each leads to the same path in it, or, where nothing is there, to the
 * nearest folder above. Empty for a page whose context has no choices.
 */
export function refSwitch(context: CodeContext, place: ShownPlace): Html | '' {
  const { choices, links } = context;
  if (choices === undefined) return '';
  const { branches, tags } = choices;
  const group = (title: string, refs: SomeRefs, all: string) =>
    refs.count === 0
      ? ''
      : html`<p class="quiet">${title}</p>
<ul>
${refs.shown.map(({ ref, name }) => choiceHtml(context, place, ref, name))}</ul>
${refs.shown.length < refs.count ? html`<p><a href="${withQuery(`${links.repository}/${all}`, keptPlaceQuery(place))}">All ${refs.count.toLocaleString('en')} ${all}</a></p>` : ''}`;
  return html`<details class="switch"><summary><span class="quiet">${kindOf(place, context)}</span> ${shownName(place)}</summary>
<div class="menu">
${group('Branches', branches, 'branches')}${group('Tags', tags, 'tags')}</div></details>`;
}

function choiceHtml(
  { links, manifest }: CodeContext,
  { word, ref: shown, path }: ShownPlace,
  ref: string,
  name: string,
): Html {
  const text = userText(shortName(ref), NAME);
  const mark = ref === manifest.head ? html` <span class="badge">default</span>` : '';
  if (ref === shown)
    return html`<li><span aria-current="true">${text}</span>${mark}</li>
`;
  // Every branch has a root, and what a tag stands for has to be looked at.
  const isThere = path.length === 0 && ref.startsWith('refs/heads/');
  const url = isThere ? links.at(word, name) : links.switchTo(word, name, path);
  return html`<li><a href="${url}"${isThere ? '' : html` rel="nofollow"`}>${text}</a>${mark}</li>
`;
}

function kindOf({ revision, ref }: ShownPlace, { manifest }: CodeContext): string {
  if (ref?.startsWith('refs/heads/')) return 'Branch';
  if (ref?.startsWith('refs/tags/')) return 'Tag';
  return isObjectId(revision, manifest.objectFormat) ? 'Commit' : 'Ref';
}

function shownName({ revision, ref }: ShownPlace): Html {
  return ref === undefined ? html`<code>${revision.slice(0, 10)}</code>` : userText(shortName(ref), NAME);
}

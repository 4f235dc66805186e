import { html } from 'hono/html';
import type { FossilManifest } from '../../repository/fossil/fossil-manifest.ts';
import type { About } from '../code/about.ts';
import { type Html, type PageParts, page } from '../layout.ts';
import { repositoryTitle, type ShownNames } from '../repository-title.ts';
import { visitor } from '../session/visitor.ts';
import { cut, userText } from '../user-text.ts';
import type { FossilLinks } from './fossil-links.ts';
import type { FossilWord } from './fossil-word.ts';
import { TIP } from './read-artifact-name.ts';

/** What every page of a Fossil repository knows. All of it is part of what a kept page depends on. */
export interface FossilContext extends ShownNames {
  /** The public base URL of the service. */
  readonly base: string;
  readonly links: FossilLinks;
  /** Public key in hex. */
  readonly owner: string;
  readonly manifest: FossilManifest;
  /** The word of the page; empty on the repository's own page. */
  readonly word: FossilWord | '';
  /** What is said of the repository. Only its own page has it. */
  readonly about?: About;
  /** The key of the visitor, where not everybody may read the repository. */
  readonly reader?: string;
}

const NAME = 120;
const PATH = 255;

/** What a page has of its context. */
export function contextKey({ links, name, ownerName, about, reader }: FossilContext): unknown {
  return [links.repository, name, ownerName ?? null, about ?? null, reader ?? null];
}

/** What else a page says of itself, see {@link PageParts}. */
type PageFacts = Pick<PageParts, 'description' | 'canonical'>;

/** A page: the repository and its parts above, the content below. @param title plain text; empty for the repository's own page */
export function fossilFrame(
  context: FossilContext,
  title: string,
  content: Html,
  facts: PageFacts = {},
): Html {
  const { base, name, reader } = context;
  return page({
    ...facts,
    title: title === '' ? cut(name, NAME) : `${title} · ${cut(name, NAME)}`,
    base,
    wide: true,
    content: html`${fossilParts(context)}
${reader === undefined ? '' : visitor(base, reader)}
${content}`,
  });
}

/** The repository, whose it is, and its parts. */
function fossilParts(context: FossilContext): Html {
  const { base, links, manifest, owner, word } = context;
  const tab = (title: string, url: string, isHere: boolean) =>
    html`<li><a href="${url}"${isHere ? html` aria-current="true"` : ''}>${title}</a></li>
`;
  return html`<nav class="repository" aria-label="Repository">
${repositoryTitle(base, owner, links.repository, context)}
<ul>
${tab('Overview', links.repository, word === '')}${manifest.artifacts === 0 ? '' : [tab('Files', links.at('tree', TIP), word === 'tree' || word === 'file'), tab('Timeline', links.at('timeline'), word === 'timeline' || word === 'checkin'), tab('Wiki', links.at('wiki'), word === 'wiki'), tab('Tickets', links.at('tickets'), word === 'tickets'), tab('Technotes', links.at('technotes'), word === 'technotes'), tab('Forum', links.at('forum'), word === 'forum')]}</ul>
</nav>`;
}

/** Links to a path and all folders above it, the last one as plain text. @param checkIn its name, or `tip` */
export function breadcrumbs({ links }: FossilContext, checkIn: string, path: string): Html {
  const names = path === '' ? [] : path.split('/');
  const parts = names.map((name, at) => {
    const text = userText(name, PATH);
    return html`<span class="quiet" aria-hidden="true">/</span>${
      at === names.length - 1
        ? html`<span aria-current="page">${text}</span>`
        : html`<a href="${links.at('tree', checkIn, names.slice(0, at + 1).join('/'))}">${text}</a>`
    }`;
  });
  return html`<h1 class="path"><a href="${links.at('tree', checkIn)}">${checkIn.slice(0, 10)}</a>${parts}</h1>`;
}

/** A date for people. @param time seconds since the epoch; undefined if there is none */
export function dateText(time: number | undefined): string {
  if (time === undefined) return 'no date';
  const date = new Date(time * 1000);
  return Number.isNaN(date.getTime())
    ? 'no date'
    : `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

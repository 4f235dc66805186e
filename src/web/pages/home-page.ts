import { html } from 'hono/html';
import { formatNpub } from '../../nostr/public-key.ts';
import { relayUrl } from '../../nostr/repository-url.ts';
import type { AccessMode } from '../../policy/push-entry.ts';
import { type FrontQuestion, frontQuery } from '../front/front-question.ts';
import { nameOf, topicsOf } from '../front/listed-repository.ts';
import type { FoundRepositories, FoundRepository } from '../front/repository-index.ts';
import type { Sort } from '../front/sorts.ts';
import { commands, type Html, hostOf, page, rootOf, shellWord } from '../layout.ts';
import { timeOf } from '../time.ts';
import { shortNpub, userText } from '../user-text.ts';

/** The description of the service; its relay publishes the same (NIP-11). */
export interface ServiceInformation {
  readonly name: string;
  readonly description: string;
  /** Public key of the service, in hex. */
  readonly self: string;
  /** Whose repositories are accepted. */
  readonly repo_acceptance_criteria: string;
}

export interface HomePageParts {
  /** The public base URL of the service. */
  readonly base: string;
  readonly access: AccessMode;
  readonly information: ServiceInformation;
  readonly question: FrontQuestion;
  readonly found: FoundRepositories;
  /** The name that somebody chose. @param key in hex */
  readonly nameOfKey: (key: string) => string | undefined;
}

const SORTS: readonly { readonly sort: Sort; readonly title: string }[] = [
  { sort: 'newest', title: 'Newest' },
  { sort: 'pushed', title: 'Last push' },
  { sort: 'name', title: 'Name' },
];
/** Topics of a repository in the list. */
const TOPICS = 6;

/** The front page: what is hosted here, what the service is, and how to begin. */
export function homePage(parts: HomePageParts): Html {
  const { base, information, question } = parts;
  const isSearch = question.text !== '';
  return page({
    title: isSearch ? `${question.text} · ${information.name}` : information.name,
    description: information.description,
    canonical: `${base}/`,
    base,
    isFront: true,
    wide: true,
    content: html`<div class="hero">
<h1>${isSearch ? html`<a class="plain" href="${rootOf(base)}/">${information.name}</a>` : information.name}</h1>
<p class="said">${information.description}</p>
</div>
${search(parts)}
<div class="front">
<section class="repositories" aria-labelledby="repositories">
${results(parts)}
</section>
${beginning(parts)}
</div>`,
  });
}

function search({ base, question }: HomePageParts): Html {
  return html`<form class="find" role="search" action="${rootOf(base)}/" method="get">
<label for="q">Search repositories</label>
<div class="field"><input id="q" name="q" type="search" value="${question.text}" maxlength="200" placeholder="Name, description, npub or #topic" autocomplete="off">
${question.sort === 'newest' ? '' : html`<input type="hidden" name="sort" value="${question.sort}">`}<button type="submit">Search</button></div>
</form>`;
}

function results(parts: HomePageParts): Html {
  const { base, question, found } = parts;
  const { repositories, next } = found;
  if (repositories.length === 0) {
    const title = html`<h2 id="repositories">Repositories</h2>`;
    return question.text === '' && question.after === undefined
      ? html`${title}<p>No public repository has been announced here yet.</p>`
      : html`${title}<p>Nothing found. A search finds repositories in which every word begins a word of the name, the topics or the
description. <a href="${rootOf(base)}/">Show all</a></p>`;
  }
  return html`<div class="front-head"><h2 id="repositories">Repositories</h2>
<nav class="sorts" aria-label="Order">
${SORTS.map(
  ({ sort, title }) =>
    html`<a href="${rootOf(base)}/${frontQuery(question.text, sort)}"${sort === question.sort ? html` aria-current="true"` : ''}>${title}</a>
`,
)}</nav></div>
<ul class="listed">
${repositories.map(
  (one) => html`<li>${listed(parts, one)}</li>
`,
)}</ul>
${
  next === undefined
    ? ''
    : html`<nav class="pages" aria-label="Pages"><a rel="next" href="${rootOf(base)}/${frontQuery(question.text, question.sort, next)}">More</a></nav>`
}`;
}

function listed({ base, nameOfKey }: HomePageParts, { announcement, pushed }: FoundRepository): Html {
  const { owner, identifier, vcs, at } = announcement;
  const npub = formatNpub(owner);
  // Always with the key: a name is anybody's to take.
  const name = nameOfKey(owner);
  const root = rootOf(base);
  const url = `${root}/${vcs === 'fossil' ? 'fossil/' : ''}${npub}/${encodeURIComponent(identifier)}`;
  const description = announcement.description?.trim() ?? '';
  const topics = topicsOf(announcement).slice(0, TOPICS);
  return html`<h3><a href="${url}">${userText(nameOf(announcement), 80)}</a>${vcs === 'fossil' ? html` <span class="badge">Fossil</span>` : ''}</h3>
${description === '' ? '' : html`<p>${userText(description, 200)}</p>`}
<p class="quiet"><a class="plain" href="${root}/${npub}" title="${npub}">${name === undefined ? '' : html`<b>${userText(name, 60)}</b> `}${shortNpub(npub)}</a><span aria-hidden="true"> / </span>${userText(identifier, 60)} · ${
    pushed === undefined ? html`announced ${timeOf(at)}` : html`pushed ${timeOf(pushed)}`
  }${topics.map((topic) => html` <a class="topic" href="${root}/${frontQuery(`topic:${topic}`, 'newest')}">${userText(topic, 40)}</a>`)}</p>`;
}

function beginning(parts: HomePageParts): Html {
  const { base, information } = parts;
  return html`<section class="begin" aria-labelledby="begin">
<h2 id="begin">Begin</h2>
${begin(parts)}
<dl>
<dt>Relay</dt><dd><code>${relayUrl(base)}</code></dd>
<dt>Hosts</dt><dd>${information.repo_acceptance_criteria}</dd>
<dt>Signs as</dt><dd><code>${formatNpub(information.self)}</code></dd>
<dt>For programs</dt><dd>Pages as JSON: <a href="${rootOf(base)}/openapi.json">OpenAPI</a></dd>
</dl>
</section>`;
}

function begin({ base, access }: HomePageParts): Html {
  const server = shellWord(base);
  if (access === 'read-only') {
    return html`<p>This server is read-only. Clone what you find above.</p>`;
  }
  if (access === 'open') {
    return html`<p>This server runs for development: anyone who reaches it may push, and the first push makes the repository.
The owner in its URL is any public key.</p>
${commands(`git push ${server}/git/<owner>/<name>.git main`)}`;
  }
  return html`<p>There are no accounts here. A repository belongs to the key that announces it, and is pushed to with signatures.
Make a key, let git use it, and announce a repository:</p>
${commands(
  'cairn key new',
  `cairn credential install --server ${server}`,
  `cairn announce my-project --server ${server}`,
)}
<p>The last line printed is the URL to push to:</p>
${commands('git remote add origin <that URL>', 'git push -u origin main')}
<p>With a Nostr git client, name <code>${hostOf(base)}</code> as a GRASP server of your repository.</p>`;
}

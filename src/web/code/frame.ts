import { html } from 'hono/html';
import { shortName } from '../../browse/revision.ts';
import type { GitManifest } from '../../repository/git/git-manifest.ts';
import { type Html, page } from '../layout.ts';
import { visitor } from '../session/visitor.ts';
import { userText } from '../user-text.ts';
import type { CodeLinks } from './code-links.ts';

/** What every page of code knows. All of it is part of what a kept page depends on: see {@link contextKey}. */
export interface CodeContext {
  /** The public base URL of the service. */
  readonly base: string;
  readonly links: CodeLinks;
  /** The repository's name for people. */
  readonly name: string;
  readonly manifest: GitManifest;
  /** The key of the visitor, where not everybody may read the repository. */
  readonly reader?: string;
}

const NAME = 120;

/** The parts of a repository that every page links to. */
const TABS: readonly { readonly title: string; url(context: CodeContext): string }[] = [
  { title: 'Files', url: ({ links, manifest }) => links.at('tree', shortName(manifest.head)) },
  { title: 'Commits', url: ({ links, manifest }) => links.at('commits', shortName(manifest.head)) },
  { title: 'Branches', url: ({ links }) => `${links.repository}/branches` },
  { title: 'Tags', url: ({ links }) => `${links.repository}/tags` },
  { title: 'Contributors', url: ({ links }) => `${links.repository}/contributors` },
  { title: 'Search', url: ({ links }) => `${links.repository}/search` },
];

/** What a page has of its context. */
export function contextKey({ links, name, manifest, reader }: CodeContext): unknown {
  // On the default branch stands the mailmap, which changes the names of people on every page.
  const tip = manifest.refs.get(manifest.head) ?? null;
  return [links.repository, name, manifest.head, manifest.objectFormat, tip, reader ?? null];
}

/** A page of code: the repository and its parts above, the content below. @param title plain text */
export function codePage(context: CodeContext, title: string, content: Html): Html {
  const { base, links, name, reader } = context;
  return page({
    title: `${title} · ${name}`,
    base,
    wide: true,
    content: html`<nav class="repository" aria-label="Repository">
<a class="name" href="${links.repository}">${userText(name, NAME)}</a>
${TABS.map(
  ({ title, url }) => html`<a href="${url(context)}">${title}</a>
`,
)}</nav>
${reader === undefined ? '' : visitor(base, reader)}
${content}`,
  });
}

/** Links to a path and all folders above it, the last one as plain text. */
export function breadcrumbs(links: CodeLinks, revision: string, path: readonly Buffer[]): Html {
  const parts = path.map((name, at) => {
    const text = userText(name.toString('utf8'), 255);
    const isLast = at === path.length - 1;
    return html`<span class="quiet" aria-hidden="true">/</span>${
      isLast
        ? html`<span aria-current="page">${text}</span>`
        : html`<a href="${links.at('tree', revision, path.slice(0, at + 1))}">${text}</a>`
    }`;
  });
  return html`<h1 class="path"><a href="${links.at('tree', revision)}">${userText(revision, 255)}</a>${parts}</h1>`;
}

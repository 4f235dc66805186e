import { html } from 'hono/html';
import type { BranchFiles } from '../../browse/branch-files.ts';
import type { RefChoices } from '../../browse/refs/ref-choices.ts';
import { linkName, shortName } from '../../browse/revision.ts';
import type { PageWord } from '../../nostr/repository-url.ts';
import type { GitManifest } from '../../repository/git/git-manifest.ts';
import { type Html, type PageParts, page } from '../layout.ts';
import { repositoryTitle, type ShownNames } from '../repository-title.ts';
import { visitor } from '../session/visitor.ts';
import { cut } from '../user-text.ts';
import type { About } from './about.ts';
import type { CodeLinks } from './code-links.ts';

/** What every page of code knows. All of it is part of what a kept page depends on: see {@link contextKey}. */
export interface CodeContext extends ShownNames {
  /** The public base URL of the service. */
  readonly base: string;
  readonly links: CodeLinks;
  readonly manifest: GitManifest;
  /** Public key in hex. */
  readonly owner: string;
  /** The word of the page. */
  readonly word?: PageWord | '';
  /** Its description. Only pages with it in their question may show it. */
  readonly about?: About;
  /** The branches and tags that it offers. Only pages that offer them have them. */
  readonly choices?: RefChoices;
  /** The key of the visitor, where not everybody may read the repository. */
  readonly reader?: string;
}

const NAME = 120;
const TITLE = 300;

/** A part of a repository that every page links to. */
interface Tab {
  readonly title: string;
  /** The pages that belong to it. */
  readonly words: readonly (PageWord | '')[];
  /** @returns undefined where there is nothing to see */
  url(context: CodeContext): string | undefined;
}

const TABS: readonly Tab[] = [
  { title: 'Overview', words: [''], url: ({ links }) => links.repository },
  { title: 'Files', words: ['tree', 'file', 'blame'], url: (context) => atHead(context, 'tree') },
  {
    title: 'Commits',
    words: ['commits', 'commit', 'contains', 'checks'],
    url: (context) => atHead(context, 'commits'),
  },
  { title: 'Branches', words: ['branches', 'compare'], url: ({ links }) => `${links.repository}/branches` },
  { title: 'Tags', words: ['tags', 'tag'], url: ({ links }) => `${links.repository}/tags` },
  { title: 'Contributors', words: ['contributors'], url: (context) => belowHead(context, 'contributors') },
  { title: 'Search', words: ['search'], url: (context) => belowHead(context, 'search') },
  { title: 'Issues', words: ['issues', 'issue'], url: ({ links }) => `${links.repository}/issues` },
  { title: 'Patches', words: ['patches', 'patch'], url: ({ links }) => `${links.repository}/patches` },
  { title: 'Pull requests', words: ['pulls', 'pull'], url: ({ links }) => `${links.repository}/pulls` },
  { title: 'Receipts', words: ['receipts'], url: ({ links }) => `${links.repository}/receipts` },
];

/** A page about the default branch, once that exists. */
function atHead({ links, manifest }: CodeContext, word: PageWord): string | undefined {
  return manifest.refs.has(manifest.head) ? links.at(word, linkName(manifest, manifest.head)) : undefined;
}

/** A page that is about the default branch if it names no other. */
function belowHead({ links, manifest }: CodeContext, word: PageWord): string | undefined {
  return manifest.refs.has(manifest.head) ? `${links.repository}/${word}` : undefined;
}

/**
 * What a page has of its context. The tip of the default branch is not part of it, so that a push leaves most pages as they are.
 * @param files of the default branch: they change the names of people, and what is said of signatures, on every page
 */
export function contextKey(context: CodeContext, files: BranchFiles): unknown {
  const { links, name, ownerName, manifest, reader, choices } = context;
  return [
    links.repository,
    name,
    ownerName ?? null,
    manifest.head,
    manifest.refs.has(manifest.head),
    manifest.objectFormat,
    // A new one begins when objects are removed: pages about them are not to outlive them.
    manifest.epoch ?? manifest.incarnation,
    files.mailmap ?? null,
    files.signers ?? null,
    reader ?? null,
    choices ?? null,
  ];
}

/** What else a page says of itself, see {@link PageParts}. */
export type PageFacts = Pick<PageParts, 'description' | 'canonical'>;

/** A page of code: the repository and its parts above, the content below. @param title plain text; empty for the overview */
export function codePage(context: CodeContext, title: string, content: Html, facts: PageFacts = {}): Html {
  const { base, links, name, owner, reader } = context;
  return page({
    ...facts,
    title: title === '' ? cut(name, NAME) : `${cut(title, TITLE)} · ${cut(name, NAME)}`,
    base,
    feeds: feedsOf(context),
    wide: true,
    content: html`<nav class="repository" aria-label="Repository">
${repositoryTitle(base, owner, links.repository, context)}
<ul>
${TABS.map((tab) => tabHtml(context, tab))}</ul>
</nav>
${reader === undefined ? '' : visitor(base, reader)}
${content}`,
  });
}

function feedsOf({ links, manifest }: CodeContext): NonNullable<PageParts['feeds']> {
  if (!manifest.refs.has(manifest.head)) return [];
  return [
    {
      title: cut(`Commits of ${shortName(manifest.head)}`, TITLE),
      url: links.at('feed', linkName(manifest, manifest.head)),
    },
    { title: 'Tags', url: `${links.repository}/tags/feed.atom` },
  ];
}

function tabHtml(context: CodeContext, { title, words, url }: Tab): Html | '' {
  const href = url(context);
  if (href === undefined) return '';
  const isHere = context.word !== undefined && words.includes(context.word);
  return html`<li><a href="${href}"${isHere ? html` aria-current="true"` : ''}>${title}</a></li>
`;
}

import { html } from 'hono/html';
import { shortName } from '../../browse/revision.ts';
import type { Announcement } from '../../nostr/announcement.ts';
import { formatNpub } from '../../nostr/public-key.ts';
import { gitUrl, graspUrl } from '../../nostr/repository-url.ts';
import type { AccessMode } from '../../policy/push-entry.ts';
import type { GitManifest } from '../../repository/git/git-manifest.ts';
import { CodeLinks } from '../code/code-links.ts';
import { commands, type Html, page, shellWord } from '../layout.ts';
import { gitWorkshopUrl, nostrCloneUrl } from '../nostr-links.ts';
import { refTables } from '../ref-tables.ts';
import { cut, userText } from '../user-text.ts';

export interface RepositoryPageParts {
  /** The public base URL of the service. */
  readonly base: string;
  readonly access: AccessMode;
  /** Public key in hex. */
  readonly owner: string;
  /** The manifest of a public repository. */
  readonly manifest: GitManifest;
  /** The owner's description; absent if there is no public one. */
  readonly announcement?: Pick<Announcement, 'name' | 'description' | 'web'>;
}

const NAME = 120;
const DESCRIPTION = 2_000;
const WEB_LINKS = 5;
const PROTECTED = 20;

/** The page of a repository: its facts, how to clone it and push to it, and its refs. */
export function repositoryPage(parts: RepositoryPageParts): Html {
  const { base, owner, manifest, announcement } = parts;
  const { identifier } = manifest;
  const name = announcement?.name?.trim() || identifier;
  const description = announcement?.description?.trim() ?? '';
  return page({
    title: `${cut(name, NAME)} · ${formatNpub(owner)}/${identifier}`,
    ...(description === '' ? {} : { description: cut(description, 160) }),
    canonical: graspUrl(base, owner, identifier),
    base,
    content: html`<h1>${userText(name, NAME)}</h1>
${description === '' ? '' : html`<p class="said">${userText(description, DESCRIPTION)}</p>`}
${facts(parts)}
${code(parts)}
<h2>Clone</h2>
${clone(parts)}
<h2>Push</h2>
${push(parts)}
${manifest.refs.size === 0 ? html`<h2>Branches</h2><p>None yet: nothing has been pushed.</p>` : refTables(manifest)}`,
  });
}

function facts({ owner, manifest, announcement }: RepositoryPageParts): Html {
  const { identifier, objectFormat, policy } = manifest;
  const maintainers = policy.writers.filter((key) => key !== owner);
  const web = (announcement?.web ?? []).filter(isWebLink).slice(0, WEB_LINKS);
  return html`<dl>
${fact('Identifier', html`<code>${userText(identifier, 256)}</code>`)}
${fact('Owner', key(owner))}
${maintainers.length === 0 ? '' : fact('Maintainers', list(maintainers.map(key)))}
${web.length === 0 ? '' : fact('Web', list(web.map((url) => html`<a href="${url}" rel="nofollow ugc noopener">${userText(url, 300)}</a>`)))}
${policy.protection.length === 0 ? '' : fact('Protected', list(policy.protection.slice(0, PROTECTED).map(protection)))}
${objectFormat === 'sha1' ? '' : fact('Object format', html`SHA-256`)}
</dl>`;
}

/** Links to what is in the default branch, once there is one. */
function code({ base, owner, manifest }: RepositoryPageParts): Html | '' {
  if (!manifest.refs.has(manifest.head)) return '';
  const links = new CodeLinks(base, { owner, identifier: manifest.identifier });
  const branch = shortName(manifest.head);
  return html`<p><a href="${links.at('tree', branch)}">Files</a> · <a href="${links.at('commits', branch)}">Commits</a></p>`;
}

function clone({ base, owner, manifest }: RepositoryPageParts): Html {
  const { identifier } = manifest;
  const withGit = commands(`git clone ${shellWord(gitUrl(base, owner, identifier))}`);
  if (!isShownOnRelay(manifest)) return withGit;
  return html`${withGit}
<p>Or with a Nostr git client, which checks the refs against the signatures of the maintainers:</p>
${commands(`git clone ${shellWord(nostrCloneUrl(base, owner, identifier))}`)}
<p><a href="${gitWorkshopUrl(base, owner, identifier)}" rel="noopener">Issues, patches and pull requests on gitworkshop.dev</a></p>`;
}

function push({ base, access, owner, manifest }: RepositoryPageParts): Html {
  if (access === 'read-only') return html`<p>This server is read-only.</p>`;
  const url = shellWord(gitUrl(base, owner, manifest.identifier));
  const branch = shellWord(branchArgument(manifest.head));
  const git =
    manifest.refs.size === 0
      ? commands(`git remote add origin ${url}`, `git push -u origin ${branch}`)
      : commands(`git push ${url} ${branch}`);
  if (access === 'open') {
    return html`<p>Anyone who reaches this server may push: it runs for development.</p>
${git}`;
  }
  return html`<p>The owner and the maintainers may, with a token that git asks Cairn's command line to sign. Once on every machine:</p>
${commands(`cairn credential install --server ${shellWord(base)}`)}
<p>Then:</p>
${git}
<p>A Nostr git client pushes as well: it publishes the signed state of the refs first, and the push has to match it.</p>`;
}

/** A branch as an argument of git: its short name, unless git could take that for an option or a forced push. */
function branchArgument(head: string): string {
  const name = head.replace('refs/heads/', '');
  return /^\w/.test(name) ? name : head;
}

/** Whether the relay serves the announcement: it does not before the first data arrives. */
function isShownOnRelay({ lifecycle, policy }: GitManifest): boolean {
  return lifecycle === 'live' && policy.announcements.length > 0;
}

function fact(term: string, definition: Html): Html {
  return html`<dt>${term}</dt><dd>${definition}</dd>`;
}

function list(items: readonly Html[]): Html {
  return html`<ul>${items.map((item) => html`<li>${item}</li>`)}</ul>`;
}

function key(publicKey: string): Html {
  return html`<code>${formatNpub(publicKey)}</code>`;
}

function protection({ pattern, rules }: GitManifest['policy']['protection'][number]): Html {
  return html`<code>${userText(pattern, 200)}</code>: ${userText(rules.join(', '), 200)}`;
}

/** An announcement may contain any text; only web URLs become links. */
function isWebLink(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}

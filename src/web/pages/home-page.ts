import { html } from 'hono/html';
import type { Announcement } from '../../nostr/announcement.ts';
import { formatNpub } from '../../nostr/public-key.ts';
import { fossilUrl, graspUrl, relayUrl } from '../../nostr/repository-url.ts';
import type { AccessMode } from '../../policy/push-entry.ts';
import { commands, type Html, hostOf, page, shellWord } from '../layout.ts';
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
  /** Public repositories, newest announcement first. */
  readonly repositories: readonly Pick<
    Announcement,
    'owner' | 'identifier' | 'name' | 'description' | 'vcs'
  >[];
  /** Whether there are more than those. */
  readonly more: boolean;
}

/** The front page: what the service is, how to start, and what is hosted here. */
export function homePage(parts: HomePageParts): Html {
  const { base, information } = parts;
  return page({
    title: information.name,
    description: information.description,
    canonical: `${base}/`,
    base,
    isFront: true,
    content: html`<h1>${information.name}</h1>
<p class="said">${information.description}</p>
<dl>
<dt>Relay</dt><dd><code>${relayUrl(base)}</code></dd>
<dt>Hosts</dt><dd>${information.repo_acceptance_criteria}</dd>
<dt>Signs as</dt><dd><code>${formatNpub(information.self)}</code></dd>
</dl>
<h2>Begin</h2>
${begin(parts)}
<h2>Repositories</h2>
${repositoryList(parts)}`,
  });
}

function begin({ base, access }: HomePageParts): Html {
  const server = shellWord(base);
  if (access === 'read-only') {
    return html`<p>This server is read-only. Clone what you find below.</p>`;
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

function repositoryList({ base, repositories, more }: HomePageParts): Html {
  if (repositories.length === 0) return html`<p>No public repository has been announced here yet.</p>`;
  const items = repositories.map(
    (repository) => html`<li>${listed(base, repository)}</li>
`,
  );
  return html`<p class="quiet">${more ? `The ${repositories.length} announced last; the relay knows all of them.` : `${repositories.length} in all, announced last first.`}</p>
<ul class="listed">
${items}</ul>`;
}

function listed(base: string, repository: HomePageParts['repositories'][number]): Html {
  const { owner, identifier } = repository;
  const npub = formatNpub(owner);
  const url = repository.vcs === 'fossil' ? fossilUrl : graspUrl;
  const description = repository.description?.trim() ?? '';
  return html`<a href="${url(base, owner, identifier)}">${userText(repository.name?.trim() || identifier, 80)}</a>
<span class="quiet"><code title="${npub}/${identifier}">${shortNpub(npub)}/${userText(identifier, 60)}</code></span>
${description === '' ? '' : html`<p>${userText(description, 200)}</p>`}`;
}

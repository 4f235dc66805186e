import { html } from 'hono/html';
import type { Announcement } from '../../nostr/announcement.ts';
import { formatNpub } from '../../nostr/public-key.ts';
import { fossilUrl } from '../../nostr/repository-url.ts';
import type { AccessMode } from '../../policy/push-entry.ts';
import type { FossilManifest } from '../../repository/fossil/fossil-manifest.ts';
import { fossilParts } from '../fossil/fossil-frame.ts';
import { FossilLinks } from '../fossil/fossil-links.ts';
import { commands, type Html, page, rootOf, shellWord } from '../layout.ts';
import { visitor } from '../session/visitor.ts';
import { cut, userText } from '../user-text.ts';

export interface FossilPageParts {
  /** The public base URL of the service. */
  readonly base: string;
  readonly access: AccessMode;
  /** Public key in hex. */
  readonly owner: string;
  /** What the owner is called. */
  readonly ownerName?: string;
  /** The manifest of a repository that the visitor may read. */
  readonly manifest: FossilManifest;
  /** The owner's description; absent if there is no public one. */
  readonly announcement?: Pick<Announcement, 'name' | 'description'>;
  /** The key of the visitor, where not everybody may read the repository. */
  readonly reader?: string;
}

const NAME = 120;
const DESCRIPTION = 2_000;

/** The page of a Fossil repository: its facts, how to clone it, and how to push to it. */
export function fossilPage(parts: FossilPageParts): Html {
  const { base, access, owner, ownerName, manifest, announcement, reader } = parts;
  const { identifier, projectName, projectCode, artifacts, receiptAt, policy } = manifest;
  const name = announcement?.name?.trim() || projectName.trim() || identifier;
  const description = announcement?.description?.trim() ?? '';
  const url = fossilUrl(base, owner, identifier);
  const links = new FossilLinks(base, { owner, identifier });
  const maintainers = policy.writers.filter((key) => key !== owner);
  return page({
    title: cut(name, NAME),
    wide: true,
    ...(description === '' ? {} : { description: cut(description, 160) }),
    canonical: url,
    base,
    content: html`${artifacts === 0 ? '' : fossilParts({ base, links, name, owner, ...(ownerName === undefined ? {} : { ownerName }) })}
<h1>${userText(name, NAME)}</h1>
${reader === undefined ? '' : visitor(base, reader)}
${description === '' ? '' : html`<p class="said">${userText(description, DESCRIPTION)}</p>`}
<dl>
<dt>Kind</dt><dd>Fossil repository</dd>
<dt>Identifier</dt><dd><code>${userText(identifier, 256)}</code></dd>
<dt>Owner</dt><dd><a href="${rootOf(base)}/${formatNpub(owner)}"><code>${formatNpub(owner)}</code></a></dd>
${
  maintainers.length === 0
    ? ''
    : html`<dt>Maintainers</dt><dd><ul>${maintainers.map((key) => html`<li><a href="${rootOf(base)}/${formatNpub(key)}"><code>${formatNpub(key)}</code></a></li>`)}</ul></dd>`
}
<dt>Project</dt><dd><code>${projectCode}</code></dd>
<dt>Artifacts</dt><dd>${artifacts === 0 ? 'none yet: nothing has been pushed' : artifacts}</dd>
<dt>Last push</dt><dd>${new Date(receiptAt * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC</dd>
</dl>
<h2>Clone</h2>
${commands(`fossil clone ${shellWord(url)} ${shellWord(`${fileName(identifier)}.fossil`)}`, `fossil open ${shellWord(`${fileName(identifier)}.fossil`)}`)}
<h2>Push</h2>
${push(access, url)}`,
  });
}

function push(access: AccessMode, url: string): Html {
  if (access === 'read-only') return html`<p>This server is read-only.</p>`;
  if (access === 'open') {
    return html`<p>Anyone who reaches this server may push: it runs for development.</p>
${commands(`fossil push ${shellWord(url)}`)}`;
  }
  return html`<p>The owner and the maintainers may, with a user and a password that Cairn's command line prints:</p>
${commands(`cairn fossil password ${shellWord(url)}`)}`;
}

/** The name of a file to clone into: identifiers come from strangers, and people copy commands. */
function fileName(identifier: string): string {
  return identifier.replace(/[^\w.-]/g, '-').replace(/^[.-]+/, '') || 'project';
}

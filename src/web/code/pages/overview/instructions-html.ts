import { html } from 'hono/html';
import { gitUrl } from '../../../../nostr/repository-url.ts';
import type { AccessMode } from '../../../../policy/push-entry.ts';
import type { GitManifest } from '../../../../repository/git/git-manifest.ts';
import { commands, type Html, shellWord } from '../../../layout.ts';
import { gitWorkshopUrl, nostrCloneUrl } from '../../../nostr-links.ts';
import type { OverviewFacts } from './overview-facts.ts';

export interface InstructionParts {
  /** The public base URL of the service. */
  readonly base: string;
  readonly access: AccessMode;
  /** Public key in hex. */
  readonly owner: string;
  readonly manifest: Pick<GitManifest, 'identifier' | 'head' | 'refs'>;
  readonly facts: Pick<OverviewFacts, 'isOnRelay'>;
}

/** How to clone a repository, with git and with clients of Nostr. */
export function cloneHtml({ base, owner, manifest, facts }: InstructionParts): Html {
  const { identifier } = manifest;
  return html`${commands(`git clone ${shellWord(gitUrl(base, owner, identifier))}`)}
${
  facts.isOnRelay
    ? html`<details><summary>With a Nostr git client</summary>
<p>It checks the refs against the signatures of the maintainers:</p>
${commands(`git clone ${shellWord(nostrCloneUrl(base, owner, identifier))}`)}
<p><a href="${gitWorkshopUrl(base, owner, identifier)}" rel="noopener">Issues, patches and pull requests on gitworkshop.dev</a></p>
</details>`
    : ''
}`;
}

/** How to push to a repository. */
export function pushHtml({ base, access, owner, manifest }: InstructionParts): Html {
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

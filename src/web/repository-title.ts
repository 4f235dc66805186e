import { html } from 'hono/html';
import { formatNpub } from '../nostr/public-key.ts';
import { type Html, rootOf } from './layout.ts';
import { shortNpub, userText } from './user-text.ts';

/** Names of a repository and its owner. They are not verified. */
export interface ShownNames {
  readonly name: string;
  /** Absent where the owner has not given one. */
  readonly ownerName?: string;
}

const NAME = 120;
const OWNER = 60;

/**
 * The title of every page of a repository: owner and name. The key is beside the owner's name, because anybody can
 * take a name.
 * @param owner public key in hex
 * @param url of the repository's own page
 */
export function repositoryTitle(base: string, owner: string, url: string, names: ShownNames): Html {
  const npub = formatNpub(owner);
  const { name, ownerName } = names;
  const key =
    ownerName === undefined
      ? shortNpub(npub)
      : html`${userText(ownerName, OWNER)} <code class="quiet">${shortNpub(npub)}</code>`;
  return html`<p><a class="owner" href="${rootOf(base)}/${npub}" title="${npub}">${key}</a> <span class="quiet" aria-hidden="true">/</span> <a class="name" href="${url}">${userText(name, NAME)}</a></p>`;
}

/** Links for Nostr git clients to a repository. */
import { formatNpub } from '../nostr/public-key.ts';
import { relayUrl } from '../nostr/repository-url.ts';

/**
 * `nostr://<npub>/<relay>/<identifier>` (NIP-34), which git clones with a `git-remote-nostr` helper.
 * @param base the public base URL of the service
 */
export function nostrCloneUrl(base: string, owner: string, identifier: string): string {
  return `nostr://${clientPath(base, owner, identifier)}`;
}

/** The repository with its issues, patches and pull requests, in a client that runs in the browser. */
export function gitWorkshopUrl(base: string, owner: string, identifier: string): string {
  return `https://gitworkshop.dev/${clientPath(base, owner, identifier)}`;
}

function clientPath(base: string, owner: string, identifier: string): string {
  // A relay without a scheme is one at wss://.
  const relay = relayUrl(base).replace(/^wss:\/\//, '');
  return `${formatNpub(owner)}/${encodeURIComponent(relay)}/${encodeURIComponent(identifier)}`;
}

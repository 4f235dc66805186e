import { announcementTemplate } from '../src/nostr/announcement-template.ts';
import type { NostrEvent } from '../src/nostr/event.ts';
import { encodeToken, tokenTemplate } from '../src/nostr/nip98.ts';
import { gitUrl, relayUrl } from '../src/nostr/repository-url.ts';
import { createSigner } from '../src/nostr/sign.ts';

/** Whose all repositories on Cairn are. With open access the key is only a part of the path. */
const signer = createSigner('be'.repeat(32));

export const ownerKey = signer.publicKey;

/** The announcement that makes a repository on the Cairn with this base URL, signed by its owner. */
export function announcement(base: string, identifier: string): NostrEvent {
  const facts = {
    identifier,
    name: identifier,
    clone: [gitUrl(base, ownerKey, identifier)],
    relays: [relayUrl(base)],
    web: [],
    maintainers: [],
    hashtags: [],
    protection: [],
    private: false,
    readers: [],
  };
  return signer.sign(announcementTemplate(facts, seconds()));
}

/**
 * Arguments of git that send a fresh token of the owner with every request. A credential helper would be asked only
 * after a first request was refused; here the server alone is to be measured.
 */
export function signedIn(repositoryUrl: string): readonly string[] {
  const token = encodeToken(signer.sign(tokenTemplate(repositoryUrl, seconds())));
  return ['-c', `http.extraHeader=Authorization: Nostr ${token}`];
}

function seconds(): number {
  return Math.floor(Date.now() / 1000);
}

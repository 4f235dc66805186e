import { finalizeEvent, getPublicKey } from 'nostr-tools/pure';
import { CairnError } from '../lib/errors.ts';
import type { EventTemplate, NostrEvent, VerifiedEvent } from './event.ts';
import { isSecretKey } from './secret-key.ts';

/** Signs as one key, which stays inside. */
export interface Signer {
  /** 64 lower-case hex characters. */
  readonly publicKey: string;
  /** The id follows from key and template alone; the signature is a new one each time, since BIP-340 mixes in chance. */
  sign(template: EventTemplate): VerifiedEvent;
}

/**
 * @param secretKey 64 lower-case hex characters
 * @throws CairnError `invalid` when it is no secret key; the message does not repeat it
 */
export function createSigner(secretKey: string): Signer {
  if (!isSecretKey(secretKey)) {
    throw new CairnError(
      'invalid',
      'a secret key is 64 lower-case hex characters, and neither zero nor too large',
    );
  }
  const secret = Uint8Array.from(Buffer.from(secretKey, 'hex'));
  return {
    publicKey: getPublicKey(secret),
    sign(template) {
      const { kind, created_at, content } = template;
      // The library writes into what it is given, and marks it as verified for whoever copies it: hence the two copies.
      const ours = template.tags.map((tag) => [...tag]);
      const { id, pubkey, tags, sig } = finalizeEvent({ kind, created_at, content, tags: ours }, secret);
      const event: NostrEvent = { id, pubkey, created_at, kind, tags, content, sig };
      return event as VerifiedEvent;
    },
  };
}

import { finalizeEvent, getPublicKey } from 'nostr-tools/pure';
import { CairnError } from '../lib/errors.ts';
import { type EventTemplate, type NostrEvent, serializeEvent, type VerifiedEvent } from './event.ts';
import { type MutableEvent, maxWasmBytes, type Secp256k1 } from './secp256k1.ts';
import { isSecretKey } from './secret-key.ts';

/** Signs as one key, which stays inside. */
export interface Signer {
  /** 64 lower-case hex characters. */
  readonly publicKey: string;
  /**
   * The id follows from key and template alone. So does the signature when the library signs; JavaScript mixes in chance, as
   * BIP-340 allows.
   */
  sign(template: EventTemplate): VerifiedEvent;
}

/**
 * @param secretKey 64 lower-case hex characters
 * @param library signs five times faster than JavaScript, which does it otherwise, and where an event is too large for it
 * @throws CairnError `invalid` when it is no secret key; the message does not repeat it
 */
export function createSigner(secretKey: string, library?: Secp256k1): Signer {
  if (!isSecretKey(secretKey)) {
    throw new CairnError(
      'invalid',
      'a secret key is 64 lower-case hex characters, and neither zero nor too large',
    );
  }
  const secret = Uint8Array.from(Buffer.from(secretKey, 'hex'));
  const publicKey = getPublicKey(secret);
  return {
    publicKey,
    sign({ kind, created_at, content, tags }) {
      // The libraries write into what they are given, and one marks it as verified for whoever copies it: hence the copies.
      const unsigned = { kind, created_at, content, tags: tags.map((tag) => [...tag]) };
      const fast = library !== undefined && fits({ ...unsigned, pubkey: publicKey });
      return fast ? signWith(library, unsigned, secret) : plain(finalizeEvent(unsigned, secret));
    },
  };
}

type Unsigned = Pick<MutableEvent, 'kind' | 'created_at' | 'content' | 'tags'>;

function fits(event: Unsigned & { readonly pubkey: string }): boolean {
  return Buffer.byteLength(serializeEvent(event)) <= maxWasmBytes;
}

function signWith(library: Secp256k1, unsigned: Unsigned, secret: Uint8Array): VerifiedEvent {
  const event = { ...unsigned, pubkey: '', id: '', sig: '' };
  library.finalizeEvent(event, secret);
  return plain(event);
}

/** The seven fields and nothing else. What was just signed is as good as verified. */
function plain({ id, pubkey, created_at, kind, tags, content, sig }: NostrEvent): VerifiedEvent {
  return { id, pubkey, created_at, kind, tags, content, sig } as VerifiedEvent;
}

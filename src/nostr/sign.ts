import { finalizeEvent, getPublicKey } from 'nostr-tools/pure';
import { CairnError } from '../lib/errors.ts';
import { type EventTemplate, type NostrEvent, serializeEvent, type VerifiedEvent } from './event.ts';
import { type MutableEvent, maxWasmBytes, type Secp256k1 } from './secp256k1.ts';
import { isSecretKey } from './secret-key.ts';

/** Signs with one key, and does not reveal it. */
export interface Signer {
  /** 64 lower-case hex characters. */
  readonly publicKey: string;
  /**
   * Signs a template. The id follows from key and template alone. So does the signature, if the library signs; JavaScript adds
   * randomness, as BIP-340 allows.
   */
  sign(template: EventTemplate): VerifiedEvent;
}

/**
 * @param secretKey 64 lower-case hex characters
 * @param library signs five times faster than JavaScript, which signs otherwise, and when an event is too large
 * @throws CairnError `invalid` when it is not a secret key; the message does not repeat it
 */
export function createSigner(secretKey: string, library?: Secp256k1): Signer {
  if (!isSecretKey(secretKey)) {
    throw new CairnError(
      'invalid',
      'a secret key is 64 lower-case hex characters, and neither zero nor too large',
    );
  }
  const secret = Uint8Array.from(Buffer.from(secretKey, 'hex'));
  // JavaScript computes tables first, which takes tens of milliseconds.
  const publicKey = library === undefined ? getPublicKey(secret) : library.publicKeyOf(secret);
  return {
    publicKey,
    sign({ kind, created_at, content, tags }) {
      // The libraries write into their arguments, and one marks them as verified, copies included. So they get copies.
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

/** The seven fields and nothing else. An event that was just signed counts as verified. */
function plain({ id, pubkey, created_at, kind, tags, content, sig }: NostrEvent): VerifiedEvent {
  return { id, pubkey, created_at, kind, tags, content, sig } as VerifiedEvent;
}

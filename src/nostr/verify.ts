import { verifyEvent } from 'nostr-tools/pure';
import { isDigest, sha256 } from '../lib/digest.ts';
import { CairnError, messageOf } from '../lib/errors.ts';
import { type NostrEvent, serializeEvent, type VerifiedEvent } from './event.ts';
import { isPublicKey } from './public-key.ts';
import { loadSecp256k1, type MutableEvent, maxWasmBytes, type Secp256k1 } from './secp256k1.ts';

/** Checks that events are signed by their authors. */
export interface Verifier {
  /**
   * True when the id is the hash of the event, and the signature is the author's over that id.
   * @throws CairnError `unavailable` when the check itself failed
   */
  verify(event: NostrEvent): event is VerifiedEvent;
}

const SIGNATURE = /^[0-9a-f]{128}$/;

/** The module's messages for an invalid event; any other message is a failure of the module. */
const verdicts = new Set(['id is invalid', 'pubkey is invalid', 'signature is invalid']);

/** A verifier with its own library. @throws CairnError as {@link loadSecp256k1} */
export async function loadVerifier(): Promise<Verifier> {
  return createVerifier(await loadSecp256k1());
}

export function createVerifier(library: Secp256k1): Verifier {
  const isValidByWasm = (event: NostrEvent): boolean => {
    try {
      library.verifyEvent(copyOf(event));
      return true;
    } catch (error) {
      if (verdicts.has(messageOf(error))) return false;
      throw new CairnError('unavailable', `the signature verifier failed: ${messageOf(error)}`, {
        cause: error,
      });
    }
  };
  return {
    verify(event): event is VerifiedEvent {
      // The module trusts lengths: it would not compare a shorter id, and a longer signature would overwrite its memory.
      if (!isDigest(event.id) || !isPublicKey(event.pubkey) || !SIGNATURE.test(event.sig)) return false;
      const serialized = serializeEvent(event);
      if (sha256(serialized) !== event.id) return false;
      return Buffer.byteLength(serialized) > maxWasmBytes ? verifyEvent(copyOf(event)) : isValidByWasm(event);
    },
  };
}

/** A copy that the libraries may write to, without the mark by which one of them trusts an event it has checked before. */
function copyOf(event: NostrEvent): MutableEvent {
  const { id, pubkey, created_at, kind, content, sig } = event;
  return { id, pubkey, created_at, kind, content, sig, tags: event.tags as string[][] };
}

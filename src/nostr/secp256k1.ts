import { initNostrWasm, type Nostr } from 'nostr-wasm';
import { CairnError, messageOf } from '../lib/errors.ts';
import type { NostrEvent } from './event.ts';

/** An event whose fields the libraries may write to. */
export type MutableEvent = { -readonly [K in keyof NostrEvent]: NostrEvent[K] } & { tags: string[][] };

/** libsecp256k1 as WebAssembly: for signatures many times faster than JavaScript. */
export interface Secp256k1 {
  /** Checks id and signature. @throws Error whose message says what is invalid */
  verifyEvent(event: MutableEvent): void;
  /**
   * Fills in `pubkey`, `id` and `sig`. The nonce follows from key and message alone (BIP-340 with auxiliary randomness of
   * zero), so every server signs the same event with the same bytes.
   * @param secret 32 bytes
   */
  finalizeEvent(event: MutableEvent, secret: Uint8Array): void;
  /**
   * The public key of a secret key in 64 lower-case hex characters.
   * @param secret 32 bytes
   */
  publicKeyOf(secret: Uint8Array): string;
}

/**
 * The WebAssembly module has about 1 MB of memory, which also holds the serialized event. Larger events are rare (receipts of
 * repositories with thousands of refs); the JavaScript library handles them.
 */
export const maxWasmBytes = 512 * 1024;

/** The key 3, an event, and its BIP-340 signature without auxiliary randomness. */
const SAMPLE = {
  secret: Uint8Array.from({ length: 32 }, (_, at) => (at === 31 ? 3 : 0)),
  event: { kind: 1, created_at: 1, tags: [], content: 'sample', pubkey: '', id: '', sig: '' },
  sig: 'e313d91357e52757808b4d5fb168626bae2de612b9db8c4fdc21f52840d22f1bcc85972da139f5f9bf1a4d8a191bc2c5b2f70fbfb7be0e36626d9d857a8ee249',
};

/**
 * Loads the module. Takes some 70 ms, once for each process.
 * @throws CairnError `unavailable` when it cannot be loaded or signs wrongly: falling back to a slower library would go
 *   unnoticed
 */
export async function loadSecp256k1(): Promise<Secp256k1> {
  const wasm = await initNostrWasm().catch((cause: unknown) => {
    throw new CairnError('unavailable', `the signature library did not load: ${messageOf(cause)}`, { cause });
  });
  const library: Secp256k1 = {
    verifyEvent: (event) => wasm.verifyEvent(event),
    finalizeEvent: (event, secret) => wasm.finalizeEvent(event, secret, NO_CHANCE),
    publicKeyOf: (secret) => Buffer.from(wasm.getPublicKey(secret)).toString('hex'),
  };
  checkSigning(library);
  return library;
}

/**
 * With such an argument the library (0.1.0) draws no random bytes. It signs with its own buffer for them, which is zero as
 * long as no call leaves the argument out. {@link checkSigning} verifies that.
 */
const NO_CHANCE: Parameters<Nostr['finalizeEvent']>[2] = new Uint8Array(32);

function checkSigning(library: Secp256k1): void {
  const event = { ...SAMPLE.event, tags: [] };
  library.finalizeEvent(event, SAMPLE.secret);
  if (event.sig !== SAMPLE.sig) {
    throw new CairnError('unavailable', 'the signature library does not sign as BIP-340 says');
  }
}

import * as pure from 'nostr-tools/pure';
import * as fast from 'nostr-tools/wasm';
import { initNostrWasm } from 'nostr-wasm';

fast.setNostrWasm(await initNostrWasm());

/** The WebAssembly module has 1 MB of memory for everything. */
const MOST_CHARS = 100_000;

/**
 * Signs an event with nostr-tools, so that tests judge Cairn by events it did not make itself. The id is the one that its
 * JavaScript computes; the signature comes from libsecp256k1, which takes a tenth of the time: tests sign thousands of events.
 */
export function finalizeEvent(template: pure.EventTemplate, secret: Uint8Array): pure.VerifiedEvent {
  const { kind, created_at, content, tags } = template;
  if (content.length + JSON.stringify(tags).length > MOST_CHARS) return pure.finalizeEvent(template, secret);
  const event = fast.finalizeEvent({ kind, created_at, content, tags }, secret);
  return event.id === pure.getEventHash(event) ? event : pure.finalizeEvent(template, secret);
}

/**
 * The signed events that manifests name: announcements, signed states, withdrawals. Each is stored in its repository before
 * the publish that names it. So a manifest can be verified even if the event log has lost the event.
 */
import { becauseOf, publicError } from '../../lib/errors.ts';
import { readAll } from '../../lib/streams.ts';
import {
  defaultEventLimits,
  encodeEvent,
  type NostrEvent,
  parseEvent,
  type VerifiedEvent,
} from '../../nostr/event.ts';
import type { Verifier } from '../../nostr/verify.ts';
import type { ObjectStore } from '../../object-store/object-store.ts';
import { signedEventKey } from '../../repository/keys.ts';
import type { RepositoryPlace } from '../../repository/repository-id.ts';

/** Maximum size as JSON in bytes: quotes and escapes come on top of what the limits for events count. */
const MAX_BYTES = 8 * defaultEventLimits.maxBytes;
const ATTEMPTS = 3;

export class SignedEvents {
  private readonly control: ObjectStore;
  private readonly verifier: Verifier;

  constructor(control: ObjectStore, verifier: Verifier) {
    this.control = control;
    this.verifier = verifier;
  }

  /**
   * Stores an event in a repository. If it is there already, nothing is written: its name is its digest.
   * @param event with a verified signature
   * @throws CairnError `unavailable` when the store does not take it
   */
  async store(place: RepositoryPlace, event: NostrEvent): Promise<void> {
    let cause: unknown;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const key = signedEventKey(place, event.id);
      const put = await this.control.put(key, Buffer.from(encodeEvent(event)), { mode: 'create' });
      if (put.outcome === 'written' || put.outcome === 'exists') return;
      cause = put.outcome === 'unknown' ? put.cause : put.outcome;
    }
    throw becauseOf('unavailable', 'the object store did not take an event', cause);
  }

  /**
   * Reads an event that a manifest names, and verifies its id and signature.
   * @throws CairnError `corrupt` when it is missing or does not match its name; `unavailable` when the store fails
   */
  async load(place: RepositoryPlace, eventId: string): Promise<VerifiedEvent> {
    const key = signedEventKey(place, eventId);
    const found = await this.control.get(key);
    if (!found.found)
      throw publicError('corrupt', `the repository is damaged: the object store has no ${key}`);
    const event = parseStored(await readAll(found.body, MAX_BYTES));
    if (event === undefined || event.id !== eventId || !this.verifier.verify(event)) {
      throw publicError('corrupt', `the repository is damaged: ${key} is not the event with that id`);
    }
    return event;
  }
}

function parseStored(bytes: Buffer) {
  try {
    const event = parseEvent(JSON.parse(bytes.toString('utf8')));
    return event.ok ? event.value : undefined;
  } catch {
    // It is not the event; the reason does not matter.
    return undefined;
  }
}

/**
 * The signed events that manifests name: announcements, orders, withdrawals. Each is stored in its repository before the
 * publish that names it, so that whatever the event log forgets, what a manifest says can be proved.
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

/** Of its JSON in bytes: quotes and escapes come on top of what the limits of an event count. */
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
   * Makes an event durable in a repository. One that is there already is as good as written: its name proves it.
   * @param event its signature has been checked
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
   * Reads an event that a manifest names, its id and signature checked.
   * @throws CairnError `corrupt` when it is missing or is not what its name says; `unavailable` when the store fails
   */
  async load(place: RepositoryPlace, eventId: string): Promise<VerifiedEvent> {
    const key = signedEventKey(place, eventId);
    const found = await this.control.get(key);
    if (!found.found)
      throw publicError('corrupt', `the repository is damaged: the object store has no ${key}`);
    const event = parseStored(await readAll(found.body, MAX_BYTES));
    if (event === undefined || event.id !== eventId || !this.verifier.verify(event)) {
      throw publicError('corrupt', `the repository is damaged: ${key} is not the event of that id`);
    }
    return event;
  }
}

function parseStored(bytes: Buffer) {
  try {
    const event = parseEvent(JSON.parse(bytes.toString('utf8')));
    return event.ok ? event.value : undefined;
  } catch {
    // What is wrong with it does not matter: it is not the event.
    return undefined;
  }
}

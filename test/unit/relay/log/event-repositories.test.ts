import { expect, it } from 'vitest';
import type { NostrEvent } from '../../../../src/nostr/event.ts';
import { kinds } from '../../../../src/nostr/kinds.ts';
import {
  EventRepositories,
  type EventRepositoriesContext,
  MAX_REFERENCES,
} from '../../../../src/relay/log/event-repositories.ts';
import { alice, bob } from '../../nostr/authors.ts';

it('the references of all followed events together are bounded', () => {
  const addresses = (at: number) =>
    Array.from({ length: 4_900 }, (_, tag) => ['a', `30617:${bob.publicKey}:${at}-${tag}`]);
  const roots = Array.from({ length: 64 }, (_, at) =>
    bob.sign({ kind: kinds.issue, at, tags: addresses(at) }),
  );
  const small = roots.map(({ created_at: at }) =>
    bob.sign({ kind: kinds.issue, at, tags: addresses(at).slice(0, 50) }),
  );
  const known = new Map([...roots, ...small].map((event) => [event.id, event]));
  // No trust is needed for events that are no states.
  const context = {
    events: { get: (id: string) => known.get(id), isReferredTo: () => false },
    announced: () => undefined,
  } as unknown as EventRepositoriesContext;
  const places = new EventRepositories(context);
  const answerTo = (events: readonly NostrEvent[]) =>
    alice.sign({ kind: kinds.comment, tags: events.map(({ id }) => ['e', id]) });
  expect(places.about(answerTo(small)).named).toHaveLength(MAX_REFERENCES);
  expect(places.about(answerTo(small.slice(0, 9))).named).toHaveLength(9 * 50);
  expect(places.about(answerTo(roots)).named).toEqual([]);
});

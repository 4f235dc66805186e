import { beforeAll, describe, expect, it } from 'vitest';
import { addressOf, authorKey, issueSigner, repositoryName, storedIssues } from '../../../bench/issues.ts';
import { eventId, parseEvent } from '../../../src/nostr/event.ts';
import { loadVerifier, type Verifier } from '../../../src/nostr/verify.ts';

describe('signed issues', () => {
  let verifier: Verifier;
  let sign: Awaited<ReturnType<typeof issueSigner>>;
  beforeAll(async () => {
    verifier = await loadVerifier();
    sign = await issueSigner();
  });

  it('are signed by their author, about one repository, and all different', () => {
    const events = [sign('discussed', 1), sign('discussed', 2)];
    for (const event of events) {
      expect(parseEvent(event)).toEqual({ ok: true, value: event });
      expect(verifier.verify(event)).toBe(true);
      expect(event).toMatchObject({
        kind: 1621,
        tags: expect.arrayContaining([['a', addressOf('discussed')]]),
      });
    }
    expect(events[0]?.id).not.toBe(events[1]?.id);
  });
});

describe('issues of a log', () => {
  const events = [...storedIssues({ repositories: 3, authors: 4, end: 1_700_000_000 })];

  it('are one per author and repository', () => {
    const pairs = events.map(({ pubkey, tags }) => `${pubkey} ${tags[0]?.join(' ')}`);
    const expected = [0, 1, 2, 3].flatMap((author) =>
      [0, 1, 2].map((place) => `${authorKey(author)} a ${addressOf(repositoryName(place))}`),
    );
    expect(pairs.toSorted()).toEqual(expected.toSorted());
  });

  it('have the shape and the id of events, in the order of their dates', () => {
    for (const event of events) {
      expect(parseEvent(event)).toEqual({ ok: true, value: event });
      expect(event.id).toBe(eventId(event));
    }
    expect(events.map((event) => event.created_at)).toEqual(
      events.map((_, number) => 1_700_000_000 - events.length + number),
    );
  });
});

import { describe, expect, it } from 'vitest';
import type { NostrEvent } from '../../../../src/nostr/event.ts';
import { kinds } from '../../../../src/nostr/kinds.ts';
import { createLogger } from '../../../../src/observability/logger.ts';
import { SignedEvents } from '../../../../src/relay/log/signed-events.ts';
import { HELD_SECONDS, HeldStates, MAX_HELD } from '../../../../src/relay/states/held-states.ts';
import { Trust } from '../../../../src/relay/trust.ts';
import { heldKey, signedEventKey } from '../../../../src/repository/keys.ts';
import { EventsInMemory } from '../../../helpers/events-in-memory.ts';
import { idOf, verified, verifier } from '../../../helpers/relay-rig.ts';
import { oid, RepositoryRig } from '../../../helpers/repository-rig.ts';
import { type Author, alice, author, bob } from '../../nostr/authors.ts';

const ID = idOf(alice);
const AT = 1_700_000_000;

/** The held signed states of one server. */
class HeldRig {
  readonly repositories: RepositoryRig;
  readonly events = new EventsInMemory();
  readonly held: HeldStates;
  readonly logged: string[] = [];

  constructor(over?: HeldRig) {
    this.repositories = over === undefined ? new RepositoryRig() : over.repositories.cold();
    const { store: control, clock, random } = this.repositories;
    const { events } = this;
    const signedEvents = new SignedEvents(control, verifier);
    const log = createLogger('warn', { write: (line) => void this.logged.push(line) });
    const trust = new Trust({ events, rule: 'recursive' });
    this.held = new HeldStates({ control, clock, random, events, signedEvents, verifier, trust, log });
  }

  hold(event: NostrEvent) {
    return this.held.hold(ID, verified(event));
  }

  async waiting(): Promise<string[]> {
    return (await this.held.heldIn(ID)).map(({ id }) => id);
  }
}

function signedState(by: Author, at = AT, digit = '1'): NostrEvent {
  const tags = [
    ['d', 'project'],
    ['refs/heads/main', oid(digit)],
    ['HEAD', 'ref: refs/heads/main'],
  ];
  return by.sign({ kind: kinds.repositoryState, at, tags });
}

describe('a held signed state', () => {
  it('is known to every server at once after one request, and its event is kept for the manifest', async () => {
    const rig = new HeldRig();
    const event = signedState(alice);
    expect(await rig.hold(event)).toBe('held');
    const other = new HeldRig(rig);
    other.repositories.store.reset();
    expect(await other.held.heldIn(ID)).toMatchObject([
      { id: event.id, author: alice.publicKey, at: AT, head: 'refs/heads/main' },
    ]);
    expect(other.repositories.store.log.map(({ key }) => key)).toEqual([heldKey(ID)]);
    expect((await rig.repositories.store.head(signedEventKey(ID, event.id))).found).toBe(true);
    expect(await rig.held.heldIn(idOf(bob))).toEqual([]);
  });

  it('is replaced by a newer one of the same author, not by an older one, and not by other authors', async () => {
    const rig = new HeldRig();
    const [old, young, others] = [
      signedState(alice, AT),
      signedState(alice, AT + 1, '2'),
      signedState(bob, AT - 1),
    ];
    await rig.hold(others);
    await rig.hold(old);
    expect(await rig.hold(young)).toBe('held');
    expect(await rig.hold(old)).toMatchObject({ outdatedBy: { id: young.id, at: AT + 1 } });
    expect((await rig.waiting()).sort()).toEqual([young.id, others.id].sort());
  });

  it('that is sent again changes nothing, and its wait is not extended', async () => {
    const rig = new HeldRig();
    const event = signedState(alice);
    await rig.hold(event);
    rig.repositories.clock.advance((HELD_SECONDS - 10) * 1000);
    expect(await rig.hold(event)).toBe('held');
    expect(await rig.waiting()).toEqual([event.id]);
    rig.repositories.clock.advance(10_000);
    expect(await rig.waiting()).toEqual([]);
    expect(await rig.hold(event)).toBe('held');
    expect(await rig.waiting()).toEqual([event.id]);
  });

  it('is removed when it is carried out, with those that it replaces', async () => {
    const rig = new HeldRig();
    const [old, carriedOut, young] = [
      signedState(alice),
      signedState(bob, AT + 1),
      signedState(author(7), AT + 2),
    ];
    for (const event of [old, carriedOut, young]) await rig.hold(event);
    await rig.held.removeApplied(ID, { id: carriedOut.id, author: bob.publicKey, at: AT + 1 });
    expect(await rig.waiting()).toEqual([young.id]);
  });

  it('that cannot be removed is reported in the log only', async () => {
    const rig = new HeldRig();
    const event = signedState(alice);
    await rig.hold(event);
    rig.repositories.store.rules.push(() => ({ does: 'throttle' }));
    await rig.held.removeApplied(ID, { id: event.id, author: alice.publicKey, at: AT });
    expect(rig.logged).toHaveLength(1);
  });

  it('is removed when its author has deleted it', async () => {
    const rig = new HeldRig();
    const [mine, others] = [signedState(alice), signedState(bob)];
    for (const event of [mine, others]) await rig.hold(event);
    const tags = [mine, others].map(({ id }) => ['e', id]);
    await rig.events.append([verified(alice.sign({ kind: kinds.deletion, at: AT + 1, tags }))]);
    expect(await rig.waiting()).toEqual([others.id]);
    await rig.held.remove(ID, new Set([others.id]));
    expect(await new HeldRig(rig).waiting()).toEqual([]);
  });

  it('replaces the oldest if too many wait', async () => {
    const rig = new HeldRig();
    const events = Array.from({ length: MAX_HELD + 2 }, (_, at) => signedState(author(10 + at), AT + at));
    for (const event of events) await rig.hold(event);
    expect((await rig.waiting()).sort()).toEqual(
      events
        .slice(2)
        .map(({ id }) => id)
        .sort(),
    );
  });

  it('is not held if as many newer ones are, and its author is told', async () => {
    const rig = new HeldRig();
    const others = Array.from({ length: MAX_HELD }, (_, at) => signedState(author(10 + at), AT));
    for (const event of others) await rig.hold(event);
    expect(await rig.hold(signedState(alice, AT - 1))).toMatchObject({ outdatedBy: { at: AT } });
    expect(await rig.waiting()).toHaveLength(MAX_HELD);
    // Of states of one second the larger ids count: as many states as there are keys, in whatever sequence.
    const more = Array.from({ length: 8 }, (_, at) => signedState(author(50 + at), AT));
    const told = await Promise.all(more.map((event) => rig.hold(event)));
    const kept = [...others, ...more]
      .map(({ id }) => id)
      .sort()
      .slice(-MAX_HELD);
    expect((await rig.waiting()).sort()).toEqual(kept);
    for (const [at, { id }] of more.entries()) if (kept.includes(id)) expect(told[at]).toBe('held');
  });

  it('is kept beside those that another server held at the same time', async () => {
    const one = new HeldRig();
    const other = new HeldRig(one);
    const [first, second] = [signedState(alice), signedState(bob)];
    await Promise.all([one.hold(first), other.hold(second)]);
    expect((await one.waiting()).sort()).toEqual([first.id, second.id].sort());
  });

  it('is skipped if somebody has changed it in the bucket', async () => {
    const rig = new HeldRig();
    const [mine, others] = [signedState(alice), signedState(bob)];
    for (const event of [mine, others]) await rig.hold(event);
    const { store } = rig.repositories;
    const found = await store.get(heldKey(ID));
    if (!found.found) throw new Error('nothing is held');
    const chunks: Buffer[] = [];
    for await (const chunk of found.body) chunks.push(chunk as Buffer);
    const record = JSON.parse(Buffer.concat(chunks).toString());
    record.orders[0].event.tags[1][1] = oid('f');
    await store.put(heldKey(ID), Buffer.from(JSON.stringify(record)), { mode: 'overwrite' });
    expect(await rig.waiting()).toEqual([others.id]);
  });
});

describe('the refs of a signed state in a manifest', () => {
  it('are read from the repository, even if the log has dropped the event', async () => {
    const rig = new HeldRig();
    const event = signedState(alice);
    await rig.hold(event);
    expect(await new HeldRig(rig).held.refsOf(ID, event)).toEqual(new Map([['refs/heads/main', oid('1')]]));
    await expect(rig.held.refsOf(ID, { id: 'f'.repeat(64) })).rejects.toMatchObject({ kind: 'corrupt' });
  });
});

describe('the tip of a pull request (issue 11, point 8)', () => {
  it.each([
    ['is the commit it names', kinds.pullRequest, oid('a'), true],
    ['is that of its update', kinds.pullRequestUpdate, 'b'.repeat(64), true],
    ['is none of a patch', kinds.patch, oid('a'), false],
    ['is nothing but a whole object id', kinds.pullRequest, 'abc', false],
  ])('%s', async (_, kind, tip, known) => {
    const rig = new HeldRig();
    const event = bob.sign({ kind, tags: [['c', tip]] });
    expect(rig.held.pullRequestTip(event.id)).toBeUndefined();
    await rig.events.append([verified(event)]);
    expect(rig.held.pullRequestTip(event.id)).toBe(known ? tip : null);
  });
});

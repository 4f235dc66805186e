import { describe, expect, it, vi } from 'vitest';
import { CairnError } from '../../../../src/lib/errors.ts';
import type { NostrEvent } from '../../../../src/nostr/event.ts';
import { kinds } from '../../../../src/nostr/kinds.ts';
import { createLogger } from '../../../../src/observability/logger.ts';
import { SignedEvents } from '../../../../src/relay/log/signed-events.ts';
import { ServiceIdentity } from '../../../../src/relay/service-identity.ts';
import { GitReceiptContent } from '../../../../src/relay/states/git-receipt-content.ts';
import { Receipts } from '../../../../src/relay/states/receipts.ts';
import type {
  GitCause,
  GitManifest,
  PublishedGitState,
} from '../../../../src/repository/git/git-manifest.ts';
import { signedEventKey } from '../../../../src/repository/keys.ts';
import { UNANNOUNCED } from '../../../../src/repository/manifest.ts';
import { EventsInMemory } from '../../../helpers/events-in-memory.ts';
import { announcement, idOf, verified, verifier } from '../../../helpers/relay-rig.ts';
import { manifestOf, oid, RepositoryRig } from '../../../helpers/repository-rig.ts';
import { alice, author, bob } from '../../nostr/authors.ts';

const ID = idOf(alice);
const SERVICE = author(99);
const never = new AbortController().signal;

/** One server's receipts over a bucket, without the publisher that would call for them. */
class ReceiptsRig {
  readonly repositories: RepositoryRig;
  readonly events = new EventsInMemory();
  readonly service = new ServiceIdentity(SERVICE.secretKey);
  readonly signedEvents: SignedEvents;
  readonly receipts: Receipts<GitManifest>;
  readonly logged: string[] = [];
  /** Dates of the states that the sweep came by. */
  readonly tips: number[] = [];

  constructor(over?: ReceiptsRig, gather?: number) {
    this.repositories = over === undefined ? new RepositoryRig() : over.repositories.cold();
    const { store, clock, random, repositories } = this.repositories;
    this.signedEvents = new SignedEvents(store, verifier);
    const log = createLogger('warn', { write: (line) => void this.logged.push(line) });
    const { events, signedEvents, service } = this;
    this.receipts = new Receipts({
      content: new GitReceiptContent(),
      events,
      repositories,
      signedEvents,
      service,
      clock,
      random,
      log,
      isPublic: () => true,
      ...(gather === undefined ? {} : { gather }),
      onTip: (_, manifest) => this.tips.push(manifest.receiptAt),
    });
  }

  /** Publishes, and tells the receipts of it unless the server is to die first. */
  async publish(
    parts: Partial<GitManifest>,
    over?: PublishedGitState,
    told = true,
  ): Promise<PublishedGitState> {
    const base = { identifier: ID.identifier, ...parts };
    const state =
      over === undefined
        ? await this.repositories.publish(manifestOf(base), undefined, ID)
        : await this.repositories.publish(childOf(over, base), over, ID);
    if (told) await this.tell(state.manifest);
    return state;
  }

  async tell(manifest: GitManifest): Promise<void> {
    this.receipts.settle(ID, manifest);
    await this.receipts.idle();
  }

  /** Every receipt there is in this log, oldest first. */
  receiptsOf(events = this.appended): NostrEvent[] {
    const { publicKey } = this.service.signerOf(ID);
    return events.filter(({ kind, pubkey }) => kind === kinds.repositoryState && pubkey === publicKey);
  }

  /** Everything that became visible, in order; what was replaced since included. */
  readonly appended: NostrEvent[] = [];

  listen(): this {
    this.events.onEvent((event, { hidden }) => {
      if (!hidden) this.appended.push(event);
    });
    return this;
  }
}

function childOf(over: PublishedGitState, parts: Partial<GitManifest>): GitManifest {
  const { depth, receiptAt } = over.manifest;
  return { ...over.manifest, parent: over.digest, depth: depth + 1, receiptAt: receiptAt + 10, ...parts };
}

function refs(...names: string[]): ReadonlyMap<string, string> {
  return new Map(names.map((name, at) => [`refs/${name}`, oid(String(at + 1))]));
}

function pushBy(actor: string, ...names: string[]): GitCause {
  return { kind: 'push', actor, evidence: null, refs: names.map((name) => `refs/${name}`) };
}

const pushed = (...names: string[]) => ({
  refs: refs(...names),
  causes: [pushBy(alice.publicKey, ...names)],
});

describe('a receipt', () => {
  it('states the refs after a publish and the actor, signed by the repository key', async () => {
    const rig = new ReceiptsRig().listen();
    const { manifest } = await rig.publish({
      refs: refs('heads/main', 'nostr/x', 'tags/v1'),
      causes: [
        pushBy(alice.publicKey, 'heads/main'),
        pushBy(bob.publicKey, 'tags/v1'),
        pushBy(alice.publicKey, 'nostr/x'),
      ],
    });
    const [receipt, ...others] = rig.receiptsOf();
    expect(others).toEqual([]);
    expect(receipt).toMatchObject({ created_at: manifest.receiptAt, content: '' });
    expect(receipt?.tags).toEqual([
      ['d', 'project'],
      ['refs/heads/main', oid('1')],
      ['refs/tags/v1', oid('3')],
      ['HEAD', 'ref: refs/heads/main'],
      ['a', `30617:${alice.publicKey}:project`],
      ['p', alice.publicKey],
      ['p', bob.publicKey],
    ]);
  });

  it('is accompanied by the service’s attestation of that key', async () => {
    const rig = new ReceiptsRig().listen();
    const first = await rig.publish(pushed('heads/main'));
    await rig.publish(pushed('heads/main', 'heads/next'), first);
    const attestations = rig.appended.filter(({ kind }) => kind === kinds.applicationData);
    expect(attestations).toHaveLength(1);
    expect(attestations[0]).toMatchObject({ pubkey: SERVICE.publicKey });
    expect(attestations[0]?.tags).toContainEqual(['p', rig.service.signerOf(ID).publicKey]);
  });

  it('is the same from every server, and each time it is made', async () => {
    const one = new ReceiptsRig().listen();
    const { manifest } = await one.publish(pushed('heads/main'));
    const other = new ReceiptsRig(one).listen();
    await other.tell(manifest);
    await one.tell(manifest);
    const ids = (rig: ReceiptsRig) => rig.appended.map(({ id }) => id);
    expect(ids(other)).toEqual(ids(one));
    expect(one.receiptsOf()).toHaveLength(1);
  });

  it('follows each publish that changes branches, tags or HEAD, and no other', async () => {
    const rig = new ReceiptsRig().listen();
    const begun = await rig.publish({});
    const main = await rig.publish(pushed('heads/main', 'heads/next'), begun);
    const fold: GitCause = { kind: 'fold', actor: null, evidence: null, refs: [] };
    const folded = await rig.publish({ causes: [fold] }, main);
    const nostr = { refs: new Map([...refs('heads/main', 'heads/next'), ['refs/nostr/x', oid('9')]]) };
    const stranger = await rig.publish({ ...nostr, causes: [pushBy(bob.publicKey, 'nostr/x')] }, folded);
    const head: GitCause = { kind: 'head', actor: null, evidence: null, refs: [] };
    const moved = await rig.publish({ head: 'refs/heads/next', causes: [head] }, stranger);
    const emptied = await rig.publish(
      { refs: new Map(), causes: [pushBy(bob.publicKey, 'heads/main')] },
      moved,
    );
    expect(rig.receiptsOf().map(({ created_at }) => created_at)).toEqual(
      [main, moved, emptied].map(({ manifest }) => manifest.receiptAt),
    );
  });

  it('of a signed state names it and its author, even if only HEAD changes', async () => {
    const rig = new ReceiptsRig().listen();
    const begun = await rig.publish(pushed('heads/main', 'heads/next'));
    const event = bob.sign({ kind: kinds.repositoryState, tags: [['d', 'project']] });
    await rig.signedEvents.store(ID, event);
    const appliedState = { id: event.id, author: bob.publicKey, at: event.created_at, refs: '0'.repeat(64) };
    const cause: GitCause = { kind: 'order', actor: bob.publicKey, evidence: event.id, refs: [] };
    await rig.publish({ head: 'refs/heads/next', appliedState, causes: [cause] }, begun);
    expect(rig.receiptsOf().at(-1)?.tags.slice(-2)).toEqual([
      ['p', bob.publicKey],
      ['e', event.id],
    ]);
    expect(rig.events.get(event.id)).toEqual(event);
  });

  it('does not collide with that of another owner with the same identifier', () => {
    const service = new ServiceIdentity(SERVICE.secretKey);
    expect(service.signerOf(idOf(alice)).publicKey).not.toBe(service.signerOf(idOf(bob)).publicKey);
  });
});

describe('receipts', () => {
  it('that the store refuses are written later, and nothing waits for them', async () => {
    const rig = new ReceiptsRig().listen();
    rig.events.failure = new CairnError('unavailable', 'the store is away');
    const { manifest } = await rig.publish(pushed('heads/main'), undefined, false);
    const { clock } = rig.repositories;
    const sleep = clock.sleep.bind(clock);
    clock.sleep = async (milliseconds, signal) => {
      if (clock.slept.length === 5) rig.events.failure = undefined;
      await sleep(milliseconds, signal);
    };
    await rig.tell(manifest);
    expect(rig.receiptsOf()).toHaveLength(1);
    expect(clock.slept).toHaveLength(6);
    expect(clock.slept[5]).toBeGreaterThan(clock.slept[0] ?? Number.POSITIVE_INFINITY);
  });

  it('of a server that died after its swap are written by the next server that publishes, oldest first', async () => {
    const dead = new ReceiptsRig();
    const first = await dead.publish(pushed('heads/main'), undefined, false);
    const second = await dead.publish(pushed('heads/main', 'heads/next'), first, false);
    const next = new ReceiptsRig(dead).listen();
    const third = await next.publish(pushed('heads/main', 'heads/next', 'tags/v1'), second);
    expect(next.receiptsOf().map(({ created_at }) => created_at)).toEqual(
      [first, second, third].map(({ manifest }) => manifest.receiptAt),
    );
  });

  it('of a server that died after its swap are written by a server that starts, for all causes in the manifest', async () => {
    const dead = new ReceiptsRig();
    const announced = announcement(alice);
    const signedState = alice.sign({ kind: kinds.repositoryState, tags: [['d', 'project']] });
    for (const event of [announced, signedState]) await dead.signedEvents.store(ID, event);
    await dead.publish(
      {
        ...pushed('heads/main'),
        policy: { ...UNANNOUNCED, announcements: [announced.id], writers: [alice.publicKey] },
        appliedState: {
          id: signedState.id,
          author: alice.publicKey,
          at: signedState.created_at,
          refs: '0'.repeat(64),
        },
      },
      undefined,
      false,
    );
    const started = new ReceiptsRig(dead).listen();
    await started.receipts.sweep(never);
    expect(started.appended.map(({ kind }) => kind)).toEqual([
      kinds.repository,
      kinds.repositoryState,
      kinds.applicationData,
      kinds.repositoryState,
    ]);
    expect(started.receiptsOf()).toHaveLength(1);
    expect(started.tips).toEqual([started.receiptsOf()[0]?.created_at]);
    started.repositories.store.reset();
    await started.receipts.sweep(never);
    expect(started.repositories.store.count()).toBe(0);
  });

  it('that a sweep missed, because the store did not answer, are written by the next sweep', async () => {
    const rig = new ReceiptsRig().listen();
    await rig.publish(pushed('heads/main'), undefined, false);
    rig.repositories.store.next(({ operation }) => operation === 'list', { does: 'unavailable' });
    await expect(rig.receipts.sweep(never)).rejects.toThrow(CairnError);
    await rig.receipts.sweep(never);
    expect(rig.receiptsOf()).toHaveLength(1);
  });

  it('keep events hidden that wait for first data, and show them after it', async () => {
    const rig = new ReceiptsRig().listen();
    const waiting = announcement(alice, { as: 'grasp' });
    await rig.signedEvents.store(ID, waiting);
    await rig.events.append([verified(waiting)], { hidden: true });
    const policy = { ...UNANNOUNCED, announcements: [waiting.id], writers: [alice.publicKey] };
    const held = await rig.publish({ lifecycle: 'held', policy });
    expect(rig.events.isHidden(waiting.id)).toBe(true);
    await rig.publish({ ...pushed('heads/main'), lifecycle: 'live' }, held);
    expect(rig.events.isHidden(waiting.id)).toBe(false);
  });

  it('keep the announcement of a maintainer hidden while the maintainer’s own repository waits for first data', async () => {
    const rig = new ReceiptsRig().listen();
    const [owners, his] = [announcement(alice, { maintainers: [bob] }), announcement(bob, { as: 'grasp' })];
    for (const event of [owners, his]) await rig.signedEvents.store(ID, event);
    await rig.events.append([verified(his)], { hidden: true });
    const theirs = await rig.repositories.publish(
      manifestOf({ identifier: 'project', lifecycle: 'held' }),
      undefined,
      idOf(bob),
    );
    const policy = {
      ...UNANNOUNCED,
      announcements: [owners.id, his.id],
      writers: [alice.publicKey, bob.publicKey],
    };
    const first = await rig.publish({ ...pushed('heads/main'), policy });
    expect(rig.events.isHidden(his.id)).toBe(true);
    expect(rig.events.get(owners.id)).toBeDefined();
    await rig.repositories.publish(childOf(theirs, { lifecycle: 'live' }), theirs, idOf(bob));
    await rig.publish(pushed('heads/main', 'heads/next'), first);
    expect(rig.events.isHidden(his.id)).toBe(false);
  });

  it('are not made for a withdrawn repository', async () => {
    const rig = new ReceiptsRig().listen();
    const first = await rig.publish(pushed('heads/main'));
    const before = rig.appended.length;
    await rig.publish({ lifecycle: 'withdrawn', refs: new Map() }, first);
    expect(rig.appended).toHaveLength(before);
  });

  it('delete the receipts from before a withdrawal, when the repository is announced again', async () => {
    const rig = new ReceiptsRig().listen();
    const first = await rig.publish(pushed('heads/main'));
    const withdrawal = { id: 'e'.repeat(64), at: 1 };
    const gone = await rig.publish({ lifecycle: 'withdrawn', refs: new Map(), withdrawal }, first);
    await rig.publish({ lifecycle: 'live', refs: new Map(), causes: [] }, gone);
    const [, last] = rig.receiptsOf();
    expect(rig.receiptsOf()).toHaveLength(2);
    expect(last?.tags.filter(([name]) => name?.startsWith('refs/'))).toEqual([]);
  });

  it('of a damaged repository are skipped with a line in the log, and the others are written', async () => {
    const rig = new ReceiptsRig().listen();
    const policy = { ...UNANNOUNCED, announcements: ['f'.repeat(64)], writers: [alice.publicKey] };
    await rig.publish({ ...pushed('heads/main'), policy });
    expect(rig.receiptsOf()).toEqual([]);
    expect(rig.logged.join('')).toContain(signedEventKey(ID, 'f'.repeat(64)));
    const fine = { identifier: 'fine', ...pushed('heads/main') };
    await rig.repositories.publish(manifestOf(fine), undefined, idOf(bob, 'fine'));
    await rig.receipts.sweep(never);
    expect(rig.appended.filter(({ kind }) => kind === kinds.repositoryState)).toHaveLength(1);
  });

  it('stop waiting when the server stops', async () => {
    const rig = new ReceiptsRig().listen();
    rig.events.failure = new CairnError('unavailable', 'the store is away');
    const { manifest } = await rig.publish(pushed('heads/main'), undefined, false);
    const { clock } = rig.repositories;
    clock.sleep = (_, signal) =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
    rig.receipts.settle(ID, manifest);
    await new Promise((resolve) => setImmediate(resolve));
    await rig.receipts.close();
    rig.receipts.settle(ID, manifest);
    await rig.receipts.idle();
    expect(rig.appended).toEqual([]);
  });
});

it('receipts of close publishes are gathered into one write', async () => {
  const rig = new ReceiptsRig(undefined, 300).listen();
  const append = vi.spyOn(rig.events, 'append');
  const first = await rig.publish(pushed('heads/a'), undefined, false);
  const second = await rig.publish(pushed('heads/a', 'heads/b'), first, false);
  rig.receipts.settle(ID, first.manifest);
  rig.receipts.settle(ID, second.manifest);
  await rig.receipts.idle();
  expect(append).toHaveBeenCalledTimes(1);
  expect(rig.receiptsOf()).toHaveLength(2);
});

import { mkdtemp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Git } from '../../../../src/git-process/git.ts';
import { sha256 } from '../../../../src/lib/digest.ts';
import { CairnError } from '../../../../src/lib/errors.ts';
import type { NostrEvent, Tag } from '../../../../src/nostr/event.ts';
import { kinds } from '../../../../src/nostr/kinds.ts';
import { createLogger } from '../../../../src/observability/logger.ts';
import { AnnouncedKinds } from '../../../../src/relay/announcements/announced-kind.ts';
import { Directory } from '../../../../src/relay/announcements/directory.ts';
import { gitAnnounced } from '../../../../src/relay/announcements/git-announced.ts';
import { SignedEvents } from '../../../../src/relay/log/signed-events.ts';
import type { Authenticated } from '../../../../src/relay/publication.ts';
import { ServiceIdentity } from '../../../../src/relay/service-identity.ts';
import { HeldStates } from '../../../../src/relay/states/held-states.ts';
import { SignedStates } from '../../../../src/relay/states/signed-states.ts';
import { Trust } from '../../../../src/relay/trust.ts';
import type {
  GitManifest,
  PackEntry,
  PublishedGitState,
} from '../../../../src/repository/git/git-manifest.ts';
import { pointerKey } from '../../../../src/repository/keys.ts';
import { type Policy, UNANNOUNCED } from '../../../../src/repository/manifest.ts';
import { type RepositoryId, repositoryId } from '../../../../src/repository/repository-id.ts';
import { EventsInMemory } from '../../../helpers/events-in-memory.ts';
import type { StoreCall } from '../../../helpers/faulty-store.ts';
import { GitClient } from '../../../helpers/git-client.ts';
import { announcement, BASE, idOf, verified, verifier } from '../../../helpers/relay-rig.ts';
import { childOf, manifestOf, oid, RepositoryRig } from '../../../helpers/repository-rig.ts';
import { type TempDir, tempDir } from '../../../helpers/temp-dir.ts';
import { type Author, alice, author, bob, carol, dave } from '../../nostr/authors.ts';

const ID = idOf(alice);
const SERVICE = author(99);
const AT = 1_800_000_000;

let folder: TempDir;
let git: Git;
/** Every git process started since it was emptied. */
const started: string[] = [];
/** Object ids by what they are: `first` ← `second`, `first` ← `side`. */
const ids: Record<string, string> = {};
let packFile: Buffer;
let idxFile: Buffer;

beforeAll(async () => {
  folder = await tempDir('cairn-signed-states');
  const observer = { started: (name: string) => void started.push(name), ended: () => undefined };
  git = new Git({ binary: 'git', home: folder.path, observer });
  const work = await new GitClient(folder.path).init('work');
  ids['first'] = await work.commit('First', { a: '1\n' });
  ids['second'] = await work.commit('Second', { a: '2\n' });
  await work.run(['tag', '-a', '-m', 'v1', 'v1']);
  ids['tag'] = await work.oidOf('v1');
  ids['blob'] = await work.run(['rev-parse', 'HEAD:a']);
  await work.run(['checkout', '--quiet', '-b', 'side', ids['first']]);
  ids['side'] = await work.commit('Side', { b: '1\n' });
  const name = await work.run(['pack-objects', '--all', '--quiet', join(folder.path, 'made')], { input: '' });
  packFile = await readFile(join(folder.path, `made-${name}.pack`));
  idxFile = await readFile(join(folder.path, `made-${name}.idx`));
});
afterAll(() => folder[Symbol.asyncDispose]());

const id = (name: string) => ids[name] ?? '';

/** Refs by their short names: what they are to point at, by name or by id. */
function refsOf(short: Readonly<Record<string, string>>): Map<string, string> {
  return new Map(Object.entries(short).map(([name, what]) => [`refs/${name}`, ids[what] ?? what]));
}

interface SignedStateParts {
  readonly by?: Author;
  readonly at?: number;
  readonly head?: string;
  readonly identifier?: string;
}

function signedState(short: Readonly<Record<string, string>>, parts: SignedStateParts = {}): NostrEvent {
  const { by = alice, at = AT, head, identifier = 'project' } = parts;
  const tags: Tag[] = [['d', identifier], ...refsOf(short)];
  if (head !== undefined) tags.push(['HEAD', `ref: refs/heads/${head}`]);
  return by.sign({ kind: kinds.repositoryState, at, tags });
}

function policyOf(writers: readonly Author[], parts: Partial<Policy> = {}): Policy {
  return { ...UNANNOUNCED, writers: writers.map(({ publicKey }) => publicKey), ...parts };
}

/** One server's signed states, with real git, over a bucket with faults. */
class SignedStatesRig {
  readonly repositories: RepositoryRig;
  readonly events = new EventsInMemory();
  readonly service = new ServiceIdentity(SERVICE.secretKey);
  readonly held: HeldStates;
  readonly signedStates: SignedStates;

  private constructor(cache: string) {
    this.repositories = new RepositoryRig({ folder: cache });
    const { store: control, clock, random, repositories, artifacts } = this.repositories;
    const { events, service } = this;
    const signedEvents = new SignedEvents(control, verifier);
    const log = createLogger('silent');
    const trust = new Trust({ events, rule: 'recursive' });
    const receiptKey = (owner: string, identifier: string) =>
      service.signerOf(repositoryId(owner, identifier)).publicKey;
    const directory = new Directory({
      events,
      repositories: new AnnouncedKinds(gitAnnounced(repositories)),
      trust,
      receiptKey,
      base: BASE,
      log,
    });
    this.held = new HeldStates({ control, clock, random, events, signedEvents, verifier, trust, log });
    this.signedStates = new SignedStates({
      events,
      repositories,
      heldStates: this.held,
      signedEvents,
      service,
      git,
      trust,
      isPublic: (event) => directory.visible(event, new Set()),
      clock,
      artifacts,
      cache: this.repositories.cache,
    });
  }

  static async open(): Promise<SignedStatesRig> {
    const rig = new SignedStatesRig(await mkdtemp(join(folder.path, 'cache-')));
    await rig.repositories.cache.open();
    await rig.repositories.snapshots.open();
    rig.repositories.clock.advance(AT * 1000 - rig.repositories.clock.now());
    started.length = 0;
    return rig;
  }

  /** A repository of Alice's in which every object of the history is, whatever its refs are. */
  static async withObjects(parts: Partial<GitManifest> = {}): Promise<SignedStatesRig> {
    const rig = await SignedStatesRig.open();
    await rig.make(ID, { packs: [await rig.pack(ID)], ...parts });
    await rig.events.append([verified(announcement(alice, { at: 1_000, maintainers: [bob] }))]);
    return rig;
  }

  make(place: RepositoryId, parts: Partial<GitManifest> = {}): Promise<PublishedGitState> {
    const { identifier } = place;
    const manifest = manifestOf({ identifier, policy: policyOf([alice, bob]), ...parts });
    return this.repositories.publish(manifest, undefined, place);
  }

  async pack(place: RepositoryId): Promise<PackEntry> {
    const { artifacts } = this.repositories;
    const pack = await artifacts.put(place, 'pack', sha256(packFile), packFile);
    const idx = await artifacts.put(place, 'idx', sha256(idxFile), idxFile);
    return { kind: 'push', objects: packFile.readUInt32BE(8), pack, idx };
  }

  /** Somebody pushes with a token. */
  async push(short: Readonly<Record<string, string>>): Promise<void> {
    const over = await this.state();
    const cause = { kind: 'push', actor: bob.publicKey, evidence: null, refs: [] } as const;
    const next = childOf(over, { refs: refsOf(short), causes: [cause] });
    await this.repositories.publish(next, over, ID);
  }

  async state(place: RepositoryId = ID): Promise<PublishedGitState> {
    const state = await this.repositories.repositories.get(place).resolve();
    if (state === undefined) throw new Error('there is no such repository');
    return state;
  }

  async manifest(place: RepositoryId = ID): Promise<GitManifest> {
    return (await this.state(place)).manifest;
  }

  /** @param sender keys shown on the connection: by default the author's */
  send(event: NostrEvent, sender: Authenticated = new Set([event.pubkey])) {
    return this.signedStates.take(verified(event), sender);
  }

  async waiting(place: RepositoryId = ID): Promise<string[]> {
    return (await this.held.heldIn(place)).map((one) => one.id);
  }
}

describe('a signed state for a repository with a pull mirror (issue 13, point 4)', () => {
  const mirrors = [{ id: '1'.repeat(16), name: 'upstream', refs: 'follow' }] as const;

  it('is refused, and the reason names the mirror', async () => {
    const rig = await SignedStatesRig.withObjects({ refs: refsOf({ 'heads/main': 'first' }), mirrors });
    expect(await rig.send(signedState({ 'heads/main': 'second' }))).toEqual({
      accepted: false,
      note: expect.stringMatching(/^blocked: mirrored: .*"upstream"/),
    });
    expect([...(await rig.manifest()).refs]).toEqual([['refs/heads/main', id('first')]]);
    expect(await rig.waiting()).toEqual([]);
  });

  it('is refused even if it changes only HEAD', async () => {
    const refs = { 'heads/main': 'first', 'heads/other': 'second' };
    const rig = await SignedStatesRig.withObjects({ refs: refsOf(refs), mirrors });
    expect(await rig.send(signedState(refs, { head: 'other' }))).toEqual({
      accepted: false,
      note: expect.stringMatching(/^blocked: mirrored: .*"upstream"/),
    });
    expect((await rig.manifest()).head).toBe('refs/heads/main');
  });

  it('may state the published refs', async () => {
    const rig = await SignedStatesRig.withObjects({ refs: refsOf({ 'heads/main': 'first' }), mirrors });
    expect(await rig.send(signedState({ 'heads/main': 'first' }))).toMatchObject({ accepted: true });
  });
});

describe('a signed state whose objects are here', () => {
  it('is carried out at once, as a publish with its cause', async () => {
    const rig = await SignedStatesRig.withObjects({
      refs: refsOf({ 'heads/main': 'first', 'notes/x': 'blob' }),
    });
    const event = signedState(
      { 'heads/main': 'second', 'heads/next': 'side', 'tags/v1': 'tag' },
      { head: 'next' },
    );
    expect(await rig.send(event)).toEqual({ accepted: true, note: '' });
    const manifest = await rig.manifest();
    expect([...manifest.refs]).toEqual([
      ['refs/heads/main', id('second')],
      ['refs/heads/next', id('side')],
      ['refs/notes/x', id('blob')],
      ['refs/tags/v1', id('tag')],
    ]);
    expect([...manifest.peeled]).toEqual([['refs/tags/v1', id('second')]]);
    expect(manifest).toMatchObject({
      head: 'refs/heads/next',
      lifecycle: 'live',
      appliedState: { id: event.id, author: alice.publicKey, at: AT },
      causes: [
        {
          kind: 'order',
          actor: alice.publicKey,
          evidence: event.id,
          refs: ['refs/heads/main', 'refs/heads/next', 'refs/tags/v1'],
        },
      ],
      receiptAt: AT - 1,
    });
    expect(rig.events.get(event.id)).toEqual(event);
    expect(await rig.waiting()).toEqual([]);
  });

  it('is not carried out twice, nor is an older one later', async () => {
    const rig = await SignedStatesRig.withObjects();
    await rig.send(signedState({ 'heads/main': 'second' }));
    const again = await rig.send(signedState({ 'heads/main': 'second' }));
    expect(again.accepted).toBe(true);
    expect(again.note).toMatch(/^duplicate: /);
    const older = await rig.send(signedState({ 'heads/main': 'first' }, { at: AT - 1, by: bob }));
    expect(older).toMatchObject({ accepted: false, note: expect.stringContaining('newer') });
    expect((await rig.manifest()).depth).toBe(1);
  });

  it('of the same second as another is answered with the rule about ids, not with a newer one (issue 11, point 24)', async () => {
    // Ids of commits, and so of states, are others in every run. HEAD is free to choose, so there are as many as it takes.
    const byId = (by: Author, refs: Readonly<Record<string, string>>) =>
      Array.from({ length: 64 }, (_, n) => signedState(refs, { by, head: `b${n}` })).sort((a, b) =>
        a.id < b.id ? -1 : 1,
      );
    const second = { 'heads/main': 'second' };
    for (const [applied, other, told] of [
      [byId(alice, second)[0], byId(alice, { 'heads/main': 'first' }).at(-1), /lower id/],
      [byId(alice, second).at(-1), byId(bob, { 'heads/main': 'first' })[0], /higher id/],
    ] as const) {
      if (applied === undefined || other === undefined) throw new TypeError('there are 64 of each');
      const rig = await SignedStatesRig.withObjects();
      await rig.send(applied);
      const verdict = await rig.send(other);
      expect(verdict).toMatchObject({
        accepted: false,
        note: expect.stringMatching(/^blocked: .*same second/),
      });
      expect(verdict.note).toMatch(told);
      expect(verdict.note).not.toContain('newer');
    }
    // The same while the first one waits for its objects.
    const waiting = await SignedStatesRig.withObjects();
    const [held, ...later] = byId(alice, { 'heads/main': oid('d') });
    if (held === undefined) throw new TypeError('there are 64 of them');
    await waiting.send(held);
    expect((await waiting.send(later.at(-1) ?? held)).note).toMatch(/same second.*lower id/);
  });

  it('may change the refs of the last signed state in any way', async () => {
    const rig = await SignedStatesRig.withObjects();
    await rig.send(signedState({ 'heads/main': 'second', 'tags/v1': 'tag' }, { at: AT - 2 }));
    expect(
      await rig.send(signedState({ 'heads/main': 'side', 'tags/v1': 'first' }, { at: AT - 1 })),
    ).toMatchObject({
      note: '',
    });
    expect(await rig.send(signedState({}, { at: AT, by: bob }))).toMatchObject({ note: '' });
    expect((await rig.manifest()).refs.size).toBe(0);
  });

  it('asks git nothing twice', async () => {
    const rig = await SignedStatesRig.withObjects({ refs: refsOf({ 'heads/main': 'first' }) });
    started.length = 0;
    await rig.send(signedState({ 'heads/main': 'second' }));
    expect([...started].sort()).toEqual(['cat-file', 'merge-base', 'rev-list']);
  });

  it('is not blocked by a receipt of the same refs', async () => {
    const rig = await SignedStatesRig.open();
    const own = rig.service.signerOf(ID).publicKey;
    const policy = { ...policyOf([alice]), writers: [alice.publicKey, own] };
    await rig.make(ID, { packs: [await rig.pack(ID)], policy });
    rig.repositories.clock.advance(60_000);
    await rig.send(signedState({ 'heads/main': 'first' }));
    expect((await rig.manifest()).receiptAt).toBe(AT + 60);
  });

  it('is in force even if the log fails', async () => {
    const rig = await SignedStatesRig.withObjects();
    rig.events.failure = new CairnError('unavailable', 'the store is away');
    expect(await rig.send(signedState({ 'heads/main': 'second' }))).toEqual({ accepted: true, note: '' });
    expect((await rig.manifest()).appliedState).not.toBeNull();
  });

  it('is decided again if a push is published meanwhile', async () => {
    const rig = await SignedStatesRig.withObjects();
    const over = await rig.state();
    rig.repositories.store.next((call) => call.operation === 'put' && call.key.endsWith('/pointer'), {
      does: 'run',
      before: async () => {
        const next = childOf(over, { refs: refsOf({ 'heads/other': 'side' }) });
        await rig.repositories.publish(next, over, ID);
      },
    });
    const verdict = await rig.send(signedState({ 'heads/main': 'second' }));
    expect(verdict.note).toMatch(/^purgatory: .*refs\/heads\/other/);
    expect([...(await rig.manifest()).refs.keys()]).toEqual(['refs/heads/other']);
  });
});

describe('a signed state that would undo a push', () => {
  const cases: [string, Record<string, string>, Record<string, string>, boolean][] = [
    [
      'leaves out a branch that was pushed',
      { 'heads/main': 'first', 'heads/x': 'side' },
      { 'heads/main': 'second' },
      false,
    ],
    ['brings back a branch that was deleted', {}, { 'heads/main': 'first' }, false],
    ['rewinds a branch that was pushed', { 'heads/main': 'second' }, { 'heads/main': 'first' }, false],
    [
      'moves a tag that was pushed',
      { 'heads/main': 'first', 'tags/v1': 'tag' },
      { 'heads/main': 'first', 'tags/v1': 'side' },
      false,
    ],
    ['builds on a branch that was pushed', { 'heads/main': 'second' }, { 'heads/main': 'second' }, true],
  ];

  it.each(cases)(
    '(it %s) waits and its author is answered; otherwise it is carried out',
    async (_, pushed, wanted, taken) => {
      const rig = await SignedStatesRig.withObjects();
      await rig.send(signedState({ 'heads/main': 'first' }, { at: AT - 10 }));
      await rig.push(pushed);
      const event = signedState(wanted);
      const verdict = await rig.send(event);
      expect(verdict.accepted).toBe(true);
      expect(await rig.waiting()).toEqual(taken ? [] : [event.id]);
      if (!taken) {
        expect(verdict.note).toMatch(/^purgatory: the state would undo a push: refs\//);
        expect((await rig.manifest()).refs).toEqual(refsOf(pushed));
        expect(rig.events.get(event.id)).toBeUndefined();
      }
    },
  );

  it('may fast-forward a pushed branch', async () => {
    const rig = await SignedStatesRig.withObjects({ refs: refsOf({ 'heads/main': 'first' }) });
    expect(await rig.send(signedState({ 'heads/main': 'second' }))).toEqual({ accepted: true, note: '' });
  });

  it('is answered with that reason, even if its objects are missing as well', async () => {
    const rig = await SignedStatesRig.withObjects({ refs: refsOf({ 'heads/x': 'side' }) });
    const verdict = await rig.send(signedState({ 'heads/main': oid('d') }));
    expect(verdict.note).toContain('undo a push: refs/heads/x');
  });
});

describe('a signed state whose objects are missing', () => {
  it.each([
    ['in a repository without any', {}, { 'heads/main': 'first' }],
    ['in one with others', { packs: true }, { 'heads/main': oid('d') }],
  ])('waits for them, %s', async (_, { packs }: { packs?: boolean }, wanted) => {
    const rig = await SignedStatesRig.open();
    await rig.make(ID, packs === true ? { packs: [await rig.pack(ID)] } : { lifecycle: 'held' });
    const event = signedState(wanted, { head: 'main' });
    const verdict = await rig.send(event);
    expect(verdict.accepted).toBe(true);
    expect(verdict.note).toMatch(/^purgatory: /);
    const [waiting] = await rig.held.heldIn(ID);
    expect(waiting).toMatchObject({ id: event.id, author: alice.publicKey, at: AT, head: 'refs/heads/main' });
    expect(waiting?.refs).toEqual(refsOf(wanted));
    expect((await rig.manifest()).depth).toBe(0);
    expect(rig.events.all).toEqual([]);
  });

  it('is carried out when it is sent again after they came', async () => {
    const rig = await SignedStatesRig.open();
    const empty = await rig.make(ID, { lifecycle: 'held' });
    const event = signedState({ 'heads/main': 'second' });
    await rig.send(event);
    await rig.repositories.publish(childOf(empty, { packs: [await rig.pack(ID)] }), empty, ID);
    expect(await rig.send(event)).toEqual({ accepted: true, note: '' });
    expect(await rig.manifest()).toMatchObject({ lifecycle: 'live', appliedState: { id: event.id } });
    expect(await rig.waiting()).toEqual([]);
  });

  it('leaves a repository waiting for first data if it lists no refs', async () => {
    const rig = await SignedStatesRig.open();
    await rig.make(ID, { lifecycle: 'held' });
    expect(await rig.send(signedState({}))).toEqual({ accepted: true, note: '' });
    expect((await rig.manifest()).lifecycle).toBe('held');
  });
});

describe('a signed state is refused', () => {
  it.each([
    [
      'by somebody who may not write',
      signedState({ 'heads/main': oid('1') }, { by: carol }),
      /^restricted: /,
    ],
    ['for a repository nobody has heard of', signedState({}, { identifier: 'nothing' }), /^restricted: /],
    ['dated far ahead', signedState({}, { at: AT + 901 }), /^invalid: .*ahead/],
    ['for a name no repository can have', signedState({}, { identifier: '../x' }), /^invalid: /],
    [
      'that nobody can follow',
      signedState({ 'heads/a': oid('1'), 'heads/a/b': oid('1') }),
      /^invalid: .*beside/,
    ],
    ['with object ids of another format', signedState({ 'heads/main': 'a'.repeat(64) }), /^blocked: .*sha1/],
    ['with a name git refuses', signedState({ 'heads/a..b': oid('1') }), /^invalid: /],
  ])('%s', async (_, event, reason) => {
    const rig = await SignedStatesRig.withObjects();
    const before = rig.repositories.store.writes();
    const verdict = await rig.send(event);
    expect(verdict.accepted).toBe(false);
    expect(verdict.note).toMatch(reason);
    expect(rig.repositories.store.writes()).toBe(before);
  });

  it('with the same words for a private and a missing repository (issue 11, point 13)', async () => {
    const rig = await SignedStatesRig.withObjects({ policy: policyOf([alice], { private: true }) });
    const [there, none] = [
      signedState({}, { by: carol }),
      signedState({}, { by: carol, identifier: 'nothing' }),
    ];
    expect((await rig.send(there)).note).toBe((await rig.send(none)).note);
  });

  it('if it makes a ref whose name clients cannot keep as a file', async () => {
    const rig = await SignedStatesRig.withObjects();
    const long = signedState({ 'heads/main': 'first', [`heads/${'x'.repeat(251)}`]: 'first' });
    expect(await rig.send(long)).toMatchObject({
      accepted: false,
      note: expect.stringContaining('no part of a ref name may be longer than 250 bytes'),
    });
  });

  it('if a branch would not be a commit', async () => {
    const rig = await SignedStatesRig.withObjects();
    const verdict = await rig.send(signedState({ 'heads/main': 'blob' }));
    expect(verdict).toMatchObject({
      accepted: false,
      note: expect.stringContaining('must point at a commit'),
    });
  });

  it('in a withdrawn repository', async () => {
    const rig = await SignedStatesRig.withObjects({ lifecycle: 'withdrawn' });
    expect((await rig.send(signedState({}))).accepted).toBe(false);
  });

  it.each([
    ['before', AT - 1],
    ['when', AT],
  ])('if it was signed %s the repository was withdrawn, even if it was announced again', async (_, at) => {
    const rig = await SignedStatesRig.withObjects({ withdrawal: { id: 'e'.repeat(64), at: AT } });
    const verdict = await rig.send(signedState({ 'heads/main': 'first' }, { at }));
    expect(verdict).toMatchObject({ accepted: false, note: expect.stringMatching(/^blocked: .*withdrawn/) });
    expect((await rig.send(signedState({ 'heads/main': 'first' }, { at: AT + 1 }))).accepted).toBe(true);
  });

  it('if it is a receipt of this service', async () => {
    const rig = await SignedStatesRig.open();
    const signer = rig.service.signerOf(ID);
    const policy = { ...policyOf([alice]), writers: [alice.publicKey, signer.publicKey] };
    await rig.make(ID, { packs: [await rig.pack(ID)], policy, refs: refsOf({ 'heads/main': 'first' }) });
    await rig.events.append([verified(announcement(alice, { tags: [['maintainers', signer.publicKey]] }))]);
    const receipt = signer.sign({
      kind: kinds.repositoryState,
      created_at: AT,
      tags: [['d', 'project'], ...refsOf({ 'heads/main': 'first' })],
      content: '',
    });
    expect((await rig.signedStates.take(receipt, new Set())).note).toMatch(/^duplicate: /);
    expect((await rig.manifest()).appliedState).toBeNull();
  });
});

describe('protected branches apply to signed states by their signers', () => {
  const protection = [
    { pattern: 'refs/heads/main', rules: ['push:owner'] },
    { pattern: 'refs/heads/kept', rules: ['no-force-push', 'no-delete'] },
  ];
  const begin = { 'heads/main': 'first', 'heads/kept': 'first' };

  it.each([
    [
      'a maintainer moves what only the owner may',
      bob,
      { 'heads/main': 'second', 'heads/kept': 'first' },
      'refs/heads/main',
    ],
    ['the owner moves it', alice, { 'heads/main': 'second', 'heads/kept': 'first' }, undefined],
    ['the owner deletes what may not go', alice, { 'heads/main': 'first' }, 'refs/heads/kept'],
    ['a maintainer fast-forwards', bob, { 'heads/main': 'first', 'heads/kept': 'second' }, undefined],
    [
      'its objects are missing, and it may not',
      bob,
      { 'heads/main': oid('d'), 'heads/kept': 'first' },
      'refs/heads/main',
    ],
  ])('%s', async (_, by, wanted, refused) => {
    const rig = await SignedStatesRig.withObjects();
    await rig.send(signedState(begin, { at: AT - 10 }));
    const over = await rig.state();
    const policy = policyOf([alice, bob], { protection });
    await rig.repositories.publish(childOf(over, { policy }), over, ID);
    const verdict = await rig.send(signedState(wanted, { by }));
    if (refused === undefined) expect(verdict).toEqual({ accepted: true, note: '' });
    else
      expect(verdict).toMatchObject({
        accepted: false,
        note: expect.stringMatching(`^blocked: ${refused}: protected`),
      });
    expect(await rig.waiting()).toEqual([]);
  });

  it('a rewind of the last signed state is refused if force is', async () => {
    const rig = await SignedStatesRig.withObjects();
    await rig.send(signedState({ 'heads/kept': 'second' }, { at: AT - 10 }));
    const over = await rig.state();
    const policy = policyOf([alice, bob], { protection });
    await rig.repositories.publish(childOf(over, { policy }), over, ID);
    const verdict = await rig.send(signedState({ 'heads/kept': 'side' }));
    expect(verdict).toMatchObject({
      accepted: false,
      note: expect.stringContaining('only be fast-forwarded'),
    });
  });
});

describe('a signed state of a maintainer of several repositories', () => {
  async function rigOfTwo(): Promise<SignedStatesRig> {
    const rig = await SignedStatesRig.withObjects();
    await rig.make(idOf(carol), { packs: [await rig.pack(idOf(carol))], policy: policyOf([carol, bob]) });
    const announcements = [
      announcement(alice, { maintainers: [bob] }),
      announcement(carol, { maintainers: [bob] }),
    ];
    await rig.events.append(announcements.map(verified));
    return rig;
  }

  it('is carried out in each of them', async () => {
    const rig = await rigOfTwo();
    const event = signedState({ 'heads/main': 'second' }, { by: bob });
    expect(await rig.send(event)).toEqual({ accepted: true, note: '' });
    for (const place of [ID, idOf(carol)]) {
      expect((await rig.manifest(place)).appliedState?.id).toBe(event.id);
    }
  });

  it('is carried out in the others if one fails, and its author is asked to send it again', async () => {
    const rig = await rigOfTwo();
    const { store } = rig.repositories;
    const carols = `/${carol.publicKey}/`;
    store.rules.push((call) =>
      call.operation === 'put' && call.key.includes(carols) ? { does: 'throttle' } : undefined,
    );
    const event = signedState({ 'heads/main': 'second' }, { by: bob });
    await expect(rig.send(event)).rejects.toMatchObject({ kind: 'unavailable' });
    expect((await rig.manifest()).appliedState?.id).toBe(event.id);
    store.reset();
    expect((await rig.send(event)).accepted).toBe(true);
    expect((await rig.manifest(idOf(carol))).appliedState?.id).toBe(event.id);
  });

  it('finds those in which others name the maintainer for the owner, among many with the same name (issue 11, point 12)', async () => {
    const rig = await rigOfTwo();
    const crowd = Array.from({ length: 100 }, (_, at) => announcement(author(1_000 + at), { at: AT }));
    const chain = [
      announcement(alice, { at: AT, maintainers: [carol] }),
      announcement(carol, { at: AT, maintainers: [dave] }),
    ];
    await rig.events.append([...crowd, ...chain].map(verified));
    const over = await rig.state();
    await rig.repositories.publish(childOf(over, { policy: policyOf([alice, carol, dave]) }), over, ID);
    const event = signedState({ 'heads/main': 'second' }, { by: dave });
    rig.repositories.store.reset();
    expect((await rig.send(event)).accepted).toBe(true);
    expect((await rig.manifest()).appliedState?.id).toBe(event.id);
    expect(rig.repositories.store.count('get')).toBeLessThan(20);
  });
});

describe('a signed state carried out in one repository', () => {
  /** Bob has a repository with all objects, and writes to Alice's, which has none; his signed state is carried out in his. */
  async function carriedOut(policy: Partial<Policy> = {}) {
    const rig = await SignedStatesRig.open();
    const theirs = idOf(bob);
    await rig.make(ID);
    await rig.make(theirs, { packs: [await rig.pack(theirs)], policy: policyOf([bob], policy) });
    await rig.events.append([
      verified(announcement(alice, { at: 1_000, maintainers: [bob] })),
      verified(announcement(bob, { at: 1_000, maintainers: [alice] })),
    ]);
    const event = signedState({ 'heads/main': 'second', 'tags/v1': 'tag' }, { by: bob });
    expect((await rig.send(event)).note).toMatch(/^purgatory: /);
    return { rig, theirs, event, state: await rig.state(theirs) };
  }

  it('is carried out in the others where it counts, with the objects', async () => {
    const { rig, theirs, event, state } = await carriedOut();
    expect((await rig.manifest()).refs.size).toBe(0);
    await rig.signedStates.applyElsewhere(theirs, state.manifest);
    const manifest = await rig.manifest();
    expect(manifest.refs).toEqual(refsOf({ 'heads/main': 'second', 'tags/v1': 'tag' }));
    expect(manifest.peeled).toEqual(refsOf({ 'tags/v1': 'second' }));
    expect(manifest.appliedState?.id).toBe(event.id);
    for (const { pack, idx } of manifest.packs) {
      await rig.repositories.artifacts.mustExist(ID, 'pack', pack);
      await rig.repositories.artifacts.mustExist(ID, 'idx', idx);
    }
    expect(await rig.waiting()).toEqual([]);
  });

  it.each(['take', 'applyElsewhere'] as const)(
    'is carried out where it can be if another repository cannot be read (%s)',
    async (how) => {
      const rig = await SignedStatesRig.open();
      const [theirs, damaged] = [idOf(bob), idOf(carol)];
      for (const place of [ID, damaged]) {
        const packs = how === 'take' ? [await rig.pack(place)] : [];
        await rig.make(place, { policy: policyOf([place === ID ? alice : carol, bob]), packs });
      }
      await rig.make(theirs, { packs: [await rig.pack(theirs)], policy: policyOf([bob]) });
      await rig.events.append([
        ...[alice, carol].map((owner) => verified(announcement(owner, { at: 1_000, maintainers: [bob] }))),
        // Carol's repository is looked at first.
        verified(announcement(bob, { at: 1_000, maintainers: [carol, alice] })),
      ]);
      const { store } = rig.repositories;
      const isDamaged = ({ operation, key }: StoreCall) => operation === 'get' && key === pointerKey(damaged);
      const event = signedState({ 'heads/main': 'second' }, { by: bob });
      if (how === 'applyElsewhere') await rig.send(event);
      const { manifest } = await rig.state(theirs);
      store.next(isDamaged, { does: 'unavailable' }, 100);
      const done = how === 'take' ? rig.send(event) : rig.signedStates.applyElsewhere(theirs, manifest);
      await expect(done).rejects.toMatchObject({ kind: 'unavailable' });
      expect((await rig.manifest()).appliedState?.id).toBe(event.id);
      expect((await rig.manifest(theirs)).appliedState?.id).toBe(event.id);
    },
  );

  it('copies nothing out of a private one, nor of one that has become private (issue 11, point 12)', async () => {
    const secret = await carriedOut({ private: true });
    await secret.rig.signedStates.applyElsewhere(secret.theirs, secret.state.manifest);
    expect((await secret.rig.manifest()).packs).toEqual([]);

    const since = await carriedOut();
    const policy = policyOf([bob], { private: true });
    await since.rig.repositories.publish(childOf(since.state, { policy }), since.state, since.theirs);
    await since.rig.signedStates.applyElsewhere(since.theirs, since.state.manifest);
    expect((await since.rig.manifest()).packs).toEqual([]);
    expect(await since.rig.waiting()).toEqual([since.event.id]);
  });

  it('in a private one only is not shown to everybody, even if it would count in a public one (issue 11, point 12)', async () => {
    const rig = await SignedStatesRig.open();
    const secret = idOf(carol);
    const policy = policyOf([carol, bob], { private: true });
    await rig.make(ID);
    await rig.make(secret, { packs: [await rig.pack(secret)], policy });
    const tags = [['private', 'true']];
    await rig.events.append([
      verified(announcement(alice, { at: 1_000, maintainers: [bob] })),
      verified(announcement(carol, { at: 1_000, maintainers: [bob], tags })),
    ]);
    const event = signedState({ 'heads/main': 'second' }, { by: bob });
    await rig.send(event);
    expect((await rig.manifest(secret)).appliedState?.id).toBe(event.id);
    expect(await rig.waiting()).toEqual([event.id]);
    expect(rig.events.get(event.id)).toBeUndefined();
  });

  it('does not undo a push in another one', async () => {
    const { rig, theirs, event, state } = await carriedOut();
    const over = await rig.state();
    const packs = [await rig.pack(ID)];
    await rig.repositories.publish(
      childOf(over, { refs: refsOf({ 'heads/main': 'side' }), packs }),
      over,
      ID,
    );
    await rig.signedStates.applyElsewhere(theirs, state.manifest);
    expect((await rig.manifest()).refs).toEqual(refsOf({ 'heads/main': 'side' }));
    expect(await rig.waiting()).toEqual([event.id]);
  });
});

import { describe, expect, it } from 'vitest';
import type { ReceivedCommand } from '../../../../src/git/index.ts';
import { runToEnd } from '../../../../src/lib/cooperative.ts';
import type { HeldState } from '../../../../src/policy/state-match.ts';
import type { GitState } from '../../../../src/repository/git/git-manifest.ts';
import type { Policy } from '../../../../src/repository/manifest.ts';
import type { PushAuthority } from '../../../../src/transfer/push/authority.ts';
import { decidePush, type UndecidedPush } from '../../../../src/transfer/push/decide.ts';
import { waitingLimit } from '../../../../src/transfer/push/stranger-limits.ts';
import { ID, oid, stateOf } from '../../../helpers/repository-rig.ts';

const [owner, maintainer, reader, stranger] = [ID.owner, 'b'.repeat(64), 'c'.repeat(64), 'd'.repeat(64)];
const zero = oid('0');
const [one, two, three] = [oid('1'), oid('2'), oid('3')] as const;
const token = 'e'.repeat(64);
const event = 'f'.repeat(64);
const LIMITS = { bytes: 1_000, objects: 100, refs: 400 };

function policy(parts: Partial<Policy> = {}): Policy {
  return {
    announcements: [],
    writers: [owner, maintainer],
    protection: [],
    private: false,
    readers: [reader],
    ...parts,
  };
}

function state(parts: Partial<GitState> = {}): GitState {
  const refs = new Map([
    ['refs/heads/main', one],
    ['refs/tags/v1', one],
  ]);
  return stateOf({ refs, policy: policy(), ...parts });
}

function command(name: string, from: string, to: string): ReceivedCommand {
  return { name, oldId: from, newId: to };
}

function decide(
  question: Partial<UndecidedPush> & Pick<UndecidedPush, 'authority' | 'commands'>,
  ...where: readonly (GitState | undefined)[]
) {
  const met = where.length === 0 ? state() : where[0];
  const deciding = decidePush(
    {
      id: ID,
      atomic: false,
      objects: undefined,
      forced: new Set(),
      held: [],
      // As the last signed state left it, unless a test says otherwise.
      lastSet: met?.refs ?? new Map(),
      pullRequestTip: () => undefined,
      strangers: { limits: LIMITS, now: 0, brings: undefined },
      ...question,
    },
    met,
    stateOf(),
  );
  const decision = runToEnd(deciding);
  return { ...decision, reasons: decision.result.map((refusal) => refusal?.reason) };
}

const byKey = (actor: string): PushAuthority => ({ kind: 'key', actor, token });
const bySignedState: PushAuthority = { kind: 'signed-state' };
const makes = command('refs/heads/new', zero, two);

describe('a push by a key', () => {
  it.each([
    ['the owner', owner, undefined],
    ['a maintainer', maintainer, undefined],
    ['a reader', reader, 'neither the owner'],
    ['a stranger', stranger, 'neither the owner'],
  ])('of %s', (_who, actor, refusal) => {
    const { reasons, result, evidence } = decide({ authority: byKey(actor), commands: [makes] });
    if (refusal === undefined) {
      expect(reasons).toEqual([undefined]);
      expect(evidence).toEqual({ kind: 'push', actor, evidence: token });
    } else {
      expect(reasons[0]).toContain(refusal);
      expect(result[0]?.byState, 'an announcement may change it').toBe(true);
    }
  });

  it('of the owner is accepted without an announcement', () => {
    const unannounced = state({ policy: policy({ writers: [] }) });
    expect(decide({ authority: byKey(owner), commands: [makes] }, unannounced).reasons).toEqual([undefined]);
    const [reason] = decide({ authority: byKey(maintainer), commands: [makes] }, unannounced).reasons;
    expect(reason).toContain('neither the owner');
  });

  it.each([
    ['that is not there', undefined],
    ['that was withdrawn', state({ lifecycle: 'withdrawn' })],
  ])('creates no repository of one %s', (_what, met) => {
    const { reasons } = decide({ authority: byKey(owner), commands: [makes] }, met);
    expect(reasons[0]).toContain('not there any more');
  });

  const updates = {
    create: [command('refs/heads/kept/new', zero, two), []],
    'fast-forward': [command('refs/heads/kept/a', one, two), []],
    force: [command('refs/heads/kept/a', one, two), ['refs/heads/kept/a']],
    delete: [command('refs/heads/kept/a', one, zero), []],
    'no change': [command('refs/heads/kept/a', one, one), []],
  } as const;
  it.each<[string, string, keyof typeof updates, string | undefined]>([
    ['push:owner', owner, 'create', undefined],
    ['push:owner', owner, 'force', undefined],
    ['push:owner', owner, 'delete', undefined],
    ['push:owner', maintainer, 'create', 'only the owner'],
    ['push:owner', maintainer, 'fast-forward', 'only the owner'],
    ['push:owner', maintainer, 'force', 'only the owner'],
    ['push:owner', maintainer, 'delete', 'only the owner'],
    ['push:owner', maintainer, 'no change', undefined],
    ['push:maintainer', maintainer, 'force', undefined],
    ['no-force-push', owner, 'fast-forward', undefined],
    ['no-force-push', owner, 'force', 'fast-forwarded'],
    ['no-force-push', owner, 'create', undefined],
    ['no-force-push', owner, 'delete', undefined],
    ['no-delete', owner, 'delete', 'not be deleted'],
    ['no-delete', owner, 'force', undefined],
  ])('under %s', (rule, actor, update, refusal) => {
    const refs = new Map([
      ['refs/heads/kept/a', one],
      ['refs/heads/main', one],
    ]);
    const protection = [{ pattern: 'refs/heads/kept/**', rules: [rule] }];
    const [change, forced] = updates[update];
    const other = command('refs/heads/main', one, three);
    const { reasons } = decide(
      { authority: byKey(actor), commands: [change, other], forced: new Set(forced) },
      state({ refs, policy: policy({ protection }) }),
    );
    expect(reasons).toEqual([
      refusal === undefined ? undefined : expect.stringContaining(refusal),
      undefined,
    ]);
  });

  it('moves no tag that is protected against force', () => {
    const protection = [{ pattern: 'refs/tags/*', rules: ['no-force-push'] }];
    const { reasons } = decide(
      { authority: byKey(owner), commands: [command('refs/tags/v1', one, two)] },
      state({ policy: policy({ protection }) }),
    );
    expect(reasons[0]).toContain('fast-forwarded');
  });

  it('is refused as a whole if it is atomic', () => {
    const protection = [{ pattern: 'refs/heads/main', rules: ['no-delete'] }];
    const commands = [makes, command('refs/heads/main', one, zero)];
    const met = state({ policy: policy({ protection }) });
    expect(decide({ authority: byKey(owner), commands, atomic: true }, met).reasons).toEqual([
      'atomic push failure',
      expect.stringContaining('not be deleted'),
    ]);
  });
});

function heldState(refs: Record<string, string>, parts: Partial<HeldState> = {}): HeldState {
  return { id: event, author: maintainer, at: 1_000, refs: new Map(Object.entries(refs)), ...parts };
}

describe('a push by a signed state', () => {
  const wanted = heldState({ 'refs/heads/main': two, 'refs/tags/v1': one });
  const moves = command('refs/heads/main', one, two);

  it('carries out the state', () => {
    const decision = decide({ authority: bySignedState, commands: [moves], held: [wanted] });
    expect(decision.reasons).toEqual([undefined]);
    expect(decision.signedState).toBe(wanted);
    expect(decision.evidence).toEqual({ kind: 'order', actor: maintainer, evidence: event });
  });

  it.each<[string, ReceivedCommand[], HeldState[], string]>([
    ['nothing was signed', [moves], [], 'no signed state is waiting'],
    [
      'it brings another commit',
      [command('refs/heads/main', one, three)],
      [wanted],
      'refs/heads/main would be 3',
    ],
    ['it brings a branch too many', [moves, makes], [wanted], 'refs/heads/new is not in it'],
    [
      'it leaves out a branch',
      [moves],
      [heldState({ 'refs/heads/main': two, 'refs/heads/x': one, 'refs/tags/v1': one })],
      'refs/heads/x is missing',
    ],
    [
      'a tag stays that shall go',
      [moves],
      [heldState({ 'refs/heads/main': two })],
      'refs/tags/v1 is not in it',
    ],
    ['its signer may not write', [moves], [{ ...wanted, author: stranger }], 'no signed state is waiting'],
    ['its signer may only read', [moves], [{ ...wanted, author: reader }], 'no signed state is waiting'],
  ])('is refused if %s', (_what, commands, held, reason) => {
    const decision = decide({ authority: bySignedState, commands, held });
    expect(decision.reasons).toEqual(commands.map(() => expect.stringContaining(reason)));
    expect(decision.signedState).toBeUndefined();
    expect(decision.evidence.actor).toBeNull();
  });

  it.each([
    ['older than', { at: 999 }, false],
    ['newer than', { at: 1_001 }, true],
  ])('that is %s the one applied last', (_what, parts, carriedOut) => {
    const applied = { id: 'a'.repeat(64), author: owner, at: 1_000, refs: '0'.repeat(64) };
    const decision = decide(
      { authority: bySignedState, commands: [moves], held: [{ ...wanted, ...parts }] },
      state({ appliedState: applied }),
    );
    expect(decision.signedState !== undefined).toBe(carriedOut);
  });

  it.each([
    [1_000, false],
    [999, true],
  ])(
    'of a repository that was announced again, signed at 1000 with the withdrawal at %d',
    (at, carriedOut) => {
      const withdrawal = { id: 'a'.repeat(64), at };
      const decision = decide(
        { authority: bySignedState, commands: [moves], held: [wanted] },
        state({ withdrawal }),
      );
      expect(decision.signedState !== undefined).toBe(carriedOut);
    },
  );

  it('respects protection by the state’s signer', () => {
    const protection = [{ pattern: 'refs/heads/main', rules: ['push:owner', 'no-force-push'] }];
    const met = state({ policy: policy({ protection }) });
    const push = { authority: bySignedState, commands: [moves] };
    expect(decide({ ...push, held: [wanted] }, met).reasons[0]).toContain('only the owner may push');
    const own = { ...wanted, author: owner };
    expect(decide({ ...push, held: [own] }, met).signedState).toBe(own);
    const forced = new Set(['refs/heads/main']);
    expect(decide({ ...push, held: [own], forced }, met).reasons[0]).toContain('fast-forwarded');
  });

  const [main, tag] = ['refs/heads/main', 'refs/tags/v1'] as const;
  it.each<[string, Record<string, string>, ReceivedCommand, Record<string, string>, string | undefined]>([
    [
      'rewind a branch a push has moved',
      { [main]: three, [tag]: one },
      moves,
      { [main]: two, [tag]: one },
      'refs/heads/main (a push moved it',
    ],
    [
      'delete what a push has made',
      { [tag]: one },
      command(main, one, zero),
      { [tag]: one },
      'refs/heads/main (a push changed it',
    ],
    [
      'bring back what a push has deleted',
      { [main]: one, [tag]: one, 'refs/heads/new': two },
      makes,
      { [main]: one, [tag]: one, 'refs/heads/new': two },
      'refs/heads/new (a push deleted it)',
    ],
    [
      'move a tag a push has made',
      { [main]: one },
      command(tag, one, two),
      { [main]: one, [tag]: two },
      'refs/tags/v1 (a push changed it)',
    ],
    [
      'rewind what the last signed state set',
      { [main]: one, [tag]: one },
      moves,
      { [main]: two, [tag]: one },
      undefined,
    ],
  ])('by any pusher, to %s', (_what, lastSet, change, refs, refusal) => {
    const question = {
      authority: bySignedState,
      commands: [change],
      held: [heldState(refs)],
      lastSet: new Map(Object.entries(lastSet)),
      forced: new Set([main]),
    };
    const decision = decide(question);
    expect(decision.reasons).toEqual([refusal === undefined ? undefined : expect.stringContaining(refusal)]);
    expect(decision.signedState !== undefined).toBe(refusal === undefined);
    const signed = decide({
      ...question,
      authority: { kind: 'signed-state', caller: { actor: owner, token } },
    });
    expect(signed.reasons, 'a key that may write says so itself').toEqual([undefined]);
  });

  it('may fast-forward a branch that was pushed', () => {
    const lastSet = new Map([[tag, one]]);
    const decision = decide({ authority: bySignedState, commands: [moves], held: [wanted], lastSet });
    expect(decision.signedState).toBe(wanted);
  });

  it('may delete the branch of HEAD', () => {
    const other = heldState({ 'refs/heads/trunk': one, 'refs/tags/v1': one }, { head: 'refs/heads/trunk' });
    const commands = [command('refs/heads/main', one, zero), command('refs/heads/trunk', zero, one)];
    expect(decide({ authority: bySignedState, commands, held: [other] }).signedState).toBe(other);
  });

  it('that is old is refused with that reason, and changes nothing', () => {
    const stale = command('refs/heads/main', three, two);
    const decision = decide({ authority: bySignedState, commands: [stale], held: [wanted] });
    expect(decision.reasons[0]).toContain('updated meanwhile');
    expect(decision.signedState).toBeUndefined();
  });

  it('that changes nothing needs no state, because an answer may have been lost', () => {
    const again = command('refs/heads/main', three, one);
    expect(decide({ authority: bySignedState, commands: [again] }).reasons).toEqual([undefined]);
  });

  it('needs no state if its pusher shows a key that may write', () => {
    const caller = { actor: maintainer, token };
    const authority = { kind: 'signed-state', caller } as const;
    const free = decide({ authority, commands: [makes] });
    expect(free.reasons).toEqual([undefined]);
    expect(free.evidence).toEqual({ kind: 'push', actor: maintainer, evidence: token });
    const carriedOut = decide({ authority, commands: [moves], held: [wanted] });
    expect(carriedOut.signedState, 'a signed state that waits for just this is carried out').toBe(wanted);
    const other = { kind: 'signed-state', caller: { actor: stranger, token } } as const;
    expect(decide({ authority: other, commands: [makes] }).reasons[0]).toContain('no signed state');
  });
});

describe('the tip of a pull request (issue 11, point 8)', () => {
  const name = `refs/nostr/${event}`;

  it('may be pushed by anyone before its event is known', () => {
    const decision = decide({ authority: bySignedState, commands: [command(name, zero, one)] });
    expect(decision.reasons).toEqual([undefined]);
    expect(decision.evidence).toEqual({ kind: 'push', actor: null, evidence: null });
    expect(decision.byStranger).toBe(true);
  });

  const byStranger = (actor: string): PushAuthority => ({ kind: 'signed-state', caller: { actor, token } });
  const held = 'somebody else has pushed it';
  it.each([
    ['nobody who shows a key', bySignedState, {}, held],
    ['the key that pushed it', byStranger(stranger), { by: stranger }, undefined],
    ['another key', byStranger(reader), { by: stranger }, held],
    ['a key, where none was shown', byStranger(stranger), {}, held],
    ['a maintainer', byStranger(maintainer), { by: stranger }, undefined],
    ['the owner', byKey(owner), { by: stranger }, undefined],
  ])('without its event is changed or deleted by %s', (_who, authority, by, refusal) => {
    const strangers = { refs: { [event]: { bytes: 1, objects: 1, ...by } } };
    const met = state({ refs: new Map([[name, one]]), strangers });
    const expected = [refusal === undefined ? undefined : expect.stringContaining(refusal)];
    for (const to of [two, zero]) {
      const { reasons } = decide({ authority, commands: [command(name, one, to)] }, met);
      expect(reasons).toEqual(expected);
    }
    const again = decide({ authority, commands: [command(name, zero, one)] }, met);
    expect(again.reasons, 'what is so already').toEqual([undefined]);
  });

  it('is refused if the event with its id is not a pull request', () => {
    const commands = [command(name, zero, one)];
    const { reasons } = decide({ authority: bySignedState, commands, pullRequestTip: () => null });
    expect(reasons[0]).toContain('is no pull request');
  });

  it('is refused if the operator has turned it off, except for writers', () => {
    const strangers = { limits: undefined, now: 0, brings: undefined };
    const commands = [command(name, zero, one)];
    expect(decide({ authority: bySignedState, commands, strangers }).reasons[0]).toContain(
      'only from those who may write',
    );
    expect(decide({ authority: byKey(owner), commands, strangers }).reasons).toEqual([undefined]);
  });

  it.each([
    ['bytes', { bytes: 301, objects: 1 }],
    ['objects', { bytes: 1, objects: 31 }],
  ])('is refused if strangers have pushed as many %s as the repository accepts', (_what, brings) => {
    const other = 'a'.repeat(64);
    const strangers = { refs: { [other]: { bytes: 700, objects: 70 } } };
    const met = state({ refs: new Map([[`refs/nostr/${other}`, one]]), strangers });
    const terms = { limits: LIMITS, now: 0 };
    const commands = [command(name, zero, two)];
    const asked = (amount: typeof brings) =>
      decide({ authority: bySignedState, commands, strangers: { ...terms, brings: amount } }, met).reasons;
    expect(asked({ bytes: 300, objects: 30 })).toEqual([undefined]);
    expect(asked(brings)[0]).toContain('as much as the server takes');
  });

  it('is refused beyond the refs allowed to strangers, with and without their events', () => {
    const ids = Array.from({ length: LIMITS.refs }, (_, at) => at.toString(16).padStart(64, '0'));
    const refs = new Map(ids.map((id) => [`refs/nostr/${id}`, one]));
    const strangers = { refs: Object.fromEntries(ids.map((id) => [id, { bytes: 0, objects: 0 }])) };
    const commands = [command(name, zero, two)];
    const question = { authority: bySignedState, commands, pullRequestTip: () => two };
    expect(decide(question, state({ refs, strangers })).reasons[0]).toContain('delete old ones');
    expect(decide(question, state({ refs })).reasons, 'those of others do not count').toEqual([undefined]);
  });

  it.each([
    ['the one its event names', two, undefined],
    ['another one', three, 'names 22222222 as its tip'],
    ['none', zero, 'names 22222222 as its tip'],
  ])('with a known event can only be %s', (_what, to, refusal) => {
    const { reasons } = decide(
      {
        authority: bySignedState,
        commands: [command(name, one, to)],
        pullRequestTip: (id) => (id === event ? two : undefined),
      },
      state({ refs: new Map([[name, one]]) }),
    );
    expect(reasons).toEqual([refusal === undefined ? undefined : expect.stringContaining(refusal)]);
  });

  it.each(['refs/nostr/abc', `refs/nostr/${event.toUpperCase()}`, `refs/nostr/${event}/x`, 'refs/notes/x'])(
    'is refused at %s',
    (other) => {
      const { reasons } = decide({ authority: bySignedState, commands: [command(other, zero, one)] });
      expect(reasons[0]).toContain('only branches, tags and refs/nostr/');
    },
  );

  it('can be pushed with a signed state, and each is decided on its own', () => {
    const wanted = heldState({ 'refs/heads/main': two, 'refs/tags/v1': one });
    const commands = [command('refs/heads/main', one, two), command(name, zero, three)];
    expect(decide({ authority: bySignedState, commands, held: [wanted] }).reasons).toEqual([
      undefined,
      undefined,
    ]);
    const refused = decide({ authority: bySignedState, commands });
    expect(refused.reasons).toEqual([expect.stringContaining('no signed state'), undefined]);
    const whole = decide({ authority: bySignedState, commands, atomic: true });
    expect(whole.reasons).toEqual([expect.stringContaining('no signed state'), 'atomic push failure']);
  });

  it('waits for its event beside a limited number of others', () => {
    const names = Array.from(
      { length: waitingLimit(LIMITS) },
      (_, at) => `refs/nostr/${at.toString(16).padStart(64, '0')}`,
    );
    const met = state({ refs: new Map(names.map((other) => [other, one])) });
    const commands = [command(name, zero, one)];
    expect(decide({ authority: bySignedState, commands }, met).reasons[0]).toContain('publish yours first');
    const pullRequestTip = () => one;
    expect(decide({ authority: bySignedState, commands, pullRequestTip }, met).reasons).toEqual([undefined]);
  });
});

describe('a push to a repository with pull mirrors (issue 13, point 4)', () => {
  const id = '1'.repeat(16);
  const follows = state({ mirrors: [{ id, name: 'upstream', refs: 'follow' }] });
  const beside = state({ mirrors: [{ id, name: 'upstream', refs: 'namespace' }] });
  const follower = expect.stringMatching(/^mirrored: .*"upstream"/);
  const signed: HeldState = { id: event, author: owner, at: 5, refs: new Map() };

  it.each([
    ['the owner', byKey(owner)],
    ['anyone, where anyone may push', { kind: 'anyone' } as const],
    ['a signed state', bySignedState],
  ])('is refused if it mirrors the whole repository, for %s', (_who, authority) => {
    const moves = command('refs/heads/main', one, two);
    const drops = command('refs/tags/v1', one, zero);
    const { reasons } = decide({ authority, commands: [makes, moves, drops], held: [signed] }, follows);
    expect(reasons).toEqual([follower, follower, follower]);
  });

  it('is accepted if it changes nothing', () => {
    const same = command('refs/heads/main', one, one);
    expect(decide({ authority: byKey(owner), commands: [same] }, follows).reasons).toEqual([undefined]);
  });

  it('is accepted for the tip of a pull request', () => {
    const commands = [command(`refs/nostr/${event}`, zero, one)];
    const pullRequestTip = () => one;
    expect(decide({ authority: bySignedState, commands, pullRequestTip }, follows).reasons).toEqual([
      undefined,
    ]);
  });

  it('with a namespace is refused below refs/mirrors, and accepted elsewhere', () => {
    const inside = command('refs/mirrors/upstream/heads/main', zero, one);
    const { reasons } = decide({ authority: byKey(owner), commands: [makes, inside] }, beside);
    expect(reasons).toEqual([undefined, expect.stringMatching(/^mirrored: only mirrors/)]);
  });
});

describe('a push by anyone', () => {
  const anyone = { kind: 'anyone' } as const;

  it('creates a repository', () => {
    expect(decide({ authority: anyone, commands: [makes] }, undefined).reasons).toEqual([undefined]);
  });

  it('does not restore a withdrawn repository', () => {
    const { reasons } = decide({ authority: anyone, commands: [makes] }, state({ lifecycle: 'withdrawn' }));
    expect(reasons[0]).toContain('not there any more');
  });
});

describe('the class of a refusal (issue 11, point 23)', () => {
  const main = 'refs/heads/main';
  const kept = state({ policy: policy({ protection: [{ pattern: main, rules: ['no-delete'] }] }) });
  const mirrored = state({ mirrors: [{ id: '5'.repeat(32), name: 'up', refs: 'follow' }] });
  const badName = { ...command('refs/heads/a..b', zero, one), problem: 'no part of a ref name may be `..`' };
  const tree = new Map([[two, { type: 'tree' as const }]]);

  it.each<[string, Partial<UndecidedPush> & Pick<UndecidedPush, 'authority' | 'commands'>, GitState]>([
    ['identity', { authority: byKey(stranger), commands: [makes] }, state()],
    [
      'overtaken',
      { authority: byKey(owner), commands: [command(main, two, one.replace('1', '3'))] },
      state(),
    ],
    ['protected', { authority: byKey(owner), commands: [command(main, one, zero)] }, kept],
    ['protected', { authority: byKey(owner), commands: [makes] }, mirrored],
    ['signed state', { authority: bySignedState, commands: [makes] }, state()],
    ['signed state', { authority: bySignedState, commands: [command('refs/x/y', zero, one)] }, state()],
    ['name', { authority: byKey(owner), commands: [badName] }, state()],
    ['name', { authority: byKey(owner), commands: [command(`${main}/a`, zero, two)] }, state()],
    ['object', { authority: byKey(owner), commands: [makes], objects: tree }, state()],
    ['object', { authority: byKey(owner), commands: [makes], objects: new Map() }, state()],
  ])('%s', (expected, push, met) => {
    expect(decide(push, met).result).toEqual([expect.objectContaining({ class: expected })]);
  });
});

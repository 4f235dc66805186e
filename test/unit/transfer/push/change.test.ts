import { describe, expect, it } from 'vitest';
import type { ObjectDescription, ReceivedCommand } from '../../../../src/git/index.ts';
import { refMapDigest } from '../../../../src/nostr/signed-state.ts';
import type { HeldState } from '../../../../src/policy/state-match.ts';
import type { GitState, PackEntry, PublishedGitState } from '../../../../src/repository/git/git-manifest.ts';
import type { Connectivity } from '../../../../src/repository/intake/connectivity/connectivity.ts';
import { PushChange, type PushChangeOptions } from '../../../../src/transfer/push/change.ts';
import { rulesFor } from '../../../helpers/push-rules.ts';
import { ID, manifestOf, oid, packOf, stateOf } from '../../../helpers/repository-rig.ts';

const zero = '0'.repeat(40);
const [one, two, three] = [oid('1'), oid('2'), oid('3')] as const;

function command(name: string, oldId: string, newId: string, problem?: string): ReceivedCommand {
  return { name: `refs/${name}`, oldId, newId, ...(problem === undefined ? {} : { problem }) };
}

interface Asked {
  readonly base: PublishedGitState | undefined;
  readonly tips: readonly string[];
}

/** A push, and a log of how often it had to be proved complete again. */
function pushOf(
  commands: readonly ReceivedCommand[],
  options: Partial<Omit<PushChangeOptions, 'proof'>> & {
    readonly provedOver?: readonly PackEntry[];
    readonly incarnation?: string;
    readonly missing?: () => readonly string[];
    readonly proof?: Partial<Connectivity>;
  } = {},
): { change: PushChange; asked: Asked[] } {
  const { provedOver = [], incarnation, missing = () => [], proof = {}, ...rest } = options;
  const asked: Asked[] = [];
  const commit: ObjectDescription = { type: 'commit' };
  const change = new PushChange({
    commands,
    atomic: false,
    rules: rulesFor({ kind: 'anyone' }),
    objects: new Map([one, two, three].map((id) => [id, commit])),
    disconnected: { tips: new Set(), problem: { class: 'object', reason: 'missing necessary objects' } },
    pack: packOf('pushed'),
    proof: {
      packs: new Set(provedOver.map((entry) => entry.pack.digest)),
      incarnation,
      epoch: undefined,
      walked: true,
      linked: true,
      ...proof,
    },
    since: 5,
    initial: stateOf(),
    proveAgain: async (base, tips) => {
      asked.push({ base, tips });
      const disconnected = new Set(missing());
      const connected = tips.filter((tip) => !disconnected.has(tip));
      return { disconnected, objects: new Map(connected.map((tip) => [tip, commit])) };
    },
    ...rest,
  });
  return { change, asked };
}

function baseOf(parts: Partial<GitState>): PublishedGitState {
  return { version: 'v', digest: 'd'.repeat(64), manifest: manifestOf(parts) };
}

async function evaluate(change: PushChange, base: PublishedGitState | undefined) {
  const { next, cause, result } = await change.evaluate(base?.manifest, base);
  return { next, cause, reasons: result.result.map((refusal) => refusal?.reason) };
}

describe('a push', () => {
  it('creates, moves and deletes refs, names its pack, and states its cause', async () => {
    const refs = new Map([
      ['refs/heads/a', one],
      ['refs/heads/b', one],
      ['refs/heads/c', one],
    ]);
    const base = baseOf({ refs, packs: [packOf('old')], head: 'refs/heads/a' });
    const { change } = pushOf([
      command('heads/a', one, two),
      command('heads/b', one, zero),
      command('heads/0', zero, three),
    ]);
    const { next, cause, reasons } = await evaluate(change, base);
    expect(reasons).toEqual([undefined, undefined, undefined]);
    expect([...(next?.refs ?? [])]).toEqual([
      ['refs/heads/0', three],
      ['refs/heads/a', two],
      ['refs/heads/c', one],
    ]);
    expect(next?.packs).toEqual([packOf('old'), { ...packOf('pushed'), linked: true }]);
    expect(cause).toEqual({
      kind: 'push',
      actor: null,
      evidence: null,
      refs: ['refs/heads/a', 'refs/heads/b', 'refs/heads/0'],
    });
    expect(base.manifest.refs, 'the state it met is left as it was').toBe(refs);
    expect(refs.get('refs/heads/a')).toBe(one);
  });

  it('creates a repository with a default branch', async () => {
    const { change } = pushOf([command('heads/trunk', zero, one)]);
    const { next } = await evaluate(change, undefined);
    expect(next?.head).toBe('refs/heads/trunk');
    expect(next?.refs.get('refs/heads/trunk')).toBe(one);
  });

  it('keeps refs in byte order', async () => {
    const [bmp, astral] = ['heads/\uff5e', 'heads/\u{10000}'];
    const { change } = pushOf([
      command(astral, zero, one),
      command(bmp, zero, two),
      command('heads/a', zero, three),
    ]);
    const { next } = await evaluate(change, undefined);
    expect([...(next?.refs.keys() ?? [])]).toEqual(['refs/heads/a', `refs/${bmp}`, `refs/${astral}`]);
  });

  it('stores the peeled values of tags, and removes them with the tags', async () => {
    const objects = new Map<string, ObjectDescription>([
      [one, { type: 'tag', peeled: three }],
      [two, { type: 'commit' }],
    ]);
    const refs = new Map([
      ['refs/tags/gone', one],
      ['refs/tags/moved', one],
      ['refs/tags/stays', one],
    ]);
    const base = baseOf({ refs, peeled: new Map([...refs.keys()].map((name) => [name, three])) });
    const { change } = pushOf(
      [command('tags/gone', one, zero), command('tags/moved', one, two), command('tags/made', zero, one)],
      { objects },
    );
    const { next } = await evaluate(change, base);
    expect([...(next?.peeled ?? [])]).toEqual([
      ['refs/tags/made', three],
      ['refs/tags/stays', three],
    ]);
  });

  it('publishes nothing if every command is refused or changes nothing', async () => {
    const base = baseOf({ refs: new Map([['refs/heads/a', two]]) });
    const refused = await evaluate(pushOf([command('heads/a', one, three)]).change, base);
    expect(refused.next).toBeUndefined();
    expect(refused.reasons).toEqual(['it was updated meanwhile, fetch first']);
    const same = await evaluate(
      pushOf([command('heads/a', one, two), command('heads/x', one, zero)]).change,
      base,
    );
    expect(same.next).toBeUndefined();
    expect(same.reasons).toEqual([undefined, undefined]);
  });

  it('names only the refs that it changes, and carries out valid commands', async () => {
    const base = baseOf({ refs: new Map([['refs/heads/a', two]]), head: 'refs/heads/a' });
    const commands = [
      command('heads/a', one, two),
      command('heads/b', one, three),
      command('heads/c', zero, three),
    ];
    const { cause, reasons } = await evaluate(pushOf(commands).change, base);
    expect(cause?.refs).toEqual(['refs/heads/c']);
    expect(reasons).toEqual([undefined, 'it was deleted meanwhile, fetch first', undefined]);
    const atomic = await evaluate(pushOf(commands, { atomic: true }).change, base);
    expect(atomic.next).toBeUndefined();
    expect(atomic.reasons).toContain('atomic push failure');
  });

  it('does not name a pack without new objects, a pack that is already named, or a pack without used objects', async () => {
    const base = baseOf({ refs: new Map([['refs/heads/a', one]]), packs: [packOf('pushed')] });
    const twice = await evaluate(pushOf([command('heads/b', zero, two)]).change, base);
    expect(twice.next?.packs).toHaveLength(1);
    const empty = await evaluate(
      pushOf([command('heads/b', zero, two)], { pack: undefined }).change,
      undefined,
    );
    expect(empty.next?.packs).toEqual([]);
    const onlyDeleted = await evaluate(
      pushOf([command('heads/a', one, zero), command('heads/b', one, two)]).change,
      baseOf({ refs: new Map([['refs/heads/a', one]]), head: 'refs/heads/x' }),
    );
    expect(onlyDeleted.reasons[1]).toContain('fetch first');
    expect(onlyDeleted.next?.packs).toEqual([]);
  });
});

describe('the connectivity proof of a push', () => {
  const leaned = packOf('leaned on');

  it('is valid on every state with the packs that it was made over', async () => {
    const { change, asked } = pushOf([command('heads/a', zero, one)], { provedOver: [leaned] });
    for (const packs of [[leaned], [packOf('more'), leaned], [leaned, packOf('other')]]) {
      expect((await evaluate(change, baseOf({ packs }))).next).toBeDefined();
    }
    expect(asked).toEqual([]);
  });

  it('is made again on a state without one of these packs, and may fail', async () => {
    const missing = { tips: [one] };
    const { change, asked } = pushOf([command('heads/a', zero, one), command('heads/b', zero, two)], {
      provedOver: [leaned],
      missing: () => missing.tips,
    });
    const folded = baseOf({ packs: [packOf('folded', { kind: 'fold' })] });
    const { next, reasons } = await evaluate(change, folded);
    expect(asked).toEqual([{ base: folded, tips: [one, two] }]);
    expect(reasons).toEqual(['objects it builds on were removed meanwhile, fetch first', undefined]);
    expect(next?.refs.has('refs/heads/a')).toBe(false);
    await evaluate(change, folded);
    expect(asked, 'the new proof holds on this state').toHaveLength(1);
    missing.tips = [];
    const later = await evaluate(change, baseOf({ packs: [packOf('folded again', { kind: 'fold' })] }));
    expect(later.reasons, 'and so does the one after').toEqual([undefined, undefined]);
  });

  it('is valid on every state of its epoch, whatever packs the objects have moved to', async () => {
    const epoch = 'e'.repeat(32);
    const { change, asked } = pushOf([command('heads/a', zero, one)], {
      provedOver: [leaned],
      proof: { epoch },
    });
    const folded = [packOf('folded', { kind: 'fold' })];
    const { next } = await evaluate(change, baseOf({ epoch, packs: folded }));
    expect(next?.packs).toEqual([...folded, { ...packOf('pushed'), linked: true }]);
    expect(asked).toEqual([]);
    const { epoch: _none, ...without } = baseOf({ packs: folded }).manifest;
    await evaluate(change, { ...baseOf({}), manifest: without });
    expect(asked, 'a state without one belongs to none').toHaveLength(1);
  });

  it('by links is valid if all published packs are linked, and is replaced by a walk otherwise', async () => {
    const linked = { ...leaned, linked: true };
    const { change, asked } = pushOf([command('heads/a', zero, one)], {
      provedOver: [linked],
      proof: { walked: false },
    });
    const closed = await evaluate(change, baseOf({ packs: [linked, packOf('more', { linked: true })] }));
    expect(closed.reasons).toEqual([undefined]);
    expect(asked).toEqual([]);
    const open = await evaluate(change, baseOf({ packs: [linked, packOf('more')] }));
    expect(asked).toHaveLength(1);
    expect(open.next?.packs.at(-1), 'its own links were seen all the same').toHaveProperty('linked', true);
  });

  it('records no links if the linked objects may be gone, or were not inspected', async () => {
    const folded = [packOf('folded', { kind: 'fold', linked: true })];
    for (const proof of [{}, { walked: false }, { linked: false }]) {
      const over = proof.linked === false ? folded : [leaned];
      const { change } = pushOf([command('heads/a', zero, one)], { provedOver: over, proof });
      const { next } = await evaluate(change, baseOf({ packs: folded }));
      expect(next?.packs.at(-1)).toEqual(packOf('pushed'));
    }
  });

  it('is not needed without new objects', async () => {
    const refs = new Map([
      ['refs/heads/a', one],
      ['refs/heads/b', one],
    ]);
    const { change, asked } = pushOf([command('heads/b', one, zero), command('heads/c', zero, two, 'bad')], {
      provedOver: [leaned],
    });
    const { reasons } = await evaluate(change, baseOf({ refs, head: 'refs/heads/a' }));
    expect(reasons).toEqual([undefined, 'bad']);
    expect(asked).toEqual([]);
  });

  it('is never valid in another incarnation', async () => {
    const incarnation = '1'.repeat(32);
    const { change } = pushOf([command('heads/a', zero, one)], { incarnation });
    expect((await evaluate(change, baseOf({ incarnation }))).next).toBeDefined();
    for (const base of [baseOf({ incarnation: '2'.repeat(32) }), undefined]) {
      const { next, reasons } = await evaluate(change, base);
      expect(next).toBeUndefined();
      expect(reasons[0]).toContain('announced anew');
    }
  });

  it('is not valid for a repository with another object format, made meanwhile', async () => {
    const { change } = pushOf([command('heads/a', zero, one)]);
    const { next, reasons } = await evaluate(change, baseOf({ objectFormat: 'sha256' }));
    expect(next).toBeUndefined();
    expect(reasons[0]).toContain('object format sha256');
  });

  it('that lacked an object is made again once, after unknown packs were published (issue 11, point 7)', async () => {
    let missing = [one];
    const { change, asked } = pushOf([command('heads/a', zero, one), command('heads/b', zero, two)], {
      provedOver: [leaned],
      objects: new Map([[two, { type: 'commit' }]]),
      disconnected: {
        tips: new Set([one]),
        problem: { class: 'object', reason: 'shallow update not allowed' },
      },
      missing: () => missing,
    });
    const told = async (packs: readonly PackEntry[]) => (await evaluate(change, baseOf({ packs }))).reasons;
    expect(await told([leaned])).toEqual(['shallow update not allowed', undefined]);
    expect(asked, 'nothing has come').toEqual([]);
    expect(await told([leaned, packOf('other')])).toEqual(['shallow update not allowed', undefined]);
    expect(asked).toHaveLength(1);
    expect(await told([leaned, packOf('other')])).toEqual(['shallow update not allowed', undefined]);
    expect(asked, 'it was looked into').toHaveLength(1);
    missing = [];
    expect(await told([leaned, packOf('other'), packOf('brings it')])).toEqual([undefined, undefined]);
    expect(asked).toHaveLength(2);
    expect(await told([leaned, packOf('other'), packOf('brings it'), packOf('more')])).toHaveLength(2);
    expect(asked, 'nothing is missing any more').toHaveLength(2);
  });

  it('that lacked an object has another error text if more is missing now (issue 11, point 7)', async () => {
    const { change } = pushOf([command('heads/a', zero, one), command('heads/b', zero, two)], {
      provedOver: [leaned],
      disconnected: {
        tips: new Set([one]),
        problem: { class: 'object', reason: 'missing necessary objects' },
      },
      missing: () => [one, two],
    });
    expect((await evaluate(change, baseOf({ packs: [packOf('folded')] }))).reasons).toEqual([
      'missing necessary objects',
      'objects it builds on were removed meanwhile, fetch first',
    ]);
  });

  it('that cannot be made fails only its push', async () => {
    const { change } = pushOf([command('heads/a', zero, one)], {
      provedOver: [leaned],
      proveAgain: () => Promise.reject(new Error('no disk')),
    });
    await expect(change.evaluate(stateOf(), baseOf({}))).rejects.toThrow('no disk');
  });
});

describe('a push checked by its authority', () => {
  const owner = ID.owner;
  const policy = { announcements: [], writers: [owner], protection: [], private: false, readers: [] };
  const held: HeldState = {
    id: 'd'.repeat(64),
    author: owner,
    at: 1_700_000_500,
    refs: new Map([
      ['refs/heads/dev', two],
      ['refs/heads/main', one],
    ]),
    head: 'refs/heads/dev',
  };
  const commands = [command('heads/main', zero, one), command('heads/dev', zero, two)];

  it('of a signed state includes the state, becomes live, sets HEAD, and has a later receipt', async () => {
    const { change } = pushOf(commands, {
      rules: rulesFor({ kind: 'signed-state' }, { heldStates: [held] }),
    });
    const evaluation = await change.evaluate(
      stateOf({ lifecycle: 'held', policy }),
      baseOf({ lifecycle: 'held', policy }),
    );
    expect(evaluation.result).toEqual({ result: [undefined, undefined], signedState: held });
    expect(evaluation.next).toMatchObject({
      lifecycle: 'live',
      head: 'refs/heads/dev',
      appliedState: { id: held.id, author: owner, at: held.at, refs: refMapDigest(held.refs) },
    });
    expect(evaluation.cause).toMatchObject({ kind: 'order', actor: owner, evidence: held.id });
    expect(evaluation.receiptBefore).toBe(held.at);
  });

  it('of a signed state leaves the date of its receipt unchanged if receipts count as signed states', async () => {
    const rules = rulesFor({ kind: 'signed-state' }, { heldStates: [held], onlyWitnesses: () => false });
    const { change } = pushOf(commands, { rules });
    const { next, receiptBefore } = await change.evaluate(stateOf({ policy }), baseOf({ policy }));
    expect(next?.appliedState?.id).toBe(held.id);
    expect(receiptBefore).toBeUndefined();
  });

  it.each([
    ['by a key', { kind: 'key', actor: owner, token: 'e'.repeat(64) }, 'live', owner],
    ['by anyone, where anyone may', { kind: 'anyone' }, 'live', null],
  ] as const)('%s publishes the first data', async (_what, authority, expected, actor) => {
    const { change } = pushOf(commands, { rules: rulesFor(authority) });
    const { next, cause } = await change.evaluate(stateOf({ lifecycle: 'held', policy }), baseOf({ policy }));
    expect(next?.lifecycle).toBe(expected);
    expect(next?.appliedState).toBeNull();
    expect(cause?.actor).toBe(actor);
  });

  it('of a pull request does not show a repository that waits for first data', async () => {
    const { change } = pushOf([command(`nostr/${'c'.repeat(64)}`, zero, one)], {
      rules: rulesFor({ kind: 'signed-state' }),
    });
    const { next } = await change.evaluate(stateOf({ lifecycle: 'held', policy }), baseOf({ policy }));
    expect(next?.lifecycle).toBe('held');
    expect(next?.refs.size).toBe(1);
  });

  it('is checked by the rules of every state on which it is evaluated', async () => {
    const rules = rulesFor({ kind: 'key', actor: owner, token: 'e'.repeat(64) });
    const { change } = pushOf([command('heads/main', one, two)], { rules });
    const refs = new Map([['refs/heads/main', one]]);
    const free = baseOf({ refs, policy });
    expect((await evaluate(change, free)).reasons).toEqual([undefined]);
    const others = { ...policy, protection: [{ pattern: 'refs/heads/*', rules: ['push:owner'] }] };
    expect((await evaluate(change, baseOf({ refs, policy: others }))).reasons).toEqual([undefined]);
    const gone = baseOf({ refs, policy, lifecycle: 'withdrawn' });
    expect((await evaluate(change, gone)).reasons[0]).toContain('not there any more');
  });

  it('inspects history only if a rule needs it', async () => {
    const asked: string[] = [];
    const rules = rulesFor(
      { kind: 'key', actor: owner, token: 'e'.repeat(64) },
      {
        keepsHistory: async ({ name }) => {
          asked.push(name);
          return false;
        },
      },
    );
    const names = ['heads/kept', 'heads/free', 'tags/kept', 'heads/kept-too'];
    const refs = new Map(names.map((name) => [`refs/${name}`, one]));
    const protection = [
      { pattern: 'refs/heads/kept', rules: ['no-force-push'] },
      { pattern: 'refs/heads/kept-too', rules: ['no-force-push'] },
      { pattern: 'refs/tags/*', rules: ['no-force-push'] },
    ];
    const base = baseOf({ refs, policy: { ...policy, protection } });
    const { change } = pushOf(
      [
        command('heads/kept', one, two),
        command('heads/free', one, two),
        command('tags/kept', one, two),
        command('heads/kept-too', one, one),
      ],
      { rules, initial: base.manifest },
    );
    const { reasons } = await evaluate(change, base);
    expect(asked).toEqual(['refs/heads/kept']);
    expect(reasons).toEqual([
      expect.stringContaining('fast-forwarded'),
      undefined,
      expect.stringContaining('fast-forwarded'),
      undefined,
    ]);
  });
});

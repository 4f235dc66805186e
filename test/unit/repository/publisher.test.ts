import { describe, expect, it } from 'vitest';
import { CairnError } from '../../../src/lib/errors.ts';
import type { Change, Evaluation } from '../../../src/repository/change.ts';
import type { GitManifest, GitState, PublishedGitState } from '../../../src/repository/git/git-manifest.ts';
import { pointerKey } from '../../../src/repository/keys.ts';
import { ID, manifestOf, oid, packOf, RepositoryRig, stateOf } from '../../helpers/repository-rig.ts';
import { isPointerPut } from '../../helpers/store-calls.ts';

/** Makes one ref, unless it exists; says what it saw. */
class MakeRef implements Change<GitManifest, string> {
  readonly since: number;
  readonly alone?: boolean;
  evaluations = 0;
  private readonly name: string;

  constructor(name: string, options: { readonly since?: number; readonly alone?: boolean } = {}) {
    this.name = `refs/heads/${name}`;
    this.since = options.since ?? 0;
    if (options.alone !== undefined) this.alone = options.alone;
  }

  async evaluate(state: GitState | undefined): Promise<Evaluation<GitManifest, string>> {
    this.evaluations++;
    const met = state ?? stateOf();
    if (met.refs.has(this.name)) return { result: 'exists' };
    const refs = new Map([...met.refs, [this.name, oid('1')] as const]);
    const cause = { kind: 'push', actor: null, evidence: null, refs: [this.name] } as const;
    return { next: { ...met, refs }, cause, result: `made beside ${met.refs.size}` };
  }
}

function failing(error: Error): Change<GitManifest, string> {
  return { since: 0, evaluate: () => Promise.reject(error) };
}

async function published(rig: RepositoryRig): Promise<GitManifest> {
  const state = await rig.cold().repository.resolve();
  if (state === undefined) throw new Error('nothing published');
  return state.manifest;
}

function branches(manifest: GitManifest): string[] {
  return [...manifest.refs.keys()].map((name) => name.slice('refs/heads/'.length));
}

/** Another server, at another time of day, which publishes a ref whenever it is asked to. */
function rival(rig: RepositoryRig): () => Promise<void> {
  const other = rig.cold();
  other.clock.advance(86_400_000);
  let turns = 0;
  return async () => {
    await other.repository.resolve();
    await other.repository.publisher.join(new MakeRef(`rival-${turns++}`));
  };
}

describe('publishing', () => {
  it('creates a repository with its first change', async () => {
    const rig = new RepositoryRig();
    const { result, committed: outcome } = await rig.repository.publisher.join(new MakeRef('a'));
    expect(result).toBe('made beside 0');
    const manifest = await published(rig);
    expect(branches(manifest)).toEqual(['a']);
    expect([manifest.depth, manifest.parent]).toEqual([0, null]);
    expect(outcome.manifest).toEqual(manifest);
    expect(outcome.digest).toBe((await rig.cold().repository.resolve())?.digest);
  });

  it('combines changes that come during a swap into the next one, each on the result of those before', async () => {
    const rig = new RepositoryRig();
    const { publisher } = rig.repository;
    const joined = ['a', 'b', 'c', 'd', 'c'].map((name) => publisher.join(new MakeRef(name)));
    expect(publisher.busy).toBe(true);
    const results = (await Promise.all(joined)).map(({ result }) => result);
    expect(results).toEqual(['made beside 0', 'made beside 1', 'made beside 2', 'made beside 3', 'exists']);
    const manifest = await published(rig);
    expect(manifest.depth).toBe(1);
    expect(manifest.causes.map((cause) => cause.refs)).toEqual([
      ['refs/heads/b'],
      ['refs/heads/c'],
      ['refs/heads/d'],
    ]);
    expect(publisher.busy).toBe(false);
  });

  it('puts at most 256 changes into one swap', async () => {
    const rig = new RepositoryRig();
    const { publisher } = rig.repository;
    await Promise.all(Array.from({ length: 515 }, (_, index) => publisher.join(new MakeRef(`b${index}`))));
    const manifest = await published(rig);
    expect(manifest.refs.size).toBe(515);
    expect(manifest.depth).toBe(3);
  });

  it('still combines changes if one that must be alone waits far behind', async () => {
    const rig = new RepositoryRig();
    const { publisher } = rig.repository;
    const changes = Array.from({ length: 515 }, (_, index) => new MakeRef(`b${index}`));
    changes.push(new MakeRef('alone', { alone: true }));
    await Promise.all(changes.map((change) => publisher.join(change)));
    const manifest = await published(rig);
    expect(manifest.refs.size).toBe(516);
    expect(manifest.depth).toBe(4);
  });

  it('publishes a change alone that must be alone, in its turn', async () => {
    const rig = new RepositoryRig();
    const { publisher } = rig.repository;
    const joined = ['a', 'b', 'alone', 'c', 'd'].map((name) =>
      publisher.join(new MakeRef(name, name === 'alone' ? { alone: true } : {})),
    );
    await Promise.all(joined);
    const groups = [];
    let manifest: GitManifest | undefined = await published(rig);
    while (manifest !== undefined) {
      groups.unshift(manifest.causes.flatMap((cause) => cause.refs.map((name) => name.slice(11))));
      manifest = manifest.parent === null ? undefined : await rig.manifests.load(ID, manifest.parent);
    }
    expect(groups).toEqual([['a'], ['b'], ['alone'], ['c', 'd']]);
  });

  it('removes a failing change from the batch', async () => {
    const rig = new RepositoryRig();
    const { publisher } = rig.repository;
    const results = await Promise.allSettled([
      publisher.join(new MakeRef('first')),
      publisher.join(new MakeRef('a')),
      publisher.join(failing(new CairnError('invalid', 'nonsense'))),
      publisher.join(new MakeRef('b')),
    ]);
    expect(results.map((result) => result.status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    expect(results[2]).toMatchObject({ reason: { message: 'nonsense' } });
    expect(branches(await published(rig))).toEqual(['a', 'b', 'first']);
  });

  it('continues after a batch in which every change failed', async () => {
    const rig = new RepositoryRig();
    const { publisher } = rig.repository;
    await expect(publisher.join(failing(new Error('one')))).rejects.toThrow('one');
    expect(publisher.busy).toBe(false);
    await publisher.join(new MakeRef('a'));
    expect(branches(await published(rig))).toEqual(['a']);
  });

  it('tries changes one by one if their combination is invalid', async () => {
    const rig = new RepositoryRig();
    const { publisher } = rig.repository;
    const twice: Change<GitManifest, string> = {
      since: 0,
      evaluate: async (state) => {
        const met = state ?? stateOf();
        const cause = { kind: 'push', actor: null, evidence: null, refs: [] } as const;
        return { next: { ...met, packs: [...met.packs, packOf('same')] }, cause, result: 'added' };
      },
    };
    const results = await Promise.allSettled([
      publisher.join(new MakeRef('first')),
      publisher.join(new MakeRef('a')),
      publisher.join(twice),
      publisher.join(twice),
      publisher.join(new MakeRef('b')),
    ]);
    expect(results.map((result) => result.status)).toEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    expect(results[3]).toMatchObject({
      reason: { message: expect.stringContaining('a pack is named once') },
    });
    expect(branches(await published(rig))).toEqual(['a', 'b', 'first']);
  });

  it('writes nothing if nothing changes', async () => {
    const rig = new RepositoryRig();
    await rig.repository.publisher.join(new MakeRef('a'));
    rig.store.reset();
    const { result, committed: outcome } = await rig.repository.publisher.join(new MakeRef('a'));
    expect(result).toBe('exists');
    expect(outcome.digest).toBeUndefined();
    expect(outcome.manifest?.refs.size).toBe(1);
    expect(rig.store.count()).toBe(0);
  });

  it('gives each publish a later date than the one before, even if the clock stands still or goes back', async () => {
    const rig = new RepositoryRig();
    await rig.publish(manifestOf({ receiptAt: rig.clock.now() / 1000 + 500 }));
    for (const name of ['a', 'b', 'c']) await rig.repository.publisher.join(new MakeRef(name));
    const manifest = await published(rig);
    expect(manifest.receiptAt).toBe(rig.clock.now() / 1000 + 503);
  });
});

describe('an answer without a swap', () => {
  it('needs a state that was read after the change came: the pointer is read again', async () => {
    const rig = new RepositoryRig();
    await rig.repository.publisher.join(new MakeRef('a'));
    const gone = rig.cold();
    await gone.repository.resolve();
    await gone.repository.publisher.join({
      since: 0,
      evaluate: async (state) => ({
        next: { ...(state ?? stateOf()), refs: new Map() },
        cause: { kind: 'push', actor: null, evidence: null, refs: [] },
        result: '',
      }),
    });
    const stale = new MakeRef('a', { since: rig.repository.mark() });
    rig.store.reset();
    expect((await rig.repository.publisher.join(stale)).result).toBe('made beside 0');
    expect(stale.evaluations).toBe(2);
    const fresh = new MakeRef('a', { since: rig.repository.mark() });
    await rig.repository.resolve();
    rig.store.reset();
    expect((await rig.repository.publisher.join(fresh)).result).toBe('exists');
    expect(rig.store.count(), 'the look came after the change').toBe(0);
    expect(fresh.evaluations).toBe(1);
  });

  it('does not accept a swap that was sent before the change came', async () => {
    const rig = new RepositoryRig();
    await rig.repository.publisher.join(new MakeRef('a'));
    let since = 0;
    rig.store.next(isPointerPut, {
      does: 'run',
      before: async () => {
        since = rig.repository.mark();
      },
    });
    await rig.repository.publisher.join(new MakeRef('b'));
    rig.store.reset();
    await rig.repository.publisher.join(new MakeRef('b', { since }));
    expect(rig.store.count('get')).toBe(1);
  });
});

describe('after a lost swap, a change', () => {
  it('is evaluated at once on the winner’s state', async () => {
    const rig = new RepositoryRig();
    await rig.repository.publisher.join(new MakeRef('a'));
    rig.store.next(isPointerPut, { does: 'run', before: rival(rig) });
    const change = new MakeRef('b');
    const slept = rig.clock.slept.length;
    expect((await rig.repository.publisher.join(change)).result).toBe('made beside 2');
    expect(branches(await published(rig))).toEqual(['a', 'b', 'rival-0'].sort());
    expect(change.evaluations).toBe(2);
    expect(rig.clock.slept.length).toBe(slept);
  });

  it('is tried 16 times with pauses, each time on a newly read state, then refused as busy', async () => {
    const rig = new RepositoryRig();
    await rig.repository.publisher.join(new MakeRef('a'));
    const steal = rival(rig);
    const ours = new Set<string>();
    rig.store.rules.push((call) => {
      // The rival's own swap goes through the same store.
      if (!isPointerPut(call) || ours.size > 0) return undefined;
      return {
        does: 'run',
        before: async () => {
          ours.add('rival at work');
          await steal();
          ours.clear();
        },
      };
    });
    const change = new MakeRef('b');
    const slept = rig.clock.slept.length;
    await expect(rig.repository.publisher.join(change)).rejects.toMatchObject({
      kind: 'busy',
      message: 'busy, try again',
    });
    expect(change.evaluations).toBe(16);
    expect(rig.clock.slept.length - slept).toBe(15);
    expect(Math.max(...rig.clock.slept)).toBeLessThanOrEqual(500);
    const manifest = await published(rig);
    expect(branches(manifest)).not.toContain('b');
    expect(manifest.depth).toBe(16);
  });

  it('may need no swap, because the winner has done it already', async () => {
    const rig = new RepositoryRig();
    await rig.repository.publisher.join(new MakeRef('a'));
    rig.store.next(isPointerPut, { does: 'run', before: rival(rig) });
    const { result } = await rig.repository.publisher.join(new MakeRef('rival-0'));
    expect(result).toBe('exists');
    expect((await published(rig)).depth).toBe(1);
  });
});

describe('an unknown outcome', () => {
  it('is reported with these words to every change of the swap', async () => {
    const rig = new RepositoryRig({ patience: 1_000 });
    const { publisher } = rig.repository;
    await publisher.join(new MakeRef('a'));
    rig.store.rules.push((call) => (isPointerPut(call) ? { does: 'lose-reply-not-applied' } : undefined));
    const results = await Promise.allSettled(['b', 'c'].map((name) => publisher.join(new MakeRef(name))));
    for (const result of results) {
      expect(result).toMatchObject({
        reason: {
          kind: 'unavailable',
          message: 'the object store did not answer; this push may or may not have happened, fetch to see',
        },
      });
    }
  });

  it('is followed by a new read', async () => {
    const rig = new RepositoryRig({ patience: 1_000 });
    const { publisher } = rig.repository;
    await publisher.join(new MakeRef('a'));
    rig.store.rules.push((call) => {
      if (isPointerPut(call)) return { does: 'apply-late' };
      return call.key === pointerKey(ID) ? { does: 'unavailable' } : undefined;
    });
    await expect(publisher.join(new MakeRef('b'))).rejects.toThrow('may or may not have happened');
    rig.store.reset();
    await rig.store.applyLate();
    expect((await publisher.join(new MakeRef('c'))).result).toBe('made beside 2');
    expect(branches(await published(rig))).toEqual(['a', 'b', 'c']);
  });

  it('is not reported if the swap was won and a later step fails', async () => {
    const rig = new RepositoryRig();
    await rig.repository.publisher.join(new MakeRef('a'));
    // The answer is lost, somebody builds on it, and what they built cannot be read any more once it has been found.
    let lost = false;
    rig.store.next(isPointerPut, { does: 'lose-reply-applied' });
    rig.store.next((call) => call.operation === 'get' && call.key === pointerKey(ID), {
      does: 'run',
      before: async () => {
        await rival(rig)();
        lost = true;
      },
    });
    const { committed: outcome } = await rig.repository.publisher.join(new MakeRef('b'));
    expect(lost).toBe(true);
    expect(outcome.manifest && branches(outcome.manifest)).toEqual(['a', 'b']);
    expect(branches(await published(rig))).toEqual(['a', 'b', 'rival-0']);
  });
});

describe('a manifest prepared in advance', () => {
  async function prepared(change: Change<GitManifest, string>): Promise<RepositoryRig> {
    const rig = new RepositoryRig();
    await rig.repository.publisher.join(new MakeRef('a'));
    // A publisher is still busy for a moment after it has told the last of its members.
    await new Promise(setImmediate);
    await rig.repository.publisher.prepare(change);
    rig.store.reset();
    return rig;
  }

  it('is swapped in if nothing was published meanwhile', async () => {
    const change = new MakeRef('b');
    const rig = await prepared(change);
    expect((await rig.repository.publisher.join(change)).result).toBe('made beside 1');
    expect(rig.store.log.map((request) => request.key)).toEqual([pointerKey(ID)]);
    expect(change.evaluations).toBe(1);
  });

  it('is discarded if another server published meanwhile', async () => {
    const change = new MakeRef('b');
    const rig = await prepared(change);
    await rival(rig)();
    await rig.repository.resolve();
    expect((await rig.repository.publisher.join(change)).result).toBe('made beside 2');
    expect(branches(await published(rig)).sort()).toEqual(['a', 'b', 'rival-0']);
  });

  it('is discarded if other changes join', async () => {
    const change = new MakeRef('b');
    const rig = await prepared(change);
    const { publisher } = rig.repository;
    await Promise.all([
      publisher.join(new MakeRef('x')),
      publisher.join(change),
      publisher.join(new MakeRef('y')),
    ]);
    expect(branches(await published(rig))).toEqual(['a', 'b', 'x', 'y']);
  });

  it('is not made while others publish, nor for a change that changes nothing', async () => {
    const rig = await prepared(new MakeRef('a'));
    expect(rig.store.count()).toBe(0);
    const { publisher } = rig.repository;
    const swapping = publisher.join(new MakeRef('b'));
    const change = new MakeRef('c');
    await publisher.prepare(change);
    expect(change.evaluations).toBe(0);
    await swapping;
  });

  it('is not made if the last swap carried several changes, and is made again after one with a single change', async () => {
    const rig = await prepared(new MakeRef('a'));
    const { publisher } = rig.repository;
    await Promise.all(['b', 'c', 'd'].map((name) => publisher.join(new MakeRef(name))));
    await new Promise(setImmediate);
    const [first, second] = [new MakeRef('e'), new MakeRef('f')];
    await publisher.prepare(first);
    expect(first.evaluations).toBe(0);
    await publisher.join(first);
    await new Promise(setImmediate);
    await publisher.prepare(second);
    expect(second.evaluations).toBe(1);
  });

  it('reports a failed write', async () => {
    const rig = new RepositoryRig();
    rig.store.rules.push((call) => (call.operation === 'put' ? { does: 'throttle' } : undefined));
    await expect(rig.repository.publisher.prepare(new MakeRef('a'))).rejects.toMatchObject({
      kind: 'unavailable',
    });
    rig.store.reset();
    await rig.repository.publisher.join(new MakeRef('a'));
    expect(branches(await published(rig))).toEqual(['a']);
  });
});

describe('a publish', () => {
  it('is reported to the observer', async () => {
    const ended: string[] = [];
    const rig = new RepositoryRig();
    const observed = rig.observing({
      ended: (outcome, changes) => ended.push(`${outcome} ${changes}`),
      rebased: () => ended.push('rebased'),
    });
    const { publisher } = observed;
    await Promise.all(['a', 'b', 'c'].map((name) => publisher.join(new MakeRef(name))));
    await publisher.join(new MakeRef('a'));
    rig.store.next(isPointerPut, { does: 'run', before: rival(rig) });
    await publisher.join(new MakeRef('d'));
    const parent: PublishedGitState | undefined = await observed.resolve();
    expect(parent?.manifest.refs.size).toBe(5);
    expect(ended).toEqual(['published 1', 'published 2', 'unchanged 1', 'rebased', 'published 1']);
  });
});

describe('the date of a receipt', () => {
  const NOW = 1_893_456_000;

  /** Makes a ref as a signed state dated `at` says. */
  function applying(name: string, at: number): Change<GitManifest, string> {
    const change = new MakeRef(name);
    return {
      since: 0,
      evaluate: async (state) => ({ ...(await change.evaluate(state)), receiptBefore: at }),
    };
  }

  async function dateAfter(...changes: readonly Change<GitManifest, string>[]): Promise<number> {
    const rig = new RepositoryRig();
    const { publisher } = rig.repository;
    await Promise.all([
      publisher.join(new MakeRef('first')),
      ...changes.map((change) => publisher.join(change)),
    ]);
    const manifest = await published(rig);
    expect(manifest.depth).toBe(Math.min(1, changes.length));
    return manifest.receiptAt - NOW;
  }

  it('is the time of the publish, and always later than the one before', async () => {
    expect(await dateAfter()).toBe(0);
    expect(await dateAfter(new MakeRef('a'))).toBe(1);
  });

  it('is a second before the applied signed state, if the previous date allows it', async () => {
    expect(await dateAfter(applying('a', NOW - 60))).toBe(1);
    const rig = new RepositoryRig();
    await rig.repository.publisher.join(new MakeRef('first'));
    rig.clock.advance(120_000);
    await rig.repository.publisher.join(applying('a', NOW + 60));
    expect((await published(rig)).receiptAt).toBe(NOW + 59);
  });

  it('is not in the future for a signed state that is', async () => {
    const rig = new RepositoryRig();
    await rig.repository.publisher.join(new MakeRef('first'));
    rig.clock.advance(120_000);
    await rig.repository.publisher.join(applying('a', NOW + 600));
    expect((await published(rig)).receiptAt).toBe(NOW + 120);
  });

  it('is after a signed state only if no push follows it in the same publish', async () => {
    const date = async (second: Change<GitManifest, string>, third: Change<GitManifest, string>) => {
      const rig = new RepositoryRig();
      const { publisher } = rig.repository;
      // Two minutes pass while the first is swapped in; the other two then go together.
      rig.store.next(isPointerPut, { does: 'run', before: async () => rig.clock.advance(120_000) });
      await Promise.all([new MakeRef('first'), second, third].map((change) => publisher.join(change)));
      return (await published(rig)).receiptAt - NOW;
    };
    expect(await date(new MakeRef('a'), applying('b', NOW + 60))).toBe(59);
    expect(await date(applying('a', NOW + 60), new MakeRef('b'))).toBe(120);
    const policy = { announcements: [], writers: [], protection: [], private: true, readers: [] };
    const cause = { kind: 'announce', actor: null, evidence: null, refs: [] } as const;
    const rules: Change<GitManifest, string> = {
      since: 0,
      evaluate: async (state) => ({ next: { ...(state ?? stateOf()), policy }, cause, result: 'changed' }),
    };
    expect(await date(applying('a', NOW + 60), rules)).toBe(59);
    expect(await date(rules, applying('a', NOW + 60))).toBe(59);
  });

  it('is after it in a manifest prepared in advance as well', async () => {
    const rig = new RepositoryRig();
    await rig.repository.publisher.join(new MakeRef('first'));
    await new Promise(setImmediate);
    rig.clock.advance(120_000);
    const change = applying('a', NOW + 60);
    await rig.repository.publisher.prepare(change);
    rig.store.reset();
    await rig.repository.publisher.join(change);
    expect(rig.store.log.map((request) => request.key)).toEqual([pointerKey(ID)]);
    expect((await published(rig)).receiptAt).toBe(NOW + 59);
  });
});

describe('a subscriber', () => {
  it('hears of each publish after its callers, and of nothing else', async () => {
    const heard: string[] = [];
    const rig = new RepositoryRig();
    const repository = rig.listening((id, manifest, digest) =>
      heard.push(`${id.identifier} ${manifest.depth} ${digest}`),
    );
    const { publisher } = repository;
    const first = await publisher.join(new MakeRef('a'));
    expect(heard).toEqual([`rig 0 ${first.committed.digest}`]);
    await publisher.join(new MakeRef('a'));
    await expect(publisher.join(failing(new Error('no')))).rejects.toThrow('no');
    expect(heard).toHaveLength(1);
    await Promise.all(['b', 'c', 'd'].map((name) => publisher.join(new MakeRef(name))));
    expect(heard).toHaveLength(3);
  });
});

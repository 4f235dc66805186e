import { describe, expect, it } from 'vitest';
import type { Digest } from '../../../src/lib/digest.ts';
import type { PublishedGitState } from '../../../src/repository/git/git-manifest.ts';
import { artifactKey, pointerKey } from '../../../src/repository/keys.ts';
import { readPointer } from '../../../src/repository/pointer.ts';
import { type SwapResult, swapPointer } from '../../../src/repository/swap.ts';
import type { Behaviour } from '../../helpers/faulty-store.ts';
import { childOf, ID, manifestOf, oid, RepositoryRig } from '../../helpers/repository-rig.ts';
import { isPointerGet, isPointerPut } from '../../helpers/store-calls.ts';

const PATIENCE = 10_000;

/** One repository about to be swapped: from nothing, or from a first manifest, to `next`. */
interface Scene {
  readonly rig: RepositoryRig;
  readonly parent: PublishedGitState | undefined;
  readonly next: Digest;
  swap(sent?: Set<Digest>): Promise<SwapResult>;
  /** Another server publishes on what the pointer names now. */
  moveOn(): Promise<PublishedGitState>;
  now(): Promise<Digest | undefined>;
}

type Kind = 'create' | 'replace';

async function scene(kind: Kind): Promise<Scene> {
  const rig = new RepositoryRig();
  const parent = kind === 'create' ? undefined : await rig.publish(manifestOf());
  const refs = new Map([['refs/heads/ours', oid('1')]]);
  const manifest = parent === undefined ? manifestOf({ refs }) : childOf(parent, { refs });
  const encoded = await rig.manifests.encode(manifest);
  await rig.manifests.write(ID, encoded);
  const context = {
    store: rig.store,
    clock: rig.clock,
    random: rig.random,
    load: (digest: Digest) => rig.manifests.load(ID, digest),
    patience: PATIENCE,
  };
  const other = rig.cold();
  let moves = 0;
  const read = async (): Promise<PublishedGitState | undefined> => {
    const reading = await readPointer(other.store, ID);
    if (reading.is !== 'found') return undefined;
    return { ...reading, manifest: await other.manifests.load(ID, reading.digest) };
  };
  return {
    rig,
    parent,
    next: encoded.digest,
    swap: (sent = new Set()) => swapPointer(context, ID, parent, encoded.digest, sent),
    moveOn: async () => {
      const theirs = { refs: new Map([['refs/heads/theirs', oid(String(2 + moves++))]]) };
      const current = await read();
      return current === undefined ? other.publish(manifestOf(theirs)) : other.publishOver(current, theirs);
    },
    now: async () => (await read())?.digest,
  };
}

/** What may become of the first attempt, and whether it is in the store afterwards. */
const FATES: readonly { readonly fate: string; readonly behaviour: Behaviour | undefined }[] = [
  { fate: 'is answered', behaviour: undefined },
  { fate: 'is applied and its answer lost', behaviour: { does: 'lose-reply-applied' } },
  { fate: 'is lost', behaviour: { does: 'lose-reply-not-applied' } },
  { fate: 'is applied before the read-back', behaviour: { does: 'apply-late', after: 1 } },
  { fate: 'is applied after the read-back', behaviour: { does: 'apply-late', after: 2 } },
  { fate: 'meets a 409', behaviour: { does: 'conflict' } },
  { fate: 'meets a 404', behaviour: { does: 'missing' } },
  { fate: 'is applied and answered 412', behaviour: { does: 'refuse-after-applying' } },
  { fate: 'is refused for certain', behaviour: { does: 'unavailable' } },
  { fate: 'is throttled', behaviour: { does: 'throttle' } },
];

describe.each(['create', 'replace'] as const)('a swap (%s)', (kind) => {
  it.each(FATES)('wins if its first attempt $fate and nobody else swaps', async ({ behaviour }) => {
    const { rig, next, swap, now } = await scene(kind);
    if (behaviour !== undefined) rig.store.next(isPointerPut, behaviour);
    const result = await swap();
    expect(result).toMatchObject({ swap: 'won', digest: next, current: { digest: next } });
    expect(await now()).toBe(next);
  });

  it.each(FATES)(
    'loses if its first attempt $fate after somebody else has swapped',
    async ({ behaviour }) => {
      const { rig, next, swap, moveOn, now } = await scene(kind);
      const theirs = await moveOn();
      if (behaviour !== undefined) rig.store.next(isPointerPut, behaviour);
      const result = await swap();
      expect(result).toEqual({ swap: 'lost', current: { version: theirs.version, digest: theirs.digest } });
      await rig.store.applyLate();
      expect(await now(), 'no late copy of the loser').toBe(theirs.digest);
      expect(next).not.toBe(theirs.digest);
    },
  );

  it.each(FATES.filter(({ behaviour }) => behaviour !== undefined))(
    'is told as it is when its first attempt $fate and somebody else swaps before the read-back',
    async ({ behaviour }) => {
      const { rig, next, swap, moveOn, now } = await scene(kind);
      if (behaviour !== undefined) rig.store.next(isPointerPut, behaviour);
      rig.store.next(isPointerGet, { does: 'run', before: async () => void (await moveOn()) });
      const result = await swap();
      await rig.store.applyLate();
      const digest = await now();
      if (digest === undefined) throw new Error('no pointer');
      const chain = await chainBelow(rig, digest);
      expect(chain.includes(next), 'ours is published exactly when it is said to be').toBe(
        result.swap === 'won',
      );
      if (result.swap !== 'unknown') expect(result.current.digest).toBe(digest);
    },
  );

  it('finds its own manifest below those that others have built on it', async () => {
    const { rig, next, swap, moveOn, now } = await scene(kind);
    rig.store.next(isPointerPut, { does: 'lose-reply-applied' });
    rig.store.next(isPointerGet, {
      does: 'run',
      before: async () => {
        await moveOn();
        await moveOn();
        await moveOn();
      },
    });
    const result = await swap();
    expect(result).toMatchObject({ swap: 'won', digest: next, current: { digest: await now() } });
  });

  it('reads again after failed reads, and sends the same bytes under the same condition', async () => {
    const { rig, next, swap, now } = await scene(kind);
    rig.store.next(isPointerPut, { does: 'lose-reply-not-applied' }, 3);
    rig.store.next(isPointerGet, { does: 'unavailable' }, 4);
    rig.store.next(isPointerGet, { does: 'break-body' });
    rig.store.log.length = 0;
    expect(await swap()).toMatchObject({ swap: 'won', digest: next });
    expect(await now()).toBe(next);
    const puts = rig.store.log.filter((request) => request.operation === 'put');
    expect(puts).toHaveLength(4);
    expect(new Set(puts.map((put) => put.mode))).toEqual(new Set([kind]));
  });

  it('pauses with jitter, longer each time, at most two seconds', async () => {
    const { rig, swap } = await scene(kind);
    rig.store.next(isPointerPut, { does: 'throttle' }, 40);
    rig.clock.slept.length = 0;
    await swap();
    const { slept } = rig.clock;
    expect(slept.length).toBeGreaterThan(8);
    expect(Math.max(...slept)).toBeLessThanOrEqual(2_000);
    for (const [at, pause] of slept.entries()) expect(pause).toBeLessThanOrEqual(20 * 2 ** at);
  });

  it.each(['lose-reply-not-applied', 'throttle'] as const)(
    'is unknown if every attempt meets "%s" until its patience ends',
    async (does) => {
      const { rig, swap } = await scene(kind);
      rig.store.rules.push((call) => (isPointerPut(call) ? { does } : undefined));
      const began = rig.clock.monotonic();
      expect(await swap()).toMatchObject({ swap: 'unknown', cause: expect.any(Error) });
      const took = rig.clock.monotonic() - began;
      expect(took).toBeGreaterThanOrEqual(PATIENCE);
      expect(took).toBeLessThanOrEqual(PATIENCE + 2_000);
    },
  );

  it('is unknown if it was sent and the pointer cannot be read until its patience ends', async () => {
    const { rig, swap } = await scene(kind);
    rig.store.next(isPointerPut, { does: 'lose-reply-applied' });
    rig.store.rules.push((call) => (isPointerGet(call) ? { does: 'unavailable' } : undefined));
    expect(await swap()).toMatchObject({ swap: 'unknown' });
  });

  it.each(['unavailable', 'conflict'] as const)(
    'fails, and is not unknown, if every attempt is certainly refused (%s)',
    async (does) => {
      const { rig, swap, now, parent } = await scene(kind);
      rig.store.rules.push((call) => (isPointerPut(call) ? { does } : undefined));
      await expect(swap()).rejects.toMatchObject({
        kind: 'unavailable',
        message: expect.stringMatching(/^nothing was changed: /),
      });
      rig.store.reset();
      expect(await now()).toBe(parent?.digest);
    },
  );

  it('stays unknown if certain refusals follow one uncertain answer', async () => {
    const { rig, swap } = await scene(kind);
    rig.store.next(isPointerPut, { does: 'lose-reply-not-applied' });
    rig.store.rules.push((call) => (isPointerPut(call) ? { does: 'unavailable' } : undefined));
    expect(await swap()).toMatchObject({ swap: 'unknown' });
  });

  it('is unknown, and has not failed, if a manifest built on it is damaged', async () => {
    const { rig, swap, moveOn } = await scene(kind);
    rig.store.next(isPointerPut, { does: 'lose-reply-applied' });
    rig.store.next(isPointerGet, {
      does: 'run',
      before: async () => {
        const { digest } = await moveOn();
        await rig.store.delete(artifactKey(ID, { digest, kind: 'json' }));
      },
    });
    expect(await swap()).toMatchObject({ swap: 'unknown', cause: { kind: 'corrupt' } });
  });

  it('wins with an earlier digest that it has sent', async () => {
    const { rig, next, swap } = await scene(kind);
    const earlier = await rig
      .cold()
      .publish(manifestOf({ refs: new Map([['refs/heads/earlier', oid('7')]]) }), await current(rig));
    rig.store.next(isPointerPut, { does: 'lose-reply-not-applied' });
    const sent = new Set([earlier.digest]);
    expect(await swap(sent)).toMatchObject({ swap: 'won', digest: earlier.digest });
    expect(sent).toContain(next);
  });
});

describe('a swap of a damaged repository', () => {
  it('fails as damage if the pointer is missing', async () => {
    const { rig, swap } = await scene('replace');
    await rig.store.delete(pointerKey(ID));
    await expect(swap()).rejects.toMatchObject({
      kind: 'corrupt',
      message: expect.stringContaining('vanished'),
    });
  });

  it('is unknown if the pointer disappears after the swap may have been applied', async () => {
    const { rig, swap } = await scene('replace');
    rig.store.next(isPointerPut, { does: 'lose-reply-applied' });
    rig.store.next(isPointerGet, { does: 'run', before: () => rig.store.delete(pointerKey(ID)) });
    expect(await swap()).toMatchObject({ swap: 'unknown', cause: { kind: 'corrupt' } });
  });

  it('loses if the pointer has the same body under another version: no attempt can match any more', async () => {
    const { rig, parent, swap } = await scene('replace');
    if (parent === undefined) throw new Error('no parent');
    await rig.store.put(pointerKey(ID), Buffer.from(parent.digest), { mode: 'overwrite' });
    expect(await swap()).toMatchObject({ swap: 'lost', current: { digest: parent.digest } });
  });

  it('does not read an unexpected error of the store as proof that nothing happened', async () => {
    const { rig, next, swap, now } = await scene('replace');
    const put = rig.store.put.bind(rig.store);
    let calls = 0;
    rig.store.put = async (...args) => {
      const outcome = await put(...args);
      if (calls++ === 0) throw new TypeError('socket of undefined');
      return outcome;
    };
    expect(await swap()).toMatchObject({ swap: 'won', digest: next });
    expect(await now()).toBe(next);
  });
});

async function current(rig: RepositoryRig): Promise<PublishedGitState | undefined> {
  const reading = await readPointer(rig.store, ID);
  if (reading.is !== 'found') return undefined;
  return { ...reading, manifest: await rig.manifests.load(ID, reading.digest) };
}

async function chainBelow(rig: RepositoryRig, from: Digest): Promise<Digest[]> {
  const chain: Digest[] = [];
  for (let digest: Digest | null = from; digest !== null; ) {
    chain.push(digest);
    digest = (await rig.manifests.load(ID, digest)).parent;
  }
  return chain;
}

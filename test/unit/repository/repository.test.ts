import { describe, expect, it } from 'vitest';
import type { PublishedGitState } from '../../../src/repository/git/git-manifest.ts';
import { pointerKey } from '../../../src/repository/keys.ts';
import { ID, manifestOf, oid, RepositoryRig } from '../../helpers/repository-rig.ts';
import { isPointerGet } from '../../helpers/store-calls.ts';

async function published(): Promise<{ rig: RepositoryRig; first: PublishedGitState }> {
  const rig = new RepositoryRig();
  const first = await rig.cold().publish(manifestOf());
  rig.store.reset();
  return { rig, first };
}

function outcomes(rig: RepositoryRig): string[] {
  return rig.store.log.map((request) => `${request.operation} ${request.outcome}`);
}

describe('reading the state', () => {
  it('reads pointer and manifest once, then only asks whether the pointer has changed', async () => {
    const { rig, first } = await published();
    expect(await rig.repository.resolve()).toEqual(first);
    expect(await rig.repository.resolve()).toEqual(first);
    expect(outcomes(rig)).toEqual(['get found', 'get found', 'get not-modified']);
  });

  it('sees publishes of others at once', async () => {
    const { rig, first } = await published();
    await rig.repository.resolve();
    const second = await rig.cold().publishOver(first);
    expect((await rig.repository.resolve())?.digest).toBe(second.digest);
  });

  it('reports a missing repository, and finds it when it is there', async () => {
    const rig = new RepositoryRig();
    expect(await rig.repository.resolve()).toBeUndefined();
    expect(await rig.repository.peek(1_000)).toBeUndefined();
    const first = await rig.cold().publish(manifestOf());
    expect((await rig.repository.resolve())?.digest).toBe(first.digest);
  });

  it('never returns a known state if the store could not be asked', async () => {
    const { rig, first } = await published();
    await rig.repository.resolve();
    rig.store.next(isPointerGet, { does: 'unavailable' });
    await expect(rig.repository.resolve()).rejects.toMatchObject({ kind: 'unavailable' });
    expect((await rig.repository.resolve())?.digest).toBe(first.digest);
  });

  it('names a damaged manifest', async () => {
    const { rig, first } = await published();
    const key = [...rig.store.log, ...(await keysOf(rig))]
      .map(String)
      .find((name) => name.includes(first.digest));
    if (key === undefined) throw new Error('no manifest');
    await rig.store.put(key, Buffer.from('{}'), { mode: 'overwrite' });
    await expect(rig.repository.resolve()).rejects.toMatchObject({
      kind: 'corrupt',
      message: expect.stringContaining(first.digest),
    });
    await rig.store.delete(key);
    await expect(rig.repository.resolve()).rejects.toMatchObject({
      kind: 'corrupt',
      message: expect.stringContaining(first.digest),
    });
  });
});

describe('the last seen state', () => {
  it('is good enough for the age that the caller allows', async () => {
    const { rig, first } = await published();
    expect(await rig.repository.peek(1_000)).toBeUndefined();
    await rig.repository.resolve();
    rig.store.reset();
    rig.clock.advance(1_000);
    expect((await rig.repository.peek(1_000))?.digest).toBe(first.digest);
    rig.clock.advance(1);
    expect(await rig.repository.peek(1_000)).toBeUndefined();
    expect((await rig.repository.known())?.digest).toBe(first.digest);
    expect(rig.store.count()).toBe(0);
  });

  it('is as old as the beginning of its request', async () => {
    const { rig } = await published();
    rig.store.next(isPointerGet, { does: 'run', before: async () => rig.clock.advance(1_500) });
    await rig.repository.resolve();
    expect(await rig.repository.peek(1_000)).toBeUndefined();
    expect(await rig.repository.peek(1_500)).toBeDefined();
  });

  it('is read if nothing was read before', async () => {
    const { rig, first } = await published();
    expect((await rig.repository.known())?.digest).toBe(first.digest);
    expect(rig.store.count()).toBe(2);
    const empty = new RepositoryRig();
    expect(await empty.repository.known()).toBeUndefined();
    expect(await empty.repository.known()).toBeUndefined();
    expect(empty.store.count()).toBe(1);
  });

  it('is the newer one of two overlapping reads, in any order of their answers', async () => {
    const { rig, first } = await published();
    let answer: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      answer = resolve;
    });
    // The first look reads the old pointer and is answered late.
    const get = rig.store.get.bind(rig.store);
    let calls = 0;
    rig.store.get = async (...args) => {
      const result = await get(...args);
      if (calls++ === 0) await held;
      return result;
    };
    const early = rig.repository.resolve();
    await new Promise(setImmediate);
    const second = await rig.cold().publishOver(first);
    expect((await rig.repository.resolve())?.digest).toBe(second.digest);
    answer();
    expect((await early)?.digest, 'it is told what it saw').toBe(first.digest);
    expect((await rig.repository.peek(1_000))?.digest, 'the newer one is remembered').toBe(second.digest);
  });

  it('follows a store that was reset, after it is read again', async () => {
    const { rig, first } = await published();
    const second = await rig.cold().publishOver(first);
    await rig.repository.resolve();
    await rig.store.put(pointerKey(ID), Buffer.from(first.digest), { mode: 'overwrite' });
    expect((await rig.repository.resolve())?.digest).toBe(first.digest);
    expect((await rig.repository.peek(1_000))?.digest).toBe(first.digest);
    expect(second.digest).not.toBe(first.digest);
  });

  it('includes a publish of this process at once', async () => {
    const { rig } = await published();
    await rig.repository.publisher.join({
      since: 0,
      evaluate: async (state) => ({
        next: { ...(state ?? manifestOf()), refs: new Map([['refs/heads/a', oid('1')]]) },
        cause: { kind: 'push', actor: null, evidence: null, refs: ['refs/heads/a'] },
        result: undefined,
      }),
    });
    rig.store.reset();
    expect((await rig.repository.peek(1_000))?.manifest.refs.size).toBe(1);
    expect(await rig.repository.resolve()).toEqual(await rig.cold().repository.resolve());
    expect(outcomes(rig)[0]).toBe('get not-modified');
  });
});

async function keysOf(rig: RepositoryRig): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of rig.store.list('v1/')) keys.push(key);
  return keys;
}

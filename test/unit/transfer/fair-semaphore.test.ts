import { describe, expect, it } from 'vitest';
import type { Release } from '../../../src/lib/limiter.ts';
import { FairSemaphore, type GitWork } from '../../../src/transfer/fair-semaphore.ts';

const never = new AbortController().signal;

/** Asks for slots by name, and notes in which order they are given. */
class Asking {
  readonly given: string[] = [];
  readonly refused: string[] = [];
  private readonly held: { readonly name: string; readonly release: Release }[] = [];
  private readonly slots: FairSemaphore;

  constructor(slots: number, queue = 1000) {
    this.slots = new FairSemaphore(slots, queue);
  }

  /** @param name of the repository, with anything behind a dash */
  async ask(name: string, work?: GitWork): Promise<void> {
    const asked = this.slots.acquire(name.split('-')[0] ?? '', new AbortController().signal, work).then(
      (release) => {
        this.given.push(name);
        this.held.push({ name, release });
      },
      () => {
        this.refused.push(name);
      },
    );
    await Promise.race([asked, new Promise(setImmediate)]);
  }

  /** Gives back the slot that was given first, of those with this name if one is said. @returns the names given since */
  async giveBack(name?: string): Promise<string[]> {
    const before = this.given.length;
    const at = this.held.findIndex((slot) => name === undefined || slot.name.startsWith(name));
    this.held.splice(at, 1)[0]?.release();
    await new Promise(setImmediate);
    return this.given.slice(before);
  }

  /** How many slots a repository has. */
  has(name: string): number {
    return this.held.filter((slot) => slot.name.startsWith(name)).length;
  }
}

describe('slots for git', () => {
  it('go to one repository except for a quarter, which others can use', async () => {
    const asking = new Asking(8);
    for (let n = 0; n < 10; n++) await asking.ask(`flood-${n}`);
    expect(asking.has('flood')).toBe(6);
    await asking.ask('other-0');
    await asking.ask('other-1');
    expect(asking.has('other')).toBe(2);
    // All are taken; whoever has fewer is next.
    await asking.ask('other-2');
    expect(await asking.giveBack('flood')).toEqual(['other-2']);
  });

  it('do not make the single request of one repository wait for many of another', async () => {
    const asking = new Asking(2);
    for (let n = 0; n < 100; n++) await asking.ask(`flood-${n}`);
    await asking.ask('single');
    expect(asking.given).toEqual(['flood-0', 'flood-1']);
    expect(await asking.giveBack()).toEqual(['single']);
    expect(await asking.giveBack()).toEqual(['flood-2']);
  });

  it('rotate among waiting repositories, and end in equal shares', async () => {
    const asking = new Asking(8);
    for (let n = 0; n < 20; n++) await asking.ask(`a-${n}`);
    for (const name of ['b', 'c', 'd']) for (let n = 0; n < 20; n++) await asking.ask(`${name}-${n}`);
    for (let turn = 0; turn < 6; turn++) await asking.giveBack('a');
    expect(['a', 'b', 'c', 'd'].map((name) => asking.has(name))).toEqual([2, 2, 2, 2]);
    const order: string[] = [];
    for (const name of ['a', 'b', 'c', 'd', 'a', 'b', 'c', 'd']) order.push(...(await asking.giveBack(name)));
    expect(order.map((name) => name[0])).toEqual(['a', 'b', 'c', 'd', 'a', 'b', 'c', 'd']);
  });

  it('go to the repository served longest ago among equals', async () => {
    const asking = new Asking(1);
    await asking.ask('a-0');
    for (const name of ['a-1', 'a-2', 'b-0', 'b-1', 'c-0']) await asking.ask(name);
    const order: string[] = [];
    for (let turn = 0; turn < 5; turn++) order.push(...(await asking.giveBack()));
    expect(order).toEqual(['b-0', 'c-0', 'a-1', 'b-1', 'a-2']);
  });

  it('alternate between fetches and pushes of a repository', async () => {
    const asking = new Asking(1);
    await asking.ask('a-first');
    for (const n of [0, 1, 2]) await asking.ask(`a-fetch${n}`, 'fetch');
    for (const n of [0, 1]) await asking.ask(`a-push${n}`, 'push');
    const order: string[] = [];
    for (let turn = 0; turn < 5; turn++) order.push(...(await asking.giveBack()));
    expect(order).toEqual(['a-push0', 'a-fetch0', 'a-push1', 'a-fetch1', 'a-fetch2']);
  });

  it('have a bounded queue: the last one of the longest queue is answered busy', async () => {
    const asking = new Asking(1, 4);
    await asking.ask('flood-0');
    for (let n = 1; n <= 6; n++) await asking.ask(`flood-${n}`);
    expect(asking.refused).toEqual(['flood-5', 'flood-6']);
    await asking.ask('other-0');
    await asking.ask('other-1', 'push');
    expect(asking.refused.slice(2)).toEqual(['flood-4', 'flood-3']);
    // Now both have two: who comes last is who is refused.
    await asking.ask('other-2');
    expect(asking.refused.slice(4)).toEqual(['other-2']);
    const order: string[] = [];
    for (let turn = 0; turn < 4; turn++) order.push(...(await asking.giveBack()));
    expect(order).toEqual(['other-0', 'flood-1', 'other-1', 'flood-2']);
  });

  it('report an error if nothing may wait', async () => {
    const slots = new FairSemaphore(1, 0);
    const release = await slots.acquire('a', never);
    await expect(slots.acquire('b', never)).rejects.toMatchObject({
      kind: 'busy',
      message: expect.stringContaining('too many git operations'),
    });
    release();
    (await slots.acquire('b', never))();
  });

  it('lose waiting requests that are aborted', async () => {
    const slots = new FairSemaphore(1, 1);
    const release = await slots.acquire('a', never);
    const gone = new AbortController();
    const waiting = slots.acquire('b', gone.signal);
    gone.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    const staying = slots.acquire('c', never);
    release();
    (await staying)();
    await expect(slots.acquire('b', AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
    (await slots.acquire('b', never))();
  });

  it('are returned once if they are released twice', async () => {
    const slots = new FairSemaphore(1, 5);
    const first = await slots.acquire('a', never);
    first();
    const second = await slots.acquire('a', never);
    first();
    await expect(Promise.race([slots.acquire('b', never), Promise.resolve('waits')])).resolves.toBe('waits');
    second();
  });
});

import { describe, expect, it } from 'vitest';
import { ClosingStack } from '../../../src/lib/closing-stack.ts';

describe('a closing stack', () => {
  it('closes in the reverse order, one thing after another', async () => {
    const closed: string[] = [];
    const stack = new ClosingStack(() => undefined);
    for (const name of ['store', 'cache', 'server']) {
      stack.defer(async () => {
        closed.push(`${name} begins`);
        await new Promise((resolve) => setImmediate(resolve));
        closed.push(`${name} ends`);
      });
    }
    await stack.close();
    expect(closed).toEqual([
      'server begins',
      'server ends',
      'cache begins',
      'cache ends',
      'store begins',
      'store ends',
    ]);
  });

  it('reports failures, including synchronous ones, and closes the rest', async () => {
    const failures: unknown[] = [];
    const closed: string[] = [];
    const stack = new ClosingStack((error) => failures.push(error));
    stack.defer(async () => closed.push('first'));
    stack.defer(() => {
      throw new Error('at once');
    });
    stack.defer(() => Promise.reject(new Error('later')));
    await stack.close();
    expect(failures).toEqual([new Error('later'), new Error('at once')]);
    expect(closed).toEqual(['first']);
  });

  it('closes each thing once, and a second call waits for the first', async () => {
    let times = 0;
    let letGo: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const stack = new ClosingStack(() => undefined);
    stack.defer(async () => {
      await gate;
      times++;
    });
    const both = Promise.all([stack.close(), stack[Symbol.asyncDispose]()]).then(() => times);
    letGo();
    expect(await both).toBe(1);
    await stack.close();
    expect(times).toBe(1);
  });

  it('closes what is added during closing', async () => {
    const closed: string[] = [];
    const stack = new ClosingStack(() => undefined);
    stack.defer(async () => {
      stack.defer(async () => closed.push('opened late'));
    });
    await stack.close();
    expect(closed).toEqual(['opened late']);
  });
});

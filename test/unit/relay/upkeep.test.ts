import { describe, expect, it } from 'vitest';
import { createLogger } from '../../../src/observability/logger.ts';
import { Upkeep } from '../../../src/relay/upkeep.ts';
import { InstantClock } from '../../helpers/instant-clock.ts';
import { SeededDice } from '../../helpers/seeded-dice.ts';

function upkeep(tasks: ConstructorParameters<typeof Upkeep>[0]['tasks'], lines: string[] = []) {
  return new Upkeep({
    tasks,
    interval: 60_000,
    clock: new InstantClock(),
    dice: new SeededDice(1),
    log: createLogger('warn', { write: (line) => lines.push(line) }),
  });
}

describe('upkeep', () => {
  it('goes on with the next task when one fails, and says which', async () => {
    const done: string[] = [];
    const lines: string[] = [];
    const failing = {
      name: 'breaks',
      run: async () => {
        throw new Error('no luck');
      },
    };
    await upkeep([failing, { name: 'works', run: async () => void done.push('works') }], lines).runOnce();
    expect(done).toEqual(['works']);
    expect(lines.join()).toMatch(/breaks.*no luck/);
  });

  it('runs again and again until it is closed, and then ends the task at work', async () => {
    let runs = 0;
    let reach: (() => void) | undefined;
    const reached = new Promise<void>((resolve) => {
      reach = resolve;
    });
    const ended: unknown[] = [];
    const keeper = upkeep([
      {
        name: 'counts',
        run: async (signal) => {
          if (++runs < 3) return;
          reach?.();
          await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
          ended.push(signal.reason);
        },
      },
    ]);
    keeper.start();
    await reached;
    await keeper.close();
    expect(runs).toBe(3);
    expect(ended).toHaveLength(1);
  });
});

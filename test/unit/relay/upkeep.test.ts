import { describe, expect, it } from 'vitest';
import { CairnError } from '../../../src/lib/errors.ts';
import { createLogger } from '../../../src/observability/logger.ts';
import { goThrough, Upkeep } from '../../../src/relay/upkeep.ts';
import { InstantClock } from '../../helpers/instant-clock.ts';
import { SeededRandom } from '../../helpers/seeded-random.ts';

function upkeep(tasks: ConstructorParameters<typeof Upkeep>[0]['tasks'], lines: string[] = []) {
  return new Upkeep({
    tasks,
    interval: 60_000,
    clock: new InstantClock(),
    random: new SeededRandom(1),
    log: createLogger('warn', { write: (line) => lines.push(line) }),
  });
}

describe('upkeep', () => {
  it('continues with the next task if one fails, and reports which', async () => {
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

  it('runs again and again until it is closed, and then ends the running task', async () => {
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

describe('work for many repositories', () => {
  const { signal } = new AbortController();
  const numbers = (count: number) => Array.from({ length: count }, (_, at) => at);

  it('continues with the others if one fails, and reports each failure once', async () => {
    const done: number[] = [];
    const gone = goThrough(numbers(30), signal, String, async (item) => {
      if (item % 10 === 3) throw new CairnError('corrupt', `${item} is damaged`);
      done.push(item);
    });
    await expect(gone).rejects.toMatchObject({
      kind: 'unavailable',
      message: '3: 3 is damaged; 13: 13 is damaged; 23: 23 is damaged',
    });
    expect(done).toHaveLength(27);
  });

  it('reports at most one line, and nothing after success', async () => {
    const failing = goThrough(numbers(100), signal, String, async (item) => {
      throw new CairnError('corrupt', `damaged ${item}`);
    });
    await expect(failing).rejects.toThrow(/damaged 19; and 80 more$/);
    await expect(goThrough(numbers(3), signal, String, async () => undefined)).resolves.toBeUndefined();
  });

  it('leaves the rest to the next run if the store does not answer', async () => {
    let asked = 0;
    const away = goThrough(numbers(100), signal, String, async () => {
      asked++;
      throw new CairnError('unavailable', 'the store is away');
    });
    await expect(away).rejects.toThrow('the store is away');
    expect(asked).toBe(8);
  });

  it('ends when the server stops', async () => {
    const stopping = new AbortController();
    const done: number[] = [];
    await goThrough(numbers(10), stopping.signal, String, async (item) => {
      done.push(item);
      if (item === 4) stopping.abort();
      if (item === 4) throw new Error('broken off');
    });
    expect(done).toEqual([0, 1, 2, 3, 4]);
  });
});

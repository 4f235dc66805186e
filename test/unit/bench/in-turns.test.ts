import { describe, expect, it } from 'vitest';
import { CurveBook } from '../../../bench/curves.ts';
import { checkpoints, noteInTurns } from '../../../bench/rows/in-turns.ts';

describe('checkpoints', () => {
  it('are two in each decade, and the last value', () => {
    expect(checkpoints(10)).toEqual([10]);
    expect(checkpoints(2_000)).toEqual([10, 30, 100, 300, 1_000, 2_000]);
    expect(checkpoints(10_000)).toEqual([10, 30, 100, 300, 1_000, 3_000, 10_000]);
  });
});

describe('noteInTurns', () => {
  it('alternates the two sides and notes the medians', async () => {
    const asked: string[] = [];
    const side = (name: string, seconds: number[]) => async () => {
      asked.push(name);
      return seconds.shift() ?? 0;
    };
    const book = new CurveBook('pushes');
    await noteInTurns(book, 30, {
      operation: 'clone',
      times: 3,
      cairn: side('cairn', [0.1, 0.3, 0.2]),
      reference: side('reference', [1, 5, 4]),
    });
    expect(asked).toEqual(['cairn', 'reference', 'cairn', 'reference', 'cairn', 'reference']);
    expect(book.curves.map(({ server, points }) => [server, points])).toEqual([
      ['cairn', [{ at: 30, seconds: 0.2 }]],
      ['reference', [{ at: 30, seconds: 4 }]],
    ]);
  });
});

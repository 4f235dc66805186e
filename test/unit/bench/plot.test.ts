import { describe, expect, it } from 'vitest';
import type { Curve } from '../../../bench/curves.ts';
import { decades, latencyPlot, spreadOut } from '../../../bench/plot.ts';

const curves: Curve[] = (['pushes', 'refs'] as const).flatMap((over) =>
  (['push', 'ls-remote', 'clone'] as const).flatMap((operation) =>
    (['cairn', 'reference'] as const).map((server) => ({
      server,
      operation,
      over,
      points: [10, 1_000, 30_000].map((at) => ({
        at,
        seconds: server === 'cairn' ? 0.004 : 0.02 + at * 1e-4,
      })),
    })),
  ),
);

describe('decades', () => {
  it('contain all values, and at least one decade', () => {
    expect(decades([3, 40, 120])).toEqual({ first: 0, last: 3 });
    expect(decades([10, 1000])).toEqual({ first: 1, last: 3 });
    expect(decades([100])).toEqual({ first: 2, last: 3 });
    expect(decades([0.2, 0])).toEqual({ first: -1, last: 0 });
    expect(decades([])).toEqual({ first: 0, last: 1 });
  });
});

describe('spreadOut', () => {
  it('moves only overlapping labels apart, and keeps their order', () => {
    expect(spreadOut([100, 20], 14)).toEqual([100, 20]);
    expect(spreadOut([105, 100], 14)).toEqual([114, 100]);
    expect(spreadOut([5, 5, 6], 10)).toEqual([5, 15, 25]);
    expect(spreadOut([], 10)).toEqual([]);
  });
});

describe('the picture', () => {
  const svg = latencyPlot(curves);

  it('has a panel for each operation over each axis, with a line for each server', () => {
    for (const operation of ['push', 'ls-remote', 'clone']) {
      expect(svg).toContain(`>${operation}, by pushes taken<`);
      expect(svg).toContain(`>${operation}, by refs<`);
    }
    expect(svg.match(/<polyline class="line cairn"/g)).toHaveLength(6);
    expect(svg.match(/<polyline class="line reference"/g)).toHaveLength(6);
    expect(svg).toContain('>3 s</text>');
  });

  it('draws larger values higher and further right, inside their panel', () => {
    const [, points = ''] = /class="line reference" points="([^"]+)"/.exec(svg) ?? [];
    const places = points.split(' ').map((place) => place.split(',').map(Number));
    const [[x1 = 0, y1 = 0] = [], [x2 = 0, y2 = 0] = [], [x3 = 0, y3 = 0] = []] = places;
    expect(x1 < x2 && x2 < x3).toBe(true);
    expect(y1 > y2 && y2 > y3).toBe(true);
    expect(x1 >= 64 && x3 <= 64 + 240 && y3 >= 84 && y1 <= 84 + 190).toBe(true);
  });

  it('describes itself in words, and is the same for the same data', () => {
    expect(svg).toMatch(/<title id="title">.+<\/title>/);
    expect(svg).toContain('Cairn, push: 4 ms at 10 pushes, 4 ms at 30,000');
    expect(svg).toContain('git http-backend, clone: 21 ms at 10 refs, 3 s at 30,000');
    expect(latencyPlot(curves)).toBe(svg);
  });

  it('is well-formed: every element is closed, and no number is missing', () => {
    const open: string[] = [];
    for (const [, closing, name = '', , empty] of svg.matchAll(
      /<(\/?)([a-z]+)((?:[^<>"]|"[^"]*")*?)(\/?)>/g,
    )) {
      if (closing) expect(open.pop()).toBe(name);
      else if (!empty) open.push(name);
    }
    expect(open).toEqual([]);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });
});

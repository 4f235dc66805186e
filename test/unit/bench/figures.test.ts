import { describe, expect, it } from 'vitest';
import { withFigures } from '../../../bench/figures.ts';
import { failedRow, summarize } from '../../../bench/measure.ts';

const machine = {
  cpu: 'Some CPU',
  cores: 2,
  memoryGiB: 24,
  system: 'Linux 6',
  node: '20.1.0',
  git: 'git version 2.39.5',
  reference: 'Apache',
};
const pairs = [{ cairn: { wall: 0.0123, rate: 48 }, reference: { wall: 0.1, rate: 10 } }];
const rows = [
  summarize({ name: 'a/file', unit: 'ms', value: 'wall', goal: 0.5 }, pairs),
  summarize({ name: 'no-goal/file', unit: 'ms', value: 'wall' }, pairs),
  summarize({ name: 'b/file', unit: 'pushes/s', value: 'rate', alone: true, goal: 50 }, pairs),
  failedRow({ name: 'c/file', unit: 's', value: 'wall', goal: 1 }),
];
const marks = ['<!-- figures: written by `npm run bench -- --plot` -->', '<!-- end of figures -->'];

describe('the figures of a page', () => {
  it('replace older figures between the marks with the rows that have goals', () => {
    const page = `Before.\n\n${marks[0]}\n\nold\n\n${marks[1]}\n\nAfter.\n`;
    const expected = [
      'Before.',
      '',
      marks[0],
      '',
      '| row | Cairn | reference | ratio | goal | met |',
      '|---|---|---|---|---|---|',
      '| `a/file` | 12.3 ms | 100 ms | 0.12 | ≤ 0.5 | yes |',
      '| `b/file` | 48.0 pushes/s | – | – | ≥ 50 pushes/s | no |',
      '| `c/file` | – | – | – | ≤ 1 | no |',
      '',
      'Measured on 2 × Some CPU, 24 GiB; Linux 6; Node 20.1.0; git version 2.39.5; reference: Apache.',
      '',
      marks[1],
      '',
      'After.',
      '',
    ].join('\n');
    expect(withFigures(page, rows, machine)).toBe(expected);
    expect(withFigures(expected, rows, machine)).toBe(expected);
  });

  it('leave a page without marks unchanged', () => {
    expect(withFigures('Nothing here.\n', rows, machine)).toBe('Nothing here.\n');
  });
});

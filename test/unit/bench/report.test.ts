import { describe, expect, it } from 'vitest';
import type { Curve } from '../../../bench/curves.ts';
import { failedRow, type MeasuredRow } from '../../../bench/measure.ts';
import { jsonReport, tableReport } from '../../../bench/report.ts';

const machine = {
  cpu: 'Some CPU',
  cores: 2,
  memoryGiB: 24,
  system: 'Linux 6',
  node: '20.1.0',
  git: 'git version 2.39.5',
  reference: 'Apache',
};
const rows: MeasuredRow[] = [
  {
    row: {
      name: 'ls-remote/file',
      unit: 'ms',
      cairn: 20.123456,
      reference: 40,
      ratio: 0.5030864,
      goal: 0.5,
      bound: 'ratio',
      met: false,
    },
    spread: [0.25, 1],
  },
  {
    row: {
      name: 'push-1gib-rss/file',
      unit: 'MiB',
      cairn: 30.5,
      reference: 0,
      ratio: null,
      goal: 64,
      bound: 'most',
      met: true,
    },
    spread: null,
  },
  failedRow({ name: 'full-clone/file', unit: 'ms', value: 'wall' }),
  failedRow({ name: 'many-pushers/file', unit: 'pushes/s', value: 'rate', goal: 50 }),
];

const curves: Curve[] = [
  { server: 'cairn', operation: 'push', over: 'refs', points: [{ at: 10, seconds: 0.25 }] },
];

describe('the JSON report', () => {
  it('holds rows, curves and machine, and nothing else', () => {
    expect(JSON.parse(jsonReport(rows, curves, machine))).toEqual({
      rows: [
        {
          name: 'ls-remote/file',
          unit: 'ms',
          cairn: 20.1,
          reference: 40,
          ratio: 0.503,
          goal: 0.5,
          bound: 'ratio',
          met: false,
        },
        {
          name: 'push-1gib-rss/file',
          unit: 'MiB',
          cairn: 30.5,
          reference: 0,
          ratio: null,
          goal: 64,
          bound: 'most',
          met: true,
        },
        {
          name: 'full-clone/file',
          unit: 'ms',
          cairn: null,
          reference: null,
          ratio: null,
          goal: null,
          bound: 'ratio',
          met: null,
        },
        {
          name: 'many-pushers/file',
          unit: 'pushes/s',
          cairn: null,
          reference: null,
          ratio: null,
          goal: 50,
          bound: 'least',
          met: false,
        },
      ],
      curves,
      machine,
    });
  });
});

describe('the table', () => {
  it('aligns the rows, marks a missed goal, and names the machine', () => {
    expect(tableReport(rows, machine).split('\n')).toEqual([
      'row                 unit      cairn  reference  ratio      pairs           goal  met',
      '------------------  --------  -----  ---------  -----  ---------  -------------  ---',
      'ls-remote/file      ms         20.1       40.0   0.50  0.25–1.00          ≤ 0.5   NO',
      'push-1gib-rss/file  MiB        30.5       0.00      –                  ≤ 64 MiB  yes',
      'full-clone/file     ms            –          –      –',
      'many-pushers/file   pushes/s      –          –      –             ≥ 50 pushes/s   NO',
      '',
      '2 × Some CPU, 24 GiB; Linux 6; Node 20.1.0; git version 2.39.5; reference: Apache',
    ]);
  });
});

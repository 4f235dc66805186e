/** The files of the example project, as a team would write them. */
import { pdf, png, wav } from './media.ts';

export const README = `# Harbour

[![tests](images/badge.svg)](ci.yml) Tide tables for **small harbours**, from the measurements of their own gauges.

![The harbour in the evening](images/harbour.png)

## Use it

\`\`\`typescript
import { highWater } from 'harbour';

const next = highWater('Hallig Hooge', new Date('2026-05-01'));
console.log(next.toISOString());
\`\`\`

| Harbour | Mean high water | Gauge |
|:--------|----------------:|:------|
| Hooge   |          3.12 m | radar |
| Pellworm |         3.05 m | float |
| Dagebüll |         3.41 m | radar |

- [x] Read the gauges
- [x] Fit the constituents
- [ ] Warn of storm surges

> Tides are predicted; weather is not. See [how it works](docs/how-it-works.md).

<details><summary>Where the name comes from</summary>A harbour is where one waits for water.</details>
`;

export const TIDE = `import { constituents, type Constituent } from './constituents.ts';

/** Metres above chart datum at one moment. */
export interface Level {
  readonly at: Date;
  readonly metres: number;
}

const HOUR = 3_600_000;

/**
 * Predicts the level of the water.
 * @param harbour its name, as in \`harbours.csv\`
 * @param at the moment
 */
export function level(harbour: string, at: Date): Level {
  const parts: readonly Constituent[] = constituents(harbour);
  const hours = at.getTime() / HOUR;
  const metres = parts.reduce((sum, { amplitude, speed, phase }) => {
    return sum + amplitude * Math.cos(((speed * hours - phase) * Math.PI) / 180);
  }, 0);
  return { at, metres };
}

/** The next high water after a moment, to the minute. */
export function highWater(harbour: string, after: Date): Date {
  for (let minute = 1; ; minute++) {
    const at = new Date(after.getTime() + minute * 60_000);
    const [before, now, next] = [-1, 0, 1].map((step) => level(harbour, new Date(at.getTime() + step * 60_000)).metres);
    if (now !== undefined && before !== undefined && next !== undefined && before <= now && next < now) return at;
  }
}
`;

const NOTEBOOK = JSON.stringify({
  nbformat: 4,
  nbformat_minor: 5,
  metadata: { language_info: { name: 'python' } },
  cells: [
    {
      cell_type: 'markdown',
      metadata: {},
      source: ['# Residuals\n', 'How far predictions were off in **March**.'],
    },
    {
      cell_type: 'code',
      execution_count: 1,
      metadata: {},
      source: ['import csv\n', 'sum(1 for _ in open("harbours.csv"))'],
      outputs: [
        { output_type: 'execute_result', execution_count: 1, metadata: {}, data: { 'text/plain': ['4'] } },
        { output_type: 'display_data', metadata: {}, data: { 'image/png': png(200, 80).toString('base64') } },
        { output_type: 'stream', name: 'stdout', text: ['mean 0.04 m\n'] },
      ],
    },
  ],
});

const PYTHON = `"""Fits tidal constituents to a series of levels."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Constituent:
    name: str
    speed: float  # degrees per hour


M2 = Constituent("M2", 28.9841042)
S2 = Constituent("S2", 30.0)


def residual(levels: list[float], predicted: list[float]) -> float:
    """Root of the mean square of what is left."""
    return (sum((a - b) ** 2 for a, b in zip(levels, predicted)) / len(levels)) ** 0.5
`;

const SVG = `<svg xmlns="http://www.w3.org/2000/svg" width="72" height="20"><rect width="72" height="20" rx="3" fill="#2f6f4f"/><text x="8" y="14" fill="#fff" font-family="sans-serif" font-size="11">tests ok</text></svg>`;

/** The first files. */
export const FIRST_FILES: Readonly<Record<string, string | Uint8Array>> = {
  'README.md': '# Harbour\n\nTide tables for small harbours.\n',
  LICENSE: 'MIT License\n\nCopyright (c) 2026 The Harbour authors\n',
  '.gitignore': 'node_modules\ndist\n',
  'src/tides.ts': TIDE.replaceAll('    return sum', '    return sum  '),
  'src/constituents.ts':
    "export interface Constituent {\n  readonly amplitude: number;\n  readonly speed: number;\n  readonly phase: number;\n}\n\nexport function constituents(harbour: string): readonly Constituent[] {\n  if (harbour === '') throw new Error('no harbour');\n  return [{ amplitude: 1.4, speed: 28.984, phase: 112 }];\n}\n",
};

/** What comes after them. */
export const MORE_FILES: Readonly<Record<string, string | Uint8Array>> = {
  'fit/fit.py': PYTHON,
  'fit/residuals.ipynb': NOTEBOOK,
  'gauge/main.go':
    'package main\n\nimport "fmt"\n\n// main prints the level of the gauge.\nfunc main() {\n\tfmt.Println("level:", 3.12)\n}\n',
  'gauge/radar.rs': 'fn main() {\n    let level = 3.12_f64;\n    println!("level: {level}");\n}\n',
  'gauge/adc.c':
    '#include <stdint.h>\n\nuint16_t adc_read(void);\n\nint main(void) { return adc_read() > 512; }\n',
  'tools/release.sh': '#!/bin/sh\nset -eu\nnpm test\ngit tag -s "$1"\n',
  'web/style.css': ':root { --sea: #1d5c7a; }\nbody { color: var(--sea); }\n',
  'web/index.html': '<!doctype html>\n<title>Harbour</title>\n<h1>Next high water</h1>\n',
  'harbours.csv':
    'name,mean high water,gauge\nHooge,3.12,radar\nPellworm,3.05,float\n"Dagebüll, Mole",3.41,radar\n',
  'images/harbour.png': png(640, 220),
  'images/badge.svg': SVG,
  'docs/how-it-works.md':
    '# How it works\n\nA tide is a sum of cosines:\n\n```text\nh(t) = Σ aᵢ cos(vᵢt - pᵢ)\n```\n\nSee [the code](../src/tides.ts).\n',
  'docs/bell.wav': wav(),
  'docs/chart.pdf': pdf(),
  'docs/latin1.txt': Buffer.from('Höhe über Normalnull\n', 'latin1'),
  'docs/utf16.txt': Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('Höhe über Null\r\n', 'utf16le')]),
  'docs/film.mp4':
    'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n',
  'data/levels.bin': Buffer.from(Array.from({ length: 400 }, (_, at) => at & 255)),
  'ci.yml': 'steps:\n  - run: npm ci\n  - run: npm test\n',
  '.mailmap': 'Ada Watt <ada@example.org> <ada@old.example.org>\n',
};

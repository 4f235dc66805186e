import type { Axis, Curve, Operation, Point } from './curves.ts';

/**
 * Draws latency against the size of a repository: a column for each operation, a row for pushes and one for refs, both
 * axes logarithmic, the same scale of time everywhere. The text of an SVG file without scripts or fonts of its own.
 */
export function latencyPlot(curves: readonly Curve[]): string {
  const points = curves.flatMap((curve) => curve.points);
  const time = decades(points.map(({ seconds }) => seconds * 1000));
  const panels = AXES.flatMap((over, row) => {
    const across = decades(
      curves.filter((curve) => curve.over === over).flatMap((curve) => curve.points.map(({ at }) => at)),
    );
    return OPERATIONS.map((operation, column) => {
      const lines = curves.filter((curve) => curve.over === over && curve.operation === operation);
      // The scale of time is the same in all of them, so the first panel of a row says it.
      const labelled = column === 0;
      const frame = {
        labelled,
        left: LEFT + column * (PANEL_WIDTH + GAP),
        top: TOP + row * (PANEL_HEIGHT + ROW_GAP),
        across,
        time,
      };
      return panel(frame, `${operation}, by ${AXIS_NAMES[over]}`, AXIS_NAMES[over], lines);
    });
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img"`,
    `  aria-labelledby="title description" font-family="system-ui, 'Segoe UI', Helvetica, Arial, sans-serif" font-size="12">`,
    '  <title id="title">Latency of push, ls-remote and clone as a repository grows</title>',
    `  <desc id="description">${description(curves)}</desc>`,
    STYLE,
    `  <rect class="ground" x="0.5" y="0.5" width="${WIDTH - 1}" height="${HEIGHT - 1}" rx="14"/>`,
    ...legend(),
    ...panels.flat(),
    '</svg>',
    '',
  ].join('\n');
}

const OPERATIONS: readonly Operation[] = ['push', 'ls-remote', 'clone'];
const AXES: readonly Axis[] = ['pushes', 'refs'];
const AXIS_NAMES: Record<Axis, string> = { pushes: 'pushes taken', refs: 'refs' };
const SERVER_NAMES: Record<Curve['server'], string> = { cairn: 'Cairn', reference: 'git http-backend' };

const PANEL_WIDTH = 240;
const PANEL_HEIGHT = 190;
const LEFT = 64;
const TOP = 84;
const GAP = 62;
const ROW_GAP = 84;
const WIDTH = LEFT + 3 * PANEL_WIDTH + 3 * GAP - 8;
const HEIGHT = TOP + 2 * PANEL_HEIGHT + ROW_GAP + 62;
/** Between the values written beside the ends of two lines. */
const LINE_HEIGHT = 14;

const STYLE = `  <style>
    .ground { fill: #fbfaf7; stroke: #d8d3c8 }
    .grid { stroke: #d8d3c8; stroke-width: 1 }
    .words { fill: #24292f }
    .small { fill: #57606a }
    .cairn { stroke: #b35900 } .cairn-dot { fill: #b35900 }
    .reference { stroke: #3b6ea5; stroke-dasharray: 5 4 } .reference-dot { fill: #3b6ea5 }
    .line { fill: none; stroke-width: 2.2; stroke-linejoin: round }
    @media (prefers-color-scheme: dark) {
      .ground { fill: #16191d; stroke: #3d444d }
      .grid { stroke: #30363d }
      .words { fill: #e6edf3 }
      .small { fill: #9198a1 }
      .cairn { stroke: #ffa657 } .cairn-dot { fill: #ffa657 }
      .reference { stroke: #79b8ff } .reference-dot { fill: #79b8ff }
    }
  </style>`;

/** Powers of ten around some values, as exponents. */
interface Decades {
  readonly first: number;
  readonly last: number;
}

/** Where a panel is and what its edges stand for. */
interface Frame {
  /** Whether the values of the time axis are written beside it. */
  readonly labelled: boolean;
  readonly left: number;
  readonly top: number;
  readonly across: Decades;
  readonly time: Decades;
}

/** The decades that hold all values, one at least. Values that are not positive have no place on a logarithmic axis. */
export function decades(values: readonly number[]): Decades {
  const exponents = values.filter((value) => value > 0).map(Math.log10);
  if (exponents.length === 0) return { first: 0, last: 1 };
  const first = Math.floor(Math.min(...exponents));
  return { first, last: Math.max(first + 1, Math.ceil(Math.max(...exponents))) };
}

/** Moves the places of labels apart, from the top down, until none overlaps another; keeps their order. */
export function spreadOut(places: readonly number[], distance: number): number[] {
  const order = places.map((_, at) => at).toSorted((a, b) => (places[a] ?? 0) - (places[b] ?? 0));
  const moved = [...places];
  let last = Number.NEGATIVE_INFINITY;
  for (const at of order) {
    last = Math.max(places[at] ?? 0, last + distance);
    moved[at] = last;
  }
  return moved;
}

function panel(frame: Frame, name: string, axis: string, curves: readonly Curve[]): string[] {
  const { left, top } = frame;
  const right = left + PANEL_WIDTH;
  const bottom = top + PANEL_HEIGHT;
  const grid = [
    ...steps(frame.time).flatMap((exponent) => {
      const y = fixed(yOf(frame, 10 ** exponent));
      return [
        `  <line class="grid" x1="${left}" y1="${y}" x2="${right}" y2="${y}"/>`,
        ...(frame.labelled
          ? [
              `  <text class="small" x="${left - 6}" y="${y}" dy="4" text-anchor="end">${milliseconds(10 ** exponent)}</text>`,
            ]
          : []),
      ];
    }),
    ...steps(frame.across).flatMap((exponent) => {
      const x = fixed(xOf(frame, 10 ** exponent));
      return [
        `  <line class="grid" x1="${x}" y1="${top}" x2="${x}" y2="${bottom}"/>`,
        `  <text class="small" x="${x}" y="${bottom + 16}" text-anchor="middle">${count(10 ** exponent)}</text>`,
      ];
    }),
  ];
  const ends = curves.map((curve) => curve.points.at(-1));
  const places = spreadOut(
    ends.map((end) => (end === undefined ? 0 : yOf(frame, end.seconds * 1000))),
    LINE_HEIGHT,
  );
  return [
    `  <text class="words" x="${left}" y="${top - 12}" font-size="14" font-weight="600">${name}</text>`,
    ...grid,
    `  <text class="small" x="${right}" y="${bottom + 32}" text-anchor="end">${axis} →</text>`,
    ...curves.flatMap((curve, at) => line(frame, curve, places[at] ?? 0)),
  ];
}

function line(frame: Frame, { server, points }: Curve, labelAt: number): string[] {
  const shown = points.map(
    (point) => `${fixed(xOf(frame, point.at))},${fixed(yOf(frame, point.seconds * 1000))}`,
  );
  const last = points.at(-1);
  const label =
    last === undefined
      ? []
      : [
          `  <text class="${server}-dot" x="${fixed(xOf(frame, last.at) + 7)}" y="${fixed(labelAt)}" dy="4">${milliseconds(last.seconds * 1000)}</text>`,
        ];
  return [
    `  <polyline class="line ${server}" points="${shown.join(' ')}"/>`,
    ...points.map((point) => dot(server, xOf(frame, point.at), yOf(frame, point.seconds * 1000))),
    ...label,
  ];
}

function dot(server: Curve['server'], x: number, y: number): string {
  return `  <circle class="${server}-dot" cx="${fixed(x)}" cy="${fixed(y)}" r="3"/>`;
}

function legend(): string[] {
  const entry = (server: Curve['server'], x: number) => [
    `  <path class="line ${server}" d="M${x} 34 h34"/>`,
    dot(server, x + 17, 34),
    `  <text class="words" x="${x + 42}" y="38" font-size="14">${SERVER_NAMES[server]}</text>`,
  ];
  return [
    ...entry('cairn', LEFT),
    ...entry('reference', LEFT + 110),
    `  <text class="small" x="${WIDTH - 24}" y="38" text-anchor="end">median time of a request that discards its answer; less is better</text>`,
  ];
}

/** What the picture shows, in words: from where to where each line goes. */
function description(curves: readonly Curve[]): string {
  const told = curves.flatMap(({ server, operation, over, points }) => {
    const [first, last] = [points[0], points.at(-1)];
    if (first === undefined || last === undefined) return [];
    const value = ({ seconds }: Point) => milliseconds(seconds * 1000);
    return [
      `${SERVER_NAMES[server]}, ${operation}: ${value(first)} at ${count(first.at)} ${over}, ${value(last)} at ${count(last.at)}`,
    ];
  });
  return `${told.join('; ')}.`;
}

function steps({ first, last }: Decades): number[] {
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}

function xOf({ left, across }: Frame, value: number): number {
  return left + (PANEL_WIDTH * (Math.log10(value) - across.first)) / (across.last - across.first);
}

function yOf({ top, time }: Frame, value: number): number {
  return top + PANEL_HEIGHT - (PANEL_HEIGHT * (Math.log10(value) - time.first)) / (time.last - time.first);
}

function milliseconds(value: number): string {
  return value >= 1000 ? `${Number((value / 1000).toPrecision(2))} s` : `${Number(value.toPrecision(2))} ms`;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

function fixed(value: number): string {
  return String(Math.round(value * 10) / 10);
}

import { html } from 'hono/html';
import type { LaneLine, LaneRow } from '../../../../git/index.ts';
import type { Html } from '../../../layout.ts';

/** Pixels from lane to lane. The style sheet leaves as much room. */
export const LANE = 14;

/** Units from the top of a row to its bottom; a row is stretched to the height of its text. */
const HEIGHT = 100;

/** The lines beside one commit. They say nothing that the list does not say: a commit has links to its parents. */
export function graphHtml({ lane, lines }: LaneRow, width: number): Html {
  const pixels = width * LANE;
  return html`<svg class="graph" aria-hidden="true" width="${pixels}" viewBox="0 0 ${pixels} ${HEIGHT}" preserveAspectRatio="none"><path d="${lines.map(pathOf).join('')}"/><path class="node" d="M${xOf(lane)} ${HEIGHT / 2}h0"/></svg>`;
}

function pathOf({ part, from, to }: LaneLine): string {
  const [top, bottom] = [part === 'lower' ? HEIGHT / 2 : 0, part === 'upper' ? HEIGHT / 2 : HEIGHT];
  const [start, end] = [xOf(from), xOf(to)];
  if (start === end) return `M${start} ${top}V${bottom}`;
  const middle = (top + bottom) / 2;
  return `M${start} ${top}C${start} ${middle} ${end} ${middle} ${end} ${bottom}`;
}

function xOf(lane: number): number {
  return lane * LANE + LANE / 2;
}

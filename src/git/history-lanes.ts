/** How commits of a list are connected, as lines beside it. Pure. */

/** A line within one row: from a lane at its top or its middle to a lane at its middle or its bottom. */
export interface LaneLine {
  readonly part: 'through' | 'upper' | 'lower';
  readonly from: number;
  readonly to: number;
}

/** What is drawn beside one commit. */
export interface LaneRow {
  /** The lane that the commit is in. */
  readonly lane: number;
  readonly lines: readonly LaneLine[];
}

export interface Lanes {
  readonly rows: readonly LaneRow[];
  /** Lanes in use at most. */
  readonly width: number;
}

/** Lanes that are drawn. Lines that would need more of them are left out. */
export const MOST_LANES = 10;

/**
 * Finds lanes for commits, each of which is usually above its parents.
 * @param commits of one page; parents that are not among them are below it
 */
export function historyLanes(
  commits: readonly { readonly oid: string; readonly parents: readonly string[] }[],
): Lanes {
  /** Which commit each lane leads to. */
  const lanes: (string | undefined)[] = [];
  const seen = new Set<string>();
  let width = 0;
  const rows = commits.map(({ oid, parents }) => {
    const found = lanes.indexOf(oid);
    const lane = found === -1 ? Math.min(freeLane(lanes), MOST_LANES - 1) : found;
    const lines: LaneLine[] = [];
    lanes.forEach((target, at) => {
      if (target === oid) {
        lines.push({ part: 'upper', from: at, to: lane });
        lanes[at] = undefined;
      } else if (target !== undefined) lines.push({ part: 'through', from: at, to: at });
    });
    seen.add(oid);
    for (const [at, parent] of parents.entries()) {
      // With wrong dates, a parent may be above.
      if (seen.has(parent)) continue;
      const known = lanes.indexOf(parent);
      // A first parent keeps the lane, so that a main line is straight; lanes of the same commit meet there.
      const stays = at === 0 && lanes[lane] === undefined;
      const to = stays ? lane : known === -1 ? freeLane(lanes) : known;
      if (to >= MOST_LANES) continue;
      lanes[to] = parent;
      lines.push({ part: 'lower', from: lane, to });
    }
    width = Math.max(width, lane + 1, ...lines.map(({ from, to }) => Math.max(from, to) + 1));
    return { lane, lines };
  });
  return { rows, width };
}

function freeLane(lanes: readonly (string | undefined)[]): number {
  const free = lanes.indexOf(undefined);
  return free === -1 ? lanes.length : free;
}

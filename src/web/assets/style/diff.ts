/** Pixels for each lane of a graph beside commits, and most lanes; as the pages draw them. */
const [LANE, MOST_LANES] = [14, 10];

const LANES = Array.from(
  { length: MOST_LANES },
  (_, at) => `.lanes-${at + 1} li { padding-inline-start: ${(at + 1) * LANE + 8}px; }\n`,
).join('');

/** Messages of commits, lines between commits, and differences. */
export const DIFF = `
.graph { position: absolute; top: 0; inset-inline-start: 0; height: 100%; fill: none; stroke: var(--quiet); stroke-width: 2; }
.graph path { vector-effect: non-scaling-stroke; }
.graph .node { stroke: var(--accent); stroke-width: 9; stroke-linecap: round; }
[class*="lanes-"] li { position: relative; }
${LANES}.message { margin: 0.6rem 0; white-space: pre-wrap; font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: 0.875rem; }
.switches { display: flex; flex-wrap: wrap; gap: 0.2rem 1.2rem; }
form.compare { display: flex; flex-wrap: wrap; gap: 0.6rem 1rem; align-items: center; margin: 1rem 0; }
details.file > .whole-files { margin: 0; padding-top: 0.3rem; padding-bottom: 0.3rem; font-size: 0.9rem; }
.whole-files a { margin-inline-end: 0.8rem; }
.plus { color: var(--tip); }
.minus { color: var(--caution); }
.diff code { unicode-bidi: isolate; }
.diff .added { background: var(--added); }
.diff .deleted { background: var(--deleted); }
.diff mark { color: inherit; border-radius: 2px; background: var(--added-word); }
.diff .deleted mark { background: var(--deleted-word); }
.diff .hunk { color: var(--quiet); }
.split table { width: 100%; min-width: 48rem; table-layout: fixed; }
.split col.number { width: 4rem; }
.split code { white-space: pre-wrap; }
.split .none { background: var(--ground); }
`;

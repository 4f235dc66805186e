/** In histories of source code every fortieth tree is odd. */
const MOST_ODD = 5_000;
const ODD_PART = 20;

/** With more odd ones than this among so many objects, git looks at all of them. */
export function mostOdd(objects: number): number {
  return Math.max(MOST_ODD, objects / ODD_PART);
}

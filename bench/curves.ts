/** What is plotted: how long an operation takes as a repository grows. */
export interface Curve {
  readonly server: 'cairn' | 'reference';
  readonly operation: Operation;
  /** What grows: pushes taken so far, or refs. */
  readonly over: Axis;
  readonly points: readonly Point[];
}

export type Operation = 'push' | 'ls-remote' | 'clone';

export type Axis = 'pushes' | 'refs';

export interface Point {
  readonly at: number;
  /** Median, in seconds. */
  readonly seconds: number;
}

/** Collects the points of a row's curves, in the order in which they are measured. */
export class CurveBook {
  readonly #over: Axis;
  readonly #curves = new Map<string, Curve & { readonly points: Point[] }>();

  constructor(over: Axis) {
    this.#over = over;
  }

  note(server: Curve['server'], operation: Operation, point: Point): void {
    const name = `${operation} ${server}`;
    const curve = this.#curves.get(name) ?? { server, operation, over: this.#over, points: [] };
    curve.points.push(point);
    this.#curves.set(name, curve);
  }

  get curves(): readonly Curve[] {
    return [...this.#curves.values()];
  }
}

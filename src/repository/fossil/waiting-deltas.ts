/** A delta that waits for its source. */
export interface WaitingDelta {
  readonly slot: number;
  readonly source: number;
  readonly isPrivate: boolean;
  /** Bytes of the content, as the delta declares them. */
  readonly size: number;
  readonly pack: number;
  readonly offset: number;
  readonly length: number;
}

const NONE: readonly WaitingDelta[] = [];

/** The deltas of one state that wait for their sources, by what they make and by what they are made of. */
export class WaitingDeltas {
  private readonly byName = new Map<number, WaitingDelta[]>();
  private readonly bySource = new Map<number, WaitingDelta[]>();

  constructor(waiting: readonly WaitingDelta[]) {
    for (const delta of waiting) this.add(delta);
  }

  add(delta: WaitingDelta): void {
    append(this.byName, delta.slot, delta);
    append(this.bySource, delta.source, delta);
  }

  /** @param slot of the artifact that they make */
  making(slot: number): readonly WaitingDelta[] {
    return this.byName.get(slot) ?? NONE;
  }

  /** @param source slot of the artifact that they are made of */
  of(source: number): readonly WaitingDelta[] {
    return this.bySource.get(source) ?? NONE;
  }

  /** Whether a delta would be no news: one of the same artifact and source waits for at least as many people. */
  has({ slot, source, isPrivate }: Pick<WaitingDelta, 'slot' | 'source' | 'isPrivate'>): boolean {
    return this.making(slot).some((delta) => delta.source === source && (!delta.isPrivate || isPrivate));
  }
}

function append(map: Map<number, WaitingDelta[]>, slot: number, delta: WaitingDelta): void {
  const others = map.get(slot);
  if (others === undefined) map.set(slot, [delta]);
  else others.push(delta);
}
